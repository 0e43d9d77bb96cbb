"""One event, once, whatever goes wrong: redeliveries, crashes, races."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.customers.routing import Routed
from stepwell.events.model import Event
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Delete, TableName, Update
from tests.support.fakes import (
    Crash,
    CrashError,
    CrashingStore,
    RecordedExecutions,
)
from tests.support.programs import branch, hold, program
from tests.support.world import START, World, event


class TornStore(MemoryStore):
    """Some reads see a transaction's profile already, but none of its enrollments."""

    torn = 0

    def query(self, table: TableName, pk: str, **options: Any) -> list[dict[str, Any]]:
        items = super().query(table, pk, **options)
        if self.torn and table is TableName.CUSTOMERS:
            self.torn -= 1
            return [each for each in items if not each["sk"].startswith(keys.ENROLLMENT_PREFIX)]
        return items


@pytest.mark.parametrize("torn", [1, 3])
def test_an_exit_that_reads_its_entry_in_part_reads_again(torn: int) -> None:
    store = TornStore()
    world = World(store=store)
    world.send(event())
    store.torn = torn
    world.send(event("Ordered"))
    assert world.enrollment()["status"] == slots.ENDED


def test_an_enrollment_that_was_forgotten_holds_no_event_up() -> None:
    world = World()
    world.send(event(), event("Ordered"))
    world.store.write(Delete(keys.enrollment(world.ada().customer, "cart#one")))
    (routed, *_) = world.send(event("Seen"), event(number="2"))
    assert routed.seq == 3
    assert world.enrollment()["status"] == slots.ACTIVE


def test_a_redelivered_event_changes_nothing() -> None:
    world = World()
    story = [event(), event("Touched"), event("Acted")]
    world.send(*story)
    before = world.ada()
    repeated = world.send(*story, at=START + timedelta(hours=2))
    assert [routed.repeated for routed in repeated] == [True, True, True]
    assert world.ada() == before


def test_a_redelivered_event_whose_slot_was_closed_again_wakes_nothing() -> None:
    """The message before the hold was pushed back, so delivery took the opening back."""
    world = World()
    story = [event(), event("Acted")]
    world.send(*story)
    gone = ("wait_visit", "wait_seq", "wait_opened", "wait_outcome", "wait_event")
    world.store.write(Update(keys.enrollment(world.ada().customer, "cart#one"), remove=gone))
    world.arm("token")
    assert [routed.repeated for routed in world.send(*story)] == [True, True]
    assert world.executions.of("wake") == []


def test_a_redelivered_event_does_not_decide_what_came_later() -> None:
    """Its condition would be true now, but it was applied before the hold was open."""
    steps = [
        hold("wait", branch("acted", "Acted", opens="second")),
        hold("second", branch("again", "Seen")),
    ]
    world = World(program(steps=steps))
    seen = event("Seen")
    world.send(event(), seen, event("Acted"), seen)
    assert "second_outcome" not in world.enrollment()


def story(world: World) -> list[Event]:
    return [event(), event("Touched"), event("Acted", anonymous_id="a"), event("Ordered")]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 25))
def test_a_crash_at_any_call_and_a_redelivery_give_the_same(at: int, after: bool) -> None:
    calm = World()
    for each in story(calm):
        calm.send(each)
        if each.name == "Started":
            calm.arm("token")
    world = World()
    crash = Crash(at, after=after)
    for each in story(world):
        router = world.make_router(CrashingStore(world.store, crash), crash)
        try:
            router.route(each, START)
        except CrashError:
            world.executions.crash = Crash(0)
            world.make_router().route(each, START)
        if each.name == "Started":
            world.executions.crash = Crash(0)
            world.arm("token")
            world.executions.crash = crash
    assert world.ada().enrollments.keys() == calm.ada().enrollments.keys()
    assert strip(world.enrollment()) == strip(calm.enrollment())
    assert (world.ada().profile or {})["seq"] == (calm.ada().profile or {})["seq"] == 4
    assert distinct(world.executions) == distinct(calm.executions)


def strip(enrollment: dict[str, Any]) -> dict[str, Any]:
    """Without what names the customer, whose id is made anew."""
    return {name: enrollment[name] for name in enrollment if name not in ("pk", "execution")}


def distinct(executions: RecordedExecutions) -> list[tuple[str, Any]]:
    """What was asked, each once: repeating a call is harmless, leaving one out is not."""
    asked: list[tuple[str, Any]] = []
    for call in executions.calls:
        summary = (call[0], call[2] if call[0] == "wake" else call[1])
        if summary not in asked:
            asked.append(summary)
    return asked


def test_two_groups_that_meet_in_one_customer_lose_nothing() -> None:
    world = World()
    world.send(event("Signed In", anonymous_id="a"))
    events = [
        event("Seen", number=f"{who}-{n}", user_id=user, anonymous_id=anonymous)
        for n in range(10)
        for who, user, anonymous in (("user", "ada", None), ("device", None, "a"))
    ]
    lanes = [events[0::2], events[1::2]]
    routed: list[Routed] = []

    def run(lane: list[Event]) -> None:
        routed.extend(world.make_router().route(each, START) for each in lane)

    threads = [threading.Thread(target=run, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.seq for each in routed) == list(range(2, 22))
    assert len({each.customer for each in routed}) == 1


def test_racing_first_events_make_one_customer_and_one_enrollment() -> None:
    for _ in range(20):
        world = World()
        barrier = threading.Barrier(4)

        def run(number: int, world: World = world, barrier: threading.Barrier = barrier) -> None:
            router = world.make_router()
            barrier.wait()
            router.route(event(number=str(number)), START)

        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (world.ada().profile or {})["seq"] == 4
        assert len(world.executions.of("start")) == 1


def test_an_arming_between_read_and_write_is_noticed() -> None:
    """The token that is stored while an event is being applied must still be woken."""
    world = World()
    world.send(event())

    class ArmingStore(MemoryStore):
        armed = False

        def transact(self, operations: Any) -> None:
            if not self.armed:
                self.armed = True
                world.arm("late-token")
            world.store.transact(operations)

    arming = ArmingStore()
    arming.get_many = world.store.get_many  # type: ignore[method-assign]
    arming.query = world.store.query  # type: ignore[method-assign]
    replace(world.router, store=arming).route(event("Acted"), START)
    assert world.executions.of("wake") == [("late-token", {"visit": "1", "outcome": "acted"})]
