"""Who enters a journey, when, and again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from stepwell.customers import keys, slots
from tests.support.fakes import (
    plain_hasher,
)
from tests.support.programs import entry, path, program
from tests.support.world import START, World, event


def test_an_entry_opens_the_first_hold_and_starts_the_execution() -> None:
    world = World()
    (routed,) = world.send(event())
    enrollment = world.enrollment()
    assert enrollment["status"] == slots.ACTIVE
    assert (enrollment["wait_visit"], enrollment["wait_seq"]) == (1, 1)
    ((journey, execution, state),) = world.executions.of("start")
    assert (journey, execution) == ("cart", enrollment["execution"])
    assert re.fullmatch(rf"{routed.customer}-[0-9a-f]{{16}}-1", execution)
    assert state["ids"]["run"] == 1
    assert "ada" not in str(state)


@pytest.mark.parametrize(
    ("policy", "seconds", "after", "ended", "again"),
    [
        ("never", 0, 0, True, False),
        ("after_exit", 0, 0, False, False),
        ("after_exit", 0, 0, True, True),
        ("after", 3600, 3599, True, False),
        ("after", 3600, 3600, True, True),
        ("after", 3600, 3600, False, False),
        ("always", 0, 0, False, True),
        ("always", 0, 0, True, True),
    ],
)
def test_reentry(policy: str, seconds: int, after: int, ended: bool, again: bool) -> None:
    world = World(program(entry=entry("Started", reentry=policy, seconds=seconds)))
    world.send(event())
    if ended:
        world.send(event("Ordered"))
    later = START + timedelta(seconds=after)
    world.send(event(number="2", at=later))
    runs = [state["ids"]["run"] for _, _, state in world.executions.of("start")]
    assert runs == ([1, 3 if ended else 2] if again else [1])
    if policy == "always" and not ended:
        ((_, execution, error, _),) = world.executions.of("stop")
        assert execution.endswith("-1")
        assert error == "Exited"
        assert [each["outcome"] for each in world.records(keys.FINISHED_PREFIX)] == ["replaced"]


def test_an_execution_is_of_the_machine_s_version_that_was_entered() -> None:
    """Also when the start comes later, from a router that knows another one."""
    world = World(replace(program(), machine_version=7))
    began = event()
    world.send(began)
    assert world.enrollment()["machine_version"] == 7
    world.programs = (replace(program(), machine_version=8),)
    world.router = world.make_router()
    world.send(began)
    assert [machine for machine, *_ in world.executions.of("start")] == ["cart:7", "cart:7"]


def test_a_new_run_is_of_the_newest_version_and_the_old_one_is_stopped_without() -> None:
    again = entry("Started", reentry="always")
    world = World(replace(program(entry=again), machine_version=7))
    world.send(event())
    world.programs = (replace(program(entry=again), machine_version=8),)
    world.router = world.make_router()
    world.send(event(number="2"))
    assert [machine for machine, *_ in world.executions.of("start")] == ["cart:7", "cart:8"]
    assert [machine for machine, *_ in world.executions.of("stop")] == ["cart"]


def test_without_a_version_the_machine_is_started_as_it_is() -> None:
    world = World()
    world.send(event())
    assert "machine_version" not in world.enrollment()
    assert [machine for machine, *_ in world.executions.of("start")] == ["cart"]


def test_journeys_that_one_event_begins_share_no_execution_name() -> None:
    world = World(program("cart"), program("browse"))
    world.send(event())
    started = {journey: execution for journey, execution, _ in world.executions.of("start")}
    assert started.keys() == {"cart", "browse"}
    assert started["cart"] != started["browse"]


def test_a_key_makes_parallel_enrollments_and_only_its_hash_is_kept() -> None:
    cart = path("event", "properties", "cart")
    world = World(program(entry=entry("Started", key=cart)))
    world.send(
        *(event(number=cart, properties={"cart": cart}) for cart in ("ada@example.com", "b"))
    )
    world.send(event(number="3", properties={"cart": "b"}), event(number="4"))
    names = set(world.ada().enrollments)
    assert names == {f"cart#{plain_hasher('journey_key', key)}" for key in ("ada@example.com", "b")}
    assert "ada@example.com" not in str([call[1] for call in world.executions.of("start")])


def test_an_entry_without_its_key_is_reported_and_begins_nothing() -> None:
    world = World(program(entry=entry("Started", key=path("event", "properties", "cart"))))
    (routed,) = world.send(event())
    assert world.ada().enrollments == {}
    assert len(routed.problems) == 1
    assert "cart entry key" in routed.problems[0]


def test_an_entry_condition_decides() -> None:
    where = [">=", path("event", "properties", "value"), ["double", 50.0]]
    world = World(program(entry=entry("Started", where=where)))
    world.send(event(properties={"value": 49}))
    assert world.ada().enrollments == {}
    world.send(event(number="2", properties={"value": 50}))
    assert set(world.ada().enrollments) == {"cart#one"}


def test_a_draining_journey_takes_nobody_in() -> None:
    world = World(program(draining=True))
    world.send(event())
    assert world.ada().enrollments == {}


def test_an_old_event_informs_but_begins_nothing() -> None:
    world = World()
    old = event(
        timestamp=START - timedelta(hours=24, seconds=1), context={"timezone": "Asia/Tokyo"}
    )
    world.send(old)
    assert world.ada().enrollments == {}
    assert (world.ada().profile or {})["context_zone"] == "Asia/Tokyo"
