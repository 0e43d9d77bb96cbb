"""The sweep: who is due is told of once, the earliest first, never more than the queue takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from stepwell.customers import keys
from stepwell.events.model import Event
from stepwell.events.told import SEGMENT_LEFT, TIME_PASSED
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from stepwell.profile.sweeping import Swept, next_sweep, sweep
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Put, Update
from stepwell.timestamps import to_text
from tests.support.world import START, World, event, visit

MONTH = timedelta(days=30)
MINUTE = timedelta(minutes=1)
RECENT = 'now - customer.computed.last_order < duration("720h")'
RULES = ProfileRules(
    {
        "computed": [{"name": "last_order", "kind": "last", "event": "Ordered"}],
        "segments": [{"name": "recent", "when": parse(RECENT)}],
    }
)


class Queue:
    """Takes events; `before` are others' that wait in it."""

    def __init__(self, before: int = 0) -> None:
        self.sent: list[Event] = []
        self.before = before

    def send(self, events: Sequence[Event]) -> None:
        self.sent += events

    def waiting(self) -> int:
        return self.before


def store_of(*due: tuple[str, str, datetime]) -> MemoryStore:
    store = MemoryStore()
    for customer, shard, at in due:
        item: Item = {"due_shard": shard, "due_at": to_text(at), "seq": 1}
        store.write(Put(keys.profile(customer), item))
    return store


def customers(queue: Queue) -> list[str | None]:
    return [each.customer for each in queue.sent]


def test_the_earliest_of_all_shards_come_first_and_what_is_left_is_said() -> None:
    store = store_of(
        ("c1", "DUE#00", START - 2 * MINUTE),
        ("c2", "DUE#15", START - 3 * MINUTE),
        ("c3", "DUE#00", START - 4 * MINUTE),
        ("c4", "DUE#07", START),
        ("c5", "DUE#07", START + timedelta(milliseconds=1)),
    )
    queue = Queue()
    assert sweep(store, queue, START, 3) == Swept(3, True, 4 * MINUTE)
    assert customers(queue) == ["c3", "c2", "c1"]
    queue = Queue()
    assert sweep(store, queue, START, 4) == Swept(4, False, 4 * MINUTE)
    assert customers(queue) == ["c3", "c2", "c1", "c4"]


@pytest.mark.parametrize(("before", "told"), [(0, 2), (1, 1), (2, 0), (50, 0)])
def test_a_full_queue_takes_less(before: int, told: int) -> None:
    store = store_of(("c1", "DUE#00", START), ("c2", "DUE#01", START))
    queue = Queue(before)
    assert sweep(store, queue, START, 2) == Swept(told, told < 2, timedelta(0))
    assert len(queue.sent) == told


def test_nobody_due_asks_the_queue_nothing() -> None:
    class Unasked(Queue):
        def waiting(self) -> int:
            raise AssertionError("asked")

    assert sweep(store_of(), Unasked(), START, 5) == Swept(0, False, timedelta(0))


def test_a_moment_keeps_its_id_for_an_hour_and_then_gets_ever_fewer() -> None:
    store = store_of(("c1", "DUE#00", START))
    queue = Queue()
    for run in range(4 * 24 * 12):
        late = sweep(store, queue, START + run * 5 * MINUTE, 5).late
        assert late == run * 5 * MINUTE
    ids = [each.id for each in queue.sent]
    assert len(set(ids[:12])) == 1
    assert len(set(ids)) == 8, "0, 1, 2, 4, 8, 16, 32 and 64 hours"
    other = Queue()
    sweep(store_of(("c1", "DUE#00", START + 5 * MINUTE)), other, START + 5 * MINUTE, 5)
    assert other.sent[0].id not in ids


def test_being_behind_is_an_hour() -> None:
    assert not Swept(1, False, 59 * MINUTE).is_behind
    assert Swept(1, False, 60 * MINUTE).is_behind


def test_who_is_put_updated_and_deleted_is_due_as_their_profile_says() -> None:
    store = store_of(("c1", "DUE#00", START))
    later = to_text(START + 5 * MINUTE)
    store.write(Update(keys.profile("c1"), set={"due_at": later}))
    assert [each.at for each in store.due("DUE#00", later)] == [later]
    store.write(Update(keys.profile("c1"), remove=("due_at", "due_shard")))
    assert list(store.due("DUE#00", later)) == []


@pytest.mark.parametrize(
    ("now", "then"),
    [("21:14:00.000", "21:15"), ("21:15:00.000", "21:20"), ("23:59:59.999", "00:00")],
)
def test_the_next_sweep_is_on_the_grid(now: str, then: str) -> None:
    moment = datetime.fromisoformat(f"2026-11-24T{now}+00:00")
    assert f"{next_sweep(moment):%H:%M:%S.%f}" == f"{then}:00.000000"
    assert timedelta(0) < next_sweep(moment) - moment <= 5 * MINUTE


