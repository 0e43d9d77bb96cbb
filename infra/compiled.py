"""The compiler's output, as the stacks use it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Compiled:
    """`folder` is laid out as the bucket is; `machines` are the definitions by journey."""

    folder: Path
    catalog_key: str
    policies_key: str
    registry_key: str
    destinations_key: str
    destinations: Mapping[str, Mapping[str, Any]]
    """Where hand-overs go, by name: `stepwell.handover.destinations` reads them."""
    machine_versions_key: str
    machines: Mapping[str, Mapping[str, Any]]
    legs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Machines for later legs by their names, of journeys that park waits."""


def compile_journeys(statemachines: Path, folder: Path) -> Compiled:
    """Compile every journey into `folder`, emptied first. Raises what the compiler raises."""
    from stepwell.journeys.compiler.bundle import write_bundle  # noqa: PLC0415 - dear, and only a synth needs it

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bundle = write_bundle(statemachines, folder)
    return Compiled(
        folder,
        bundle.catalog_key,
        bundle.policies_key,
        bundle.registry_key,
        bundle.destinations_key,
        bundle.destinations,
        bundle.machine_versions_key,
        bundle.machines,
        bundle.legs,
    )
