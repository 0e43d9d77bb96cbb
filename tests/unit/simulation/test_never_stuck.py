"""Enrollments that are stuck, executions that failed and steps that nobody reaches are seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.simulation import functions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.never import Broken, Rule, find_broken, unreached
from stepwell.simulation.trace import Status
from stepwell.storage.operations import Update
from tests.support.simulations import MONDAY, broken_rules, carts, play, shipped


def _entered() -> Simulation:
    """Waiting for the silence to end."""
    simulation = Simulation(shipped(), MONDAY)
    for each in carts(1):
        simulation.schedule(MONDAY, each)
    simulation.run(until=MONDAY)
    assert find_broken(simulation) == []
    return simulation


def test_active_enrollment_without_an_execution_is_stuck() -> None:
    simulation = _entered()
    (run,) = simulation.trace.runs.values()
    run.status = Status.SUCCEEDED
    (found,) = find_broken(simulation)
    assert (found.rule, found.journey) == (Rule.STUCK, "cart_abandonment")
    simulation.trace.runs.clear()
    (found,) = find_broken(simulation)
    assert "was never started" in found.text


def test_execution_of_another_enrollment_is_none_of_its_own() -> None:
    simulation = _entered()
    (run,) = simulation.trace.runs.values()
    run.enrollment = "onboarding#one"
    (found,) = find_broken(simulation)
    assert "was never started" in found.text


def test_ended_enrollment_whose_execution_runs_is_stuck() -> None:
    simulation = _entered()
    (run,) = simulation.trace.runs.values()
    key = keys.enrollment(run.customer, run.enrollment)
    simulation.store.write(Update(key, {"status": "ended"}))
    assert broken_rules(simulation) == [Rule.STUCK]


def test_execution_that_waits_for_nothing_is_stuck() -> None:
    simulation = play(Simulation(shipped(), MONDAY), *carts(1))
    (run,) = simulation.trace.runs.values()
    run.status = Status.RUNNING
    assert Rule.STUCK in broken_rules(simulation)


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT])
def test_failed_execution_is_seen_once(status: Status) -> None:
    simulation = _entered()
    (run,) = simulation.trace.runs.values()
    run.status, run.error = status, "States.Runtime"
    (found,) = find_broken(simulation)
    assert found.rule is Rule.FAILED
    assert "States.Runtime" in found.text
    assert found.reason == "States.Runtime"


def test_message_without_an_answer_is_seen_when_nothing_was_told_to_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LookupError("a defect")

    monkeypatch.setattr(functions, "reserve_unit", fail)
    simulation = play(Simulation(shipped(), MONDAY), *carts(1))
    found = find_broken(simulation)
    assert {each.rule for each in found} == {Rule.NO_ANSWER}
    assert found[0].step == "Stylist suggestion"
    simulation.may_fail = True
    assert find_broken(simulation) == []


def test_steps_that_nobody_enters_are_seen_once_enough_runs_have_ended() -> None:
    steps, entered = ("Wait", "Nudge"), {"Wait": 100, "Nudge": 0}
    assert unreached("cart", steps, entered, 99) == []
    (found,) = unreached("cart", steps, entered, 100)
    assert (found.rule, found.step) == (Rule.UNREACHED, "Nudge")
    assert unreached("cart", steps, {"Wait": 100, "Nudge": 1}, 100) == []


def test_broken_is_plain_data() -> None:
    broken = Broken(Rule.STUCK, "c1", "cart", "Wait", MONDAY, "it waits")
    assert json.loads(json.dumps(broken.as_json()))["when"] == "2026-11-23T12:00:00.000Z"
    assert str(broken) == "stuck: 2026-11-23T12:00:00.000Z · c1 · cart · Wait: it waits"
