"""A delay until a date, from its journey to its runs: states, time limits, graphs, and what happens
to customers with and without the date.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.customers.snapshot import load_snapshot
from stepwell.journeys.compiler.compilation import Compiled, compile_journey
from stepwell.journeys.compiler.graph import mermaid
from stepwell.journeys.compiler.structure import faults
from stepwell.journeys.program import DateDelay, canonical, load_program
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.report.graph import graph_of
from stepwell.simulation.trace import Run, Status
from tests.support.journey_projects import only_subject, write_project
from tests.support.simulations import Person

RENEWAL = """\
journey: renewal
purpose: marketing
entry: {event: Began}
exit:
  - event: Left
steps:
  - delay:
      name: Sixty days before
      until:
        date: customer.traits.renewal_date
        offset: -60d
        at: "09:00 local"
  - hold: {name: Wait, for: 10d, until: [{event: Acted, then: restart}], max_restarts: 2}
  - delay: {name: On the day, until: {date: customer.traits.renewal_date}}
  - delay: {name: A week, for: 7d}
"""
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = 86_400


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_project(tmp_path_factory.mktemp("renewal"), {"renewal": RENEWAL}, templates={})
    shutil.copy("statemachines/send_message.asl.json", root / "statemachines")
    return root


@pytest.fixture(scope="module")
def compiled(root: Path) -> Compiled:
    return compile_journey(only_subject(root))


@pytest.fixture(scope="module")
def renewal(root: Path) -> Definitions:
    return read_definitions(root)


# ---------------------------------------------------------------- what is compiled


def test_it_is_planned_looked_at_and_waited_for(compiled: Compiled) -> None:
    assert faults(compiled.machine) == []
    states: dict[str, Any] = compiled.machine["States"]
    name = "Sixty days before"
    planned = states[f"{name}: find the time"]
    assert planned["ResultSelector"] == {
        "until.$": "$.Payload.until",
        "problem.$": "$.Payload.problem",
    }
    assert planned["Next"] == f"{name}: was it found"
    choice = states[f"{name}: was it found"]
    assert choice["Choices"] == [{"Variable": "$.plan.problem", "StringEquals": "", "Next": name}]
    assert choice["Default"] == f"{name}: no date"
    assert states[f"{name}: no date"] == {
        "Type": "Pass",
        "Parameters": {"Error.$": "$.plan.problem"},
        "ResultPath": "$.failure",
        "Next": "Mark as failed",
    }
    assert states[name] == {"Type": "Wait", "TimestampPath": "$.plan.until", "Next": "Wait"}


def test_what_may_follow_is_left_of_the_year(compiled: Compiled) -> None:
    program = load_program(canonical(compiled.program))
    first, second = (each for each in program.steps.values() if isinstance(each, DateDelay))
    assert first.latest_seconds == (365 - 3 * 10 - 7) * DAY
    assert second.latest_seconds == (365 - 7) * DAY
    assert str(first) == "until customer.traits.renewal_date -60d, 09:00 local"


def test_the_graphs_say_until_when(compiled: Compiled, root: Path) -> None:
    text = mermaid(only_subject(root).journey)
    assert (
        'step_sixty_days_before(["Sixty days before<br>'
        'wait until customer.traits.renewal_date -60d, 09:00 local"])'
    ) in text
    graph = graph_of(load_program(canonical(compiled.program)), compiled.machine)
    assert [(each.kind, each.detail) for each in graph.steps if each.kind == "delay"] == [
        ("delay", "until customer.traits.renewal_date -60d, 09:00 local"),
        ("delay", "until customer.traits.renewal_date"),
        ("delay", "wait 7d"),
    ]
    assert [(way.source, way.target) for way in graph.ways] == [
        ("", "Sixty days before"),
        ("Sixty days before", "Wait"),
        ("Wait", "Wait"),
        ("Wait", "On the day"),
        ("On the day", "A week"),
        ("A week", ""),
    ]


# ---------------------------------------------------------------- what happens


def simulation_of(definitions: Definitions, **traits: Any) -> Simulation:
    """A customer in London who has begun at NOON."""
    simulation = Simulation(definitions, NOON)
    ada = Person()
    simulation.send(ada.identify(NOON, timezone="Europe/London", **traits))
    simulation.send(ada.track("Began", NOON))
    return simulation


def run_of(simulation: Simulation) -> Run:
    (run,) = simulation.trace.runs.values()
    return run


def entered(simulation: Simulation) -> dict[str, datetime]:
    return {state: at for at, state in reversed(run_of(simulation).states)}


def test_steps_follow_at_their_dates(renewal: Definitions) -> None:
    simulation = simulation_of(renewal, renewal_date="2027-05-27")
    simulation.run()
    at = entered(simulation)
    assert at["Wait"] == datetime(2027, 3, 28, 8, tzinfo=UTC)  # 09:00, the clocks went forward
    assert at["A week"] == datetime(2027, 5, 26, 23, tzinfo=UTC)  # midnight, summer time
    assert run_of(simulation).status is Status.SUCCEEDED


def test_who_comes_late_does_not_wait(renewal: Definitions) -> None:
    simulation = simulation_of(renewal, renewal_date="2026-12-24")
    simulation.run()
    at = entered(simulation)
    assert at["Wait"] == NOON
    assert at["On the day"] == NOON + timedelta(days=10)


def test_the_date_is_the_one_that_is_known_when_the_step_begins(renewal: Definitions) -> None:
    simulation = simulation_of(renewal, renewal_date="2027-05-27")
    later = NOON + timedelta(days=3)
    changed = Person().identify(later, renewal_date="2027-06-27")
    simulation.schedule(later, replace(changed, id="changed"))
    simulation.run()
    at = entered(simulation)
    assert at["Wait"] == datetime(2027, 3, 28, 8, tzinfo=UTC)
    assert at["A week"] == datetime(2027, 6, 26, 23, tzinfo=UTC)


def test_an_exit_acts_in_the_wait(renewal: Definitions) -> None:
    simulation = simulation_of(renewal, renewal_date="2027-05-27")
    left = NOON + timedelta(days=30)
    simulation.schedule(left, replace(Person().track("Left", left), id="left"))
    simulation.run()
    assert run_of(simulation).ended == left
    assert "Wait" not in entered(simulation)


@pytest.mark.parametrize(
    ("traits", "reason"),
    [
        ({}, "sixty_days_before: customer.traits.renewal_date: no such key"),
        (
            {"renewal_date": "27.05.2027"},
            (
                "sixty_days_before: customer.traits.renewal_date is no date like 2027-01-31 or "
                "2027-01-31T18:30:00Z"
            ),
        ),
        (
            {"renewal_date": "2028-05-27"},
            (
                "sixty_days_before: customer.traits.renewal_date is too far ahead: "
                "a journey lasts a year at most"
            ),
        ),
    ],
)
def test_without_a_date_the_enrollment_fails_and_says_why(
    renewal: Definitions, traits: dict[str, str], reason: str
) -> None:
    simulation = simulation_of(renewal, **traits)
    simulation.run()
    run = run_of(simulation)
    assert (run.status, run.error, run.ended) == (Status.FAILED, "JourneyFailed", NOON)
    assert [state for _, state in run.states] == [
        "Sixty days before: find the time",
        "Sixty days before: was it found",
        "Sixty days before: no date",
        "Mark as failed",
        "Failed",
    ]
    assert reason in {each.text for each in simulation.trace.problems}
    (customer,) = simulation.trace.customers
    (enrollment,) = load_snapshot(simulation.store, customer).enrollments.values()
    assert (enrollment["outcome"], enrollment["reason"]) == ("failed", reason)