# ---------------------------------------------------------------- with the router


def ordered() -> tuple[World, MemoryStore]:
    store = MemoryStore()
    world = World(store=store, profile=RULES)
    world.send(event("Ordered"))
    assert "recent" in segments(world)
    return world, store


def segments(world: World) -> Item:
    found: Item = (world.ada().profile or {})["segments"]
    return found


def swept(world: World, store: MemoryStore, at: datetime) -> Queue:
    """A sweep, and the router's turn."""
    queue = Queue()
    sweep(store, queue, at, 100)
    world.send(*queue.sent)
    return queue


def test_a_month_later_the_segment_is_left_once() -> None:
    world, store = ordered()
    world.told.clear()
    assert swept(world, store, START + MONTH - 5 * MINUTE).sent == []
    (told,) = swept(world, store, START + MONTH + 5 * MINUTE).sent
    assert (told.name, told.customer) == (TIME_PASSED, world.ada().customer)
    assert [each.name for each in world.told] == [SEGMENT_LEFT]
    assert segments(world) == {}
    assert swept(world, store, START + 2 * MONTH).sent == [], "nothing can change any more"


def test_two_sweeps_that_found_the_same_are_applied_once() -> None:
    world, store = ordered()
    world.told.clear()
    at = START + MONTH + 5 * MINUTE
    one, two = Queue(), Queue()
    sweep(store, one, at, 100)
    sweep(store, two, at + 4 * MINUTE, 100)
    first, second = world.send(*one.sent, *two.sent)
    assert (first.repeated, second.repeated) == (False, True)
    assert {each.fingerprint for each in world.told} == {world.told[0].fingerprint}


def test_an_event_between_sweep_and_router_settles_it() -> None:
    world, store = ordered()
    world.told.clear()
    at = START + MONTH + 5 * MINUTE
    queue = Queue()
    sweep(store, queue, at, 100)
    world.send(event("Ordered", number="2", at=at))
    world.send(*queue.sent, at=at + MINUTE)
    assert world.told == []
    assert "recent" in segments(world)
    assert list(store.due((world.ada().profile or {})["due_shard"], to_text(at))) == []


def test_a_router_whose_clock_is_behind_is_asked_again_an_hour_later() -> None:
    """Its first look finds that the moment has not come, and is marked as done."""
    world, store = ordered()
    world.told.clear()
    profile = world.ada().profile or {}
    due = datetime.fromisoformat(profile["due_at"])
    queue = Queue()
    sweep(store, queue, due, 100)
    world.send(*queue.sent, at=START + MONTH - MINUTE)
    assert world.told == []
    swept(world, store, due + 5 * MINUTE)
    assert world.told == [], "the same id"
    swept(world, store, due + timedelta(hours=1))
    assert [each.name for each in world.told] == [SEGMENT_LEFT]


def test_whoever_became_another_is_looked_at_as_that_one() -> None:
    world, store = ordered()
    world.send(visit("a", "Ordered", at=START))
    queue = Queue()
    at = START + MONTH + 5 * MINUTE
    sweep(store, queue, at, 100)
    assert len(queue.sent) == 2
    world.send(event("Seen", anonymous_id="a", at=at - MINUTE, number="joins"))
    world.told.clear()
    world.send(*queue.sent)
    # The other's profile is a pointer now, which is nowhere in the index.
    assert len({world.ada().customer, *customers(queue)}) == 2
    assert world.person("a", "anonymous_id").customer == world.ada().customer
    assert swept(world, store, at + MONTH).sent == []


def test_an_event_of_a_customer_who_is_not_there_is_nobodys() -> None:
    queue = Queue()
    sweep(store_of(("gone", "DUE#00", START)), queue, START, 5)
    (routed,) = World().send(*queue.sent)
    assert routed.customer == ""


def test_whose_segments_are_not_declared_any_more_is_not_due_any_more() -> None:
    world, store = ordered()
    world.profile = ProfileRules()
    world.router = world.make_router()
    world.told.clear()
    swept(world, store, START + MONTH + 5 * MINUTE)
    assert [each.name for each in world.told] == [SEGMENT_LEFT]
    assert segments(world) == {}
    assert swept(world, store, START + 2 * MONTH).sent == []


def test_moments_are_utc_in_the_index() -> None:
    world, _ = ordered()
    due_at = datetime.fromisoformat((world.ada().profile or {})["due_at"])
    assert due_at.tzinfo is not None
    assert due_at == datetime(2026, 12, 24, 21, 15, tzinfo=UTC)
