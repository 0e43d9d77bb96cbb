"""Run scenarios, and say of each what was expected, what happened and where they differ."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from stepwell.simulation.definitions import Definitions
from stepwell.simulation.scenarios.comparison import Difference, compare
from stepwell.simulation.scenarios.facts import facts_of
from stepwell.simulation.scenarios.model import Fact, Scenario
from stepwell.simulation.scenarios.running import Runner
from stepwell.simulation.scenarios.timeline import Entry, timeline
from stepwell.simulation.scenarios.writing import line_of, parts_of
from stepwell.timestamps import to_text


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario that was run. `seconds` is how long that took."""

    scenario: Scenario
    happened: tuple[Fact, ...]
    differences: tuple[Difference, ...]
    timeline: tuple[Entry, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.differences

    def moment(self, entry: Entry) -> str:
        """When it happened, in the customer's local time."""
        scenario = self.scenario
        return scenario.week.show(entry.at, scenario.people[entry.user].clock)

    def sides(self) -> Iterator[tuple[str | None, int | None, str | None]]:
        """Of each difference the expected line, its number in the file, and what happened."""
        for each in self.differences:
            says = each.expected is not None and bool(each.expected.fact.says)
            expected = line = happened = None
            if each.expected is not None:
                expected = line_of(each.expected.fact, self.scenario, says=True)
                line = each.expected.place.line
            if each.happened is not None:
                happened = line_of(each.happened, self.scenario, says=says)
            yield expected, line, happened

    def lines(self) -> Iterator[tuple[str, str, int | None]]:
        """The differences: "-" expected or "+" happened, the line, its number in the file."""
        for expected, line, happened in self.sides():
            if expected is not None:
                yield "-", expected, line
            if happened is not None:
                yield "+", happened, None

    def as_json(self) -> dict[str, Any]:
        """Without the time it took, so that the same scenarios give the same text."""
        scenario = self.scenario
        return {
            "journey": scenario.journey,
            "name": scenario.name,
            "file": scenario.place.file,
            "line": scenario.place.line,
            "passed": self.passed,
            "expected": [parts_of(each.fact, scenario) for each in scenario.expected],
            "happened": [parts_of(each, scenario) for each in self.happened],
            "differences": [
                {"expected": expected, "line": line, "happened": happened}
                for expected, line, happened in self.sides()
            ],
            "timeline": [
                {
                    "at": to_text(each.at),
                    "local": self.moment(each),
                    "user": each.user,
                    "kind": each.kind,
                    "text": each.text,
                }
                for each in self.timeline
            ],
        }


def run_scenarios(definitions: Definitions, scenarios: Iterable[Scenario]) -> Iterator[Result]:
    """One after the other, in their order. Raises UnsupportedError."""
    runner = Runner(definitions)
    for scenario in scenarios:
        began = time.perf_counter()
        simulation = runner.run(scenario)
        happened = facts_of(simulation)
        differences = compare(scenario.expected, happened)
        story = timeline(scenario, simulation)
        took = time.perf_counter() - began
        yield Result(scenario, tuple(happened), tuple(differences), tuple(story), took)
