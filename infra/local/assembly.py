"""What `cdk synth` wrote: templates in the order of their deployment, and their assets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class AssemblyError(Exception):
    """The folder has no synthesized templates; the message says what to do."""


@dataclass(frozen=True, slots=True)
class StackTemplate:
    """One stack. `assets` are folders (or archives) by the key that the template has for them."""

    name: str
    template: Mapping[str, Any]
    assets: Mapping[str, Path]

    @property
    def resources(self) -> Mapping[str, Any]:
        resources: Mapping[str, Any] = self.template["Resources"]
        return resources


def read_assembly(folder: Path) -> list[StackTemplate]:
    """The stacks, each after those it depends on. Raises AssemblyError."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError as error:
        raise AssemblyError(f"{folder} has no templates; `make synth` writes them") from error
    artifacts = manifest["artifacts"]
    stacks = [key for key, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"]
    return [_read_stack(folder, key, artifacts[key]) for key in _in_order(stacks, artifacts)]


def _in_order(stacks: list[str], artifacts: Mapping[str, Any]) -> list[str]:
    ordered: list[str] = []

    def visit(key: str) -> None:
        for needed in artifacts[key].get("dependencies", ()):
            if needed in stacks:
                visit(needed)
        if key not in ordered:
            ordered.append(key)

    for key in stacks:
        visit(key)
    return ordered


def _read_stack(folder: Path, key: str, artifact: Mapping[str, Any]) -> StackTemplate:
    properties = artifact["properties"]
    template = json.loads((folder / properties["templateFile"]).read_text())
    files = json.loads((folder / f"{key}.assets.json").read_text())["files"]
    assets = {
        destination["objectKey"]: folder / each["source"]["path"]
        for each in files.values()
        for destination in each["destinations"].values()
    }
    return StackTemplate(properties.get("stackName", key), template, assets)
