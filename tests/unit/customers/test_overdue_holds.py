"""An enrollment in a hold whose time is long over ends with the next event: nobody else ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stepwell.customers import keys
from stepwell.journeys.overdue import GRACE
from tests.support.programs import entry, program
from tests.support.world import START, World, event

OVER = START + timedelta(seconds=2700) + GRACE
"""When the hold that a program has by default is overdue."""
LATER = OVER + timedelta(minutes=1)


def stuck() -> World:
    """Somebody whose execution is gone while it waited."""
    world = World(program(entry=entry("Started", reentry="after_exit")))
    world.send(event())
    world.arm("token-1")
    return world


def ends(world: World) -> list[tuple[str, str]]:
    found = world.records(keys.FINISHED_PREFIX)
    return [(each["outcome"], each["reason"]) for each in found]


@pytest.mark.parametrize("name", ["Acted", "Touched", "Seen"])
def test_the_next_event_ends_it_whatever_it_is(name: str) -> None:
    world = stuck()
    (routed,) = world.send(event(name, at=LATER))
    enrollment = world.enrollment()
    assert (enrollment["status"], enrollment["outcome"]) == ("ended", "failed")
    assert ends(world) == [("failed", "past its time")]
    assert list(routed.problems) == ["cart wait: past its time"]
    assert "acted" not in enrollment.values()


def test_it_may_be_entered_again_with_the_event_after_that() -> None:
    world = stuck()
    world.send(event("Started", number="2", at=LATER))
    assert world.enrollment()["status"] == "ended"
    world.send(event("Started", number="3", at=LATER))
    assert world.enrollment()["status"] == "active"
    assert len(world.executions.of("start")) == 2


def test_an_exit_is_still_an_exit() -> None:
    world = stuck()
    world.send(event("Ordered", at=LATER))
    assert ends(world) == [("exited", "Ordered")]


def test_an_execution_that_is_only_late_goes_on() -> None:
    world = stuck()
    (routed,) = world.send(event("Acted", at=OVER))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert not routed.problems


def test_a_restart_begins_the_time_anew() -> None:
    world = stuck()
    world.send(event("Touched", at=START + timedelta(minutes=30)))
    world.send(event("Acted", at=LATER))
    assert world.enrollment()["wait_outcome"] == "acted"


def test_the_same_event_again_changes_nothing() -> None:
    world = stuck()
    world.send(event("Seen", at=LATER), event("Seen", at=LATER))
    assert ends(world) == [("failed", "past its time")]
