"""Shipped scenarios that are about a very moment, on moto: what they expect holds there as well."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stepwell.events.model import Event, to_message
from stepwell.journeys.compiler.project import journey_names, read_project
from stepwell.simulation.defining import define
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.scenarios.comparison import compare
from stepwell.simulation.scenarios.facts import facts_of
from stepwell.simulation.scenarios.model import Expected, Fact, Scenario
from stepwell.simulation.scenarios.reader import FILE, read_scenarios, surroundings
from stepwell.simulation.scenarios.running import Runner, introduction
from tests.support.scenario_projects import ROOT, copy_shipped
from tests.support.stage import Stage

MOMENTS = ("very second", "very moment", "thousandth", "one second", "a second before", "while ")
NAMES = [
    (path.parent.name, name)
    for path in sorted((ROOT / "statemachines" / "journeys").glob(f"*/{FILE}"))
    for name in re.findall(r"^  - name: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if any(words in name for words in MOMENTS)
]
"""(Journey, scenario), of those without scripted providers, which are no part of a stage."""


@functools.cache
def shipped() -> tuple[Definitions, dict[tuple[str, str], Scenario]]:
    project = read_project(ROOT)
    scenarios, problems = read_scenarios(ROOT, journey_names(ROOT), surroundings(project, ROOT))
    assert not problems
    return define(project, ROOT), {(each.journey, each.name): each for each in scenarios}


def test_there_are_some_of_each_kind() -> None:
    assert {words for words in MOMENTS if any(words in name for _, name in NAMES)} == set(MOMENTS)
    assert len(NAMES) >= 15


@pytest.mark.parametrize(("journey", "name"), NAMES, ids=map(": ".join, NAMES))
def test_the_scenario_holds_on_moto(journey: str, name: str, tmp_path: Path) -> None:
    scenario = shipped()[1][journey, name]
    assert not scenario.providers
    copy_shipped(tmp_path, *scenario.journeys)
    start = scenario.calls[0].at - timedelta(minutes=1)
    policies = json.loads(scenario.policies)
    with Stage(start, policies, project=tmp_path) as stage:
        for person in scenario.people.values():
            for event in introduction(person, start):
                take(stage, event)
        for call in scenario.calls:
            stage.engine.run_until(call.at)
            take(stage, call.event)
        if scenario.until is None:
            stage.engine.run_until_idle()
        else:
            stage.engine.run_until(scenario.until)
            stage.engine.settle()
        happened = facts_on(stage, scenario)
    expected = [Expected(plain(each.fact), each.place) for each in scenario.expected]
    assert compare(expected, happened) == []


def take(stage: Stage, event: Event) -> None:
    """The event reaches the router now, and what follows at this moment is worked off."""
    answer = stage.route([to_message(event)])
    assert answer == {"batchItemFailures": []}
    stage.engine.settle()


def facts_on(stage: Stage, scenario: Scenario) -> list[Fact]:
    """As those of a simulation that has the stage's tables."""
    definitions = Runner(shipped()[0]).definitions_of(scenario)
    seen = Simulation(definitions, scenario.calls[0].at, store=stage.store)
    for user in scenario.people:
        seen.trace.customers[stage.customer(user)] = None
    return [plain(fact) for fact in facts_of(seen)]


def plain(fact: Fact) -> Fact:
    """Without what only a simulation's trace knows: texts, and the step that is at work."""
    return replace(fact, says=(), step=None)
