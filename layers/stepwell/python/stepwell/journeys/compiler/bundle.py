"""Write what functions read at run time into a folder, each file under the hash of its content.

    programs/<version>.json   a compiled journey
    catalogs/<hash>.json      {"programs": ["<version>", …]}: the journeys of this deployment
    policies/<hash>.json      purposes, caps and quiet hours, computed traits and segments
    destinations/<hash>.json  where hand-overs go, by name
    registries/<hash>.json    {"events": {"<name>": {"<version>": <schema>}}}

Deployments copy the folder into a bucket and never delete there: what runs finds its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.customers.legs import legs_machine
from stepwell.events.model import CONSENT_EVENT
from stepwell.journeys.compiler.compilation import compile_all
from stepwell.journeys.compiler.later_legs import legs_of
from stepwell.journeys.compiler.project import read_project, read_registry
from stepwell.journeys.program import canonical, version_of


@dataclass(frozen=True, slots=True)
class Bundle:
    """Keys of the files that a stage points to, and each journey's state machine."""

    catalog_key: str
    policies_key: str
    registry_key: str
    machines: dict[str, dict[str, Any]]
    destinations_key: str
    destinations: dict[str, Any]
    legs: dict[str, dict[str, Any]]
    """The machines for the later legs of the journeys that park waits, by their names."""

    @property
    def machine_versions_key(self) -> str:
        """Where a deployment writes by which numbers Step Functions knows these definitions. They
        are in its name: a deployment of others leaves the file as it is.
        """
        return f"machine-versions/{version_of(self.machines)}.json"


def write_bundle(statemachines: Path, out: Path) -> Bundle:
    """Compile the journeys in `statemachines` into `out`. Raises CompileError with all problems."""
    root = statemachines.resolve().parent
    project = read_project(root)
    compiled = compile_all(project)
    for each in compiled:
        _write(out, "programs", each.program)
    catalog = {"programs": [each.version for each in compiled]}
    return Bundle(
        catalog_key=_write(out, "catalogs", catalog),
        policies_key=_write(out, "policies", project.rules()),
        registry_key=_write(out, "registries", _registry(root, project.policies)),
        destinations_key=_write(out, "destinations", project.destinations),
        destinations=project.destinations,
        machines={each.journey: each.machine for each in compiled},
        legs={
            legs_machine(each.journey, each.version): legs
            for each in compiled
            if (legs := legs_of(each.machine))
        },
    )


def _registry(root: Path, policies: Mapping[str, Any]) -> dict[str, Any]:
    """As senders are held to it: a consent is about a purpose that there is. One for another would
    count for nothing, and nobody would know.
    """
    document = read_registry(root).document()
    purposes = {"enum": sorted(policies["purposes"])}
    for number, schema in document["events"].get(CONSENT_EVENT, {}).items():
        parts = schema.get("properties", {})
        told = {"allOf": [parts["purpose"], purposes]} if "purpose" in parts else purposes
        held = {**schema, "properties": {**parts, "purpose": told}}
        document["events"][CONSENT_EVENT][number] = held
    return document


def _write(out: Path, kind: str, document: dict[str, Any]) -> str:
    key = f"{kind}/{version_of(document)}.json"
    path = out / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(canonical(document), encoding="utf-8")
    return key
