"""Exits at once, goals once."""

from __future__ import annotations

from datetime import timedelta

from stepwell.customers import keys, slots
from tests.support.programs import entry, path, program
from tests.support.world import START, World, event


def test_an_exit_in_a_hold_marks_it_and_wakes_the_execution() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    world.send(event("Ordered"))
    enrollment = world.enrollment()
    assert (enrollment["status"], enrollment["outcome"]) == (slots.ENDED, "exited")
    assert (enrollment["reason"], enrollment["wait_outcome"]) == ("Ordered", slots.EXIT)
    assert world.executions.of("wake") == [("token-1", {"visit": "1", "outcome": "exit"})]
    assert world.executions.of("stop") == []


def test_an_exit_elsewhere_stops_the_execution() -> None:
    world = World(program(first=None))
    world.send(event(), event("Ordered"))
    assert world.executions.of("stop") == [
        ("cart", world.enrollment()["execution"], "Exited", "Ordered")
    ]
    ((finished),) = world.records(keys.FINISHED_PREFIX)
    assert (finished["outcome"], finished["reason"]) == ("exited", "Ordered")


def test_an_exit_outranks_a_branch_and_the_same_event_does_not_enter_again() -> None:
    again = program(
        entry=entry("Started", reentry="after_exit"), exits=[{"event": "Started", "where": None}]
    )
    world = World(again)
    world.send(event(), event(number="2"))
    assert world.enrollment()["status"] == slots.ENDED
    assert len(world.executions.of("start")) == 1


def test_a_goal_is_recorded_once_also_after_the_end_and_within_its_time() -> None:
    goal = {
        "event": "Ordered",
        "where": None,
        "within_seconds": 3600,
        "value": path("event", "properties", "revenue"),
    }
    world = World(program(goal=goal, exits=[{"event": "Left", "where": None}]))
    world.send(event(), event("Left"))
    in_time = START + timedelta(seconds=3600)
    world.send(event("Ordered", at=in_time, properties={"revenue": 415}))
    world.send(event("Ordered", number="2", at=in_time, properties={"revenue": 10}))
    ((conversion),) = world.records(keys.CONVERSION_PREFIX)
    assert (conversion["value"], conversion["event"]) == (415, "Ordered-1")

    late = World(program(goal=goal, exits=[]))
    late.send(event(), event("Ordered", at=in_time + timedelta(seconds=1)))
    assert late.records(keys.CONVERSION_PREFIX) == []


def test_an_exit_by_the_goal_is_a_conversion() -> None:
    goal = {"event": "Ordered", "where": None, "within_seconds": 60, "value": None}
    world = World(program(goal=goal))
    world.send(event(), event("Ordered"))
    assert world.enrollment()["outcome"] == "converted"
    assert len(world.records(keys.CONVERSION_PREFIX)) == 1
