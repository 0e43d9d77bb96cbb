"""Read `scenarios.yaml`, with every problem of it: file, line, what is wrong, what to do.

A scenario that cannot be read is reported and left out, so that the others are still looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.problems import Place, Problem
from stepwell.journeys.compiler.project import Project, journey_names, read_registry
from stepwell.journeys.compiler.source import DataPath, read_yaml
from stepwell.journeys.compiler.validation import known_keys
from stepwell.simulation.scenarios.calls import read_calls
from stepwell.simulation.scenarios.documents import FileDocument, GivenDocument, ScenarioDocument
from stepwell.simulation.scenarios.expectations import read_expected
from stepwell.simulation.scenarios.model import USER, Call, Expected, Scenario
from stepwell.simulation.scenarios.people import read_given
from stepwell.simulation.scenarios.reading import Reading, Surroundings

FILE = "scenarios.yaml"


def scenarios_file(root: Path, journey: str) -> Path:
    return root / "statemachines" / "journeys" / journey / FILE


def surroundings(project: Project, root: Path) -> Surroundings:
    """Of a project without problems."""
    policies, _ = read_yaml(root / "statemachines" / "policies.yaml", "policies.yaml")
    return Surroundings(
        subjects={subject.journey.name: subject for subject in project.subjects},
        registry=read_registry(root),
        policies=policies.data if policies else {},
        destinations=frozenset(project.destinations),
    )


def without_scenarios(root: Path, besides: Collection[str] = ()) -> list[Problem]:
    """A warning for each journey that nobody has written a scenario for, `besides` some."""
    return [
        Problem(
            Place(f"statemachines/journeys/{name}/journey.yaml", 1),
            "SW700",
            f"{name} has no scenarios: nothing says what it should do",
            f"Write statemachines/journeys/{name}/{FILE}; docs/scenarios.md shows how.",
        )
        for name in journey_names(root)
        if name not in besides and not scenarios_file(root, name).is_file()
    ]


def read_scenarios(
    root: Path, journeys: Iterable[str], around: Surroundings
) -> tuple[list[Scenario], list[Problem]]:
    """All scenarios of these journeys that can be read; a journey may have none."""
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for journey in journeys:
        path = scenarios_file(root, journey)
        if path.is_file():
            read, wrong = read_file(path, path.relative_to(root).as_posix(), journey, around)
            scenarios += read
            problems += wrong
    return scenarios, sorted(set(problems))


def other_journeys(path: Path) -> set[str]:
    """The journeys that a file asks for besides its own, of whatever in it can be read."""
    source, _ = read_yaml(path, FILE)
    data = source.data if source else None
    scenarios = data.get("scenarios") if isinstance(data, dict) else None
    found: set[str] = set()
    for part in [data, *(scenarios if isinstance(scenarios, list) else [])]:
        given = part.get("given") if isinstance(part, dict) else None
        named = given.get("journeys", []) if isinstance(given, dict) else []
        listed = [named] if isinstance(named, str) else named
        found |= {each for each in listed if isinstance(each, str)} if listed else set()
    return found


def read_file(
    path: Path, file: str, journey: str, around: Surroundings
) -> tuple[list[Scenario], list[Problem]]:
    """`file` is the name of `scenarios.yaml` in problems."""
    source, problems = read_yaml(path, file)
    if source is None:
        return [], problems
    if source.data is None:
        keys = ", ".join(known_keys(FileDocument))
        remedy = f"It has {keys}; docs/scenarios.md shows how."
        return [], [Problem(source.place(()), "SW102", "the file is empty", remedy)]
    reading = Reading(source, journey, around)
    return _File(reading).scenarios(), reading.problems


class _File:
    """The scenarios of one file, which share its `given`."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.names: dict[str, int] = {}

    def scenarios(self) -> list[Scenario]:
        document = self.reading.validated((), self.reading.source.data, FileDocument)
        if document is None:
            return []
        shared = self.reading.validated(("given",), document.given, GivenDocument)
        base = shared or GivenDocument()
        read = (
            self._scenario(base, ("scenarios", number), each)
            for number, each in enumerate(document.scenarios)
        )
        return [each for each in read if each is not None]

    def _scenario(self, base: GivenDocument, path: DataPath, data: Any) -> Scenario | None:
        reading = self.reading
        document = reading.validated(path, data, ScenarioDocument)
        if document is None:
            return None
        self._check_name(path, document.name)
        given = read_given(reading, base, (*path, "given"), document.given)
        if given is None:
            return None
        calls = read_calls(reading, given, (*path, "when"), document.when)
        expected = read_expected(reading, given, (*path, "expect"), document.expect, calls)
        if not calls:
            return None
        until = None
        if document.until is not None:
            clock = given.person(USER).clock
            where = (*path, "until")
            until = reading.moment(where, document.until, given.week, clock, calls[-1].at)
            _check_until(reading, where, until, calls, expected)
        users = dict.fromkeys(call.user for call in calls)
        return Scenario(
            journey=reading.journey,
            name=document.name,
            place=reading.place(path),
            week=given.week,
            journeys=given.journeys,
            policies=given.policies_text,
            providers={name: tuple(each) for name, each in given.document.providers.items()},
            destinations={name: tuple(each) for name, each in given.document.destinations.items()},
            people={user: given.person(user) for user in users},
            calls=calls,
            until=until,
            expected=expected,
        )

    def _check_name(self, path: DataPath, name: str) -> None:
        place = self.reading.place((*path, "name"))
        if name in self.names:
            said = f"another scenario has this name, in line {self.names[name]}"
            self.reading.report((*path, "name"), "SW705", said, "Say in what they differ.")
        self.names.setdefault(name, place.line)


def _check_until(
    reading: Reading,
    path: DataPath,
    until: Any,
    calls: tuple[Call, ...],
    expected: tuple[Expected, ...],
) -> None:
    if until is None:
        return
    if calls[-1].at > until:
        reading.report(path, "SW704", "the last event is later", "End the scenario after it.")
    late = [each for each in expected if each.fact.at is not None and each.fact.at > until]
    for each in late:
        said = f"line {each.place.line} expects something after this end"
        reading.report(path, "SW704", said, "End the scenario later, or without `until`.")
