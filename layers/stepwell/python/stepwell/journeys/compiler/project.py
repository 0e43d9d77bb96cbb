"""A Stepwell project on disk: where it is, and everything in it that journeys are made of.

<root>/statemachines/journeys/<name>/journey.yaml, templates/<template>.yaml, journey.asl.json
<root>/statemachines/policies.yaml, profile.yaml, segments.yaml, signals.yaml, destinations.yaml
<root>/events/schemas/<event>.json, <event>.<version>.json
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.checks import Subject, problems_of
from stepwell.journeys.compiler.destinations import read_destinations
from stepwell.journeys.compiler.problems import Place, Problem
from stepwell.journeys.compiler.profile.assembling import read_declarations
from stepwell.journeys.compiler.profile.promotion_hold import hold_problems
from stepwell.journeys.compiler.reader import read_journey
from stepwell.journeys.compiler.registry import EventRegistry, RegistryError, load_registry
from stepwell.journeys.compiler.templates import Template, read_templates
from stepwell.messages.policies import PoliciesError
from stepwell.messages.policies_file import read_policies

SCHEMAS = "events/schemas"
POLICIES = "statemachines/policies.yaml"


class NoProjectError(Exception):
    """There is no Stepwell project here."""


@dataclass(frozen=True, slots=True)
class Project:
    """`policies` are empty when they cannot be read; `problems` are all there are, in order;
    `profile` is what is declared of customers' profiles, `destinations` where hand-overs go.
    """

    subjects: tuple[Subject, ...]
    policies: dict[str, Any]
    problems: tuple[Problem, ...]
    profile: Mapping[str, Any] = field(default_factory=dict)
    destinations: dict[str, Any] = field(default_factory=dict)

    def rules(self) -> dict[str, Any]:
        """What is deployed of both: it applies to every customer as it stands."""
        return {**self.policies, **({"profile": self.profile} if self.profile else {})}


def find_root(start: Path) -> Path:
    """The folder with `statemachines/journeys`, going up from `start`. Raises NoProjectError."""
    for folder in (start, *start.parents):
        if (folder / "statemachines" / "journeys").is_dir():
            return folder
    raise NoProjectError(
        f"no statemachines/journeys in {start} or above it; say where it is with --root"
    )


def journey_names(root: Path) -> list[str]:
    folders = (root / "statemachines" / "journeys").iterdir()
    return sorted(
        folder.name for folder in folders if folder.is_dir() and not folder.name.startswith(".")
    )


def read_project(
    root: Path, only: frozenset[str] | None = None, policies_file: str = POLICIES
) -> Project:
    """Read and check the project's journeys, or only those named. `policies_file`, from the root
    on or absolute, is for policies that are to be tried instead of its own.
    """
    registry, problems = _registry(root)
    policies, wrong = _policies(root, policies_file)
    purposes = frozenset(policies["purposes"]) if policies else None
    declared = read_declarations(root, registry, purposes)
    destinations, unread = read_destinations(root)
    problems = [*problems, *wrong, *declared.problems, *unread]
    goes_to = None if unread else frozenset(destinations)
    problems += hold_problems(root, policies, declared.segments, policies_file)
    if registry:
        registry = replace(registry, fields=declared.fields, absent=declared.absent)
    subjects = []
    for name in journey_names(root):
        if only is None or name in only:
            subject, found = _read(root, name, purposes, registry, declared.document, goes_to)
            problems.extend(found)
            subjects += [subject] if subject else []
    said = tuple(sorted(set(problems)))
    return Project(tuple(subjects), policies, said, declared.document, destinations)


def _read(
    root: Path,
    name: str,
    purposes: frozenset[str] | None,
    registry: EventRegistry | None,
    profile: Mapping[str, Any],
    destinations: frozenset[str] | None,
) -> tuple[Subject | None, list[Problem]]:
    folder = root / "statemachines" / "journeys" / name
    prefix = folder.relative_to(root).as_posix()
    file = f"{prefix}/journey.yaml"
    if not (folder / "journey.yaml").is_file():
        remedy = "Write it, or remove the folder."
        return None, [
            Problem(Place(file, 1), "SW100", "there is no journey.yaml in this folder", remedy)
        ]
    journey, problems = read_journey(folder, file)
    templates: dict[str, Template]
    templates, wrong = read_templates(folder, prefix)
    problems = [*problems, *wrong]
    if journey is None:
        return None, problems
    subject = Subject(journey, templates, purposes, registry, profile, destinations)
    return subject, [*problems, *problems_of(subject)]


def _policies(root: Path, file: str) -> tuple[dict[str, Any], list[Problem]]:
    try:
        return read_policies((root / file).read_bytes()), []
    except OSError:
        remedy = "Add it: purposes, caps and quiet hours."
        return {}, [Problem(Place(file, 1), "SW405", "there are no policies", remedy)]
    except PoliciesError as error:
        return {}, [
            Problem(
                Place(file, max(each.line, 1), each.path),
                "SW406",
                each.message,
                "Correct the policies.",
            )
            for each in error.problems
        ]


def read_registry(root: Path) -> EventRegistry:
    """Raises RegistryError."""
    return load_registry(root / SCHEMAS)


def _registry(root: Path) -> tuple[EventRegistry | None, list[Problem]]:
    try:
        return read_registry(root), []
    except RegistryError as error:
        remedy = "Correct the schema."
        return None, [Problem(*_named(root, SCHEMAS, each), remedy) for each in error.problems]


def _named(root: Path, folder: str, said: str) -> tuple[Place, str, str]:
    """Place, code and message of what the registry says: `<path>: <what is wrong>`."""
    file, _, message = said.partition(": ")
    name = Path(file).relative_to(root).as_posix() if Path(file).is_relative_to(root) else folder
    return Place(name, 1), "SW500", message
