"""Computed traits from the archive are those that the router kept, whatever the order was there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.events.model import Event
from stepwell.events.told import TIME_PASSED
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.recomputing import Settled
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import computed_view, customer_view
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Update
from tests.support.recomputing import KINDS, RULES, profile, profiles, recomputation, settle, write
from tests.support.world import START, World, event, identify, visit


def order(number: str, x: float = 5.0, **more: Any) -> Event:
    return event("Order", number=number, properties={"x": x}, **more)


def world_of(*events: Event, **segments: str) -> World:
    """Everything of these was applied before `spent` was defined, and counts orders only."""
    count, spent = ({"name": name, "event": "Order", **KINDS[name]} for name in ("count", "sum"))
    world = World(profile=ProfileRules({"computed": [count]}))
    world.send(*events)
    conditions = [{"name": name, "when": parse(when)} for name, when in segments.items()]
    world.profile = ProfileRules({"computed": [count, spent], "segments": conditions})
    world.router = world.make_router()
    return world


def computed(world: World) -> dict[str, Any]:
    return computed_view(profile(world), world.profile, START).whole()


def test_a_changed_definition_counts_what_was_before_it() -> None:
    events = [order("1"), order("2", 7.5)]
    world = world_of(*events)
    world.send(order("3", 1.0))
    assert computed(world) == {"count": 3.0, "sum": 1.0}
    assert '"p":' in profile(world)["computed"]
    found = recomputation(world)
    found.take([*events, order("3", 1.0)])
    assert settle(found, world) == Settled(written=1)
    assert computed(world) == {"count": 3.0, "sum": 13.5}
    assert '"p":' not in profile(world)["computed"]
    again = recomputation(world)
    again.take([*events, order("3", 1.0)])
    assert settle(again, world) == Settled(already=1)


def test_who_has_been_there_before_the_first_definition_is_not_whole_until_then() -> None:
    world = World()
    world.send(event("Seen"), order("1"))
    assert "computed" not in profile(world)
    world.profile = RULES
    world.router = world.make_router()
    world.send(order("2"))
    assert '"p":' in profile(world)["computed"]
    found = recomputation(world)
    found.take([event("Seen"), order("1"), order("2")])
    assert settle(found, world).written == 1
    assert computed(world)["count"] == 2.0


def test_a_new_customer_is_whole_from_the_first_event_on_whatever_it_is() -> None:
    world = World(profile=RULES)
    world.send(event("Anything"), order("1"))
    assert '"p":' not in profile(world)["computed"]


def test_segments_follow_through_the_sweep() -> None:
    events = [order("1", 60.0), order("2", 60.0)]
    world = world_of(*events, big="customer.computed.sum > 100.0")
    found = recomputation(world)
    found.take(events)
    assert settle(found, world).written == 1
    found_due = profile(world)
    assert found_due["due_at"] >= found_due["due"]
    assert found_due["due_shard"].startswith("DUE#")
    swept = event(TIME_PASSED, customer=world.ada().customer, user_id=None)
    world.send(swept)
    assert list(profile(world)["segments"]) == ["big"]
    assert [each.properties for each in world.told] == [{"segment": "big"}]
    assert "due" not in profile(world)


def test_until_the_sweep_conditions_read_segments_as_they_are() -> None:
    events = [order("1", 60.0), order("2", 60.0)]
    world = world_of(*events, big="customer.computed.sum > 100.0")
    world.send(event("Seen"))
    found = recomputation(world)
    found.take([*events, event("Seen")])
    settle(found, world)
    assert profile(world)["segments"] == {}
    assert customer_view(world.ada(), world.profile, START)["segments"]["big"] is True


def test_an_event_that_is_archived_and_not_applied_yet_makes_its_customer_wait() -> None:
    world = world_of(order("1"))
    found = recomputation(world)
    found.take([order("1"), order("2")])
    (left,) = settle(found, world).differing
    assert (left.customer, left.archived, left.applied) == (world.ada().customer, 2, 1)
    world.send(order("2"))
    found.take([])
    assert settle(found, world) == Settled(written=1)
    assert computed(world) == {"count": 2.0, "sum": 10.0}


def test_an_event_that_is_applied_and_not_read_yet_makes_its_customer_wait() -> None:
    world = world_of(order("1"), order("2"))
    found = recomputation(world)
    found.take([order("1")])
    (left,) = settle(found, world).differing
    assert (left.archived, left.applied) == (1, 2)
    found.take([order("2")])
    assert settle(found, world).written == 1


def test_as_many_events_that_are_other_ones_are_not_taken_for_the_same() -> None:
    world = world_of(order("1"), order("2"))
    found = recomputation(world)
    found.take([order("1"), order("3")])
    (left,) = settle(found, world).differing
    assert (left.archived, left.applied) == (2, 2)


def test_an_event_that_is_applied_between_reading_and_writing_is_not_lost() -> None:
    world = world_of(order("1"))
    found = recomputation(world)
    found.take([order("1")])

    def late(updates: Sequence[Update]) -> list[bool]:
        world.send(order("2", 7.0))
        return write(world.store, updates)

    settled = found.settle(late, found.until)
    assert (settled.written, [each.is_proven for each in settled.differing]) == (0, [True])
    found.take([order("2", 7.0)])
    assert settle(found, world).written == 1
    assert computed(world) == {"count": 2.0, "sum": 12.0}


class Overtaken(MemoryStore):
    """Something happens between the router's reading and its transaction, once."""

    then: Any = None

    def transact(self, operations: Any) -> None:
        meanwhile, self.then = self.then, None
        if meanwhile:
            meanwhile()
        super().transact(operations)


def test_what_is_written_while_an_event_is_applied_is_not_lost() -> None:
    world = world_of(order("1", 60.0))
    assert isinstance(world.store, MemoryStore)
    store = Overtaken()
    store._partitions = world.store._partitions
    world.store = store
    world.router = world.make_router()
    found = recomputation(world)
    found.take([order("1", 60.0)])
    store.then = lambda: settle(found, world)
    world.send(order("2", 7.0))
    assert computed(world) == {"count": 2.0, "sum": 67.0}
    assert '"p":' not in profile(world)["computed"]


def test_who_becomes_one_meanwhile_is_one() -> None:
    events = [order("1"), visit("phone", "Order", properties={"x": 2.0})]
    world = world_of(*events)
    found = recomputation(world)
    found.take(events)
    joins = identify(device="phone")
    world.send(joins)
    (left,) = settle(found, world).differing
    assert (left.archived, left.applied) == (2, 3)
    found.take([joins])
    assert settle(found, world) == Settled(written=1)
    assert computed(world) == {"count": 2.0, "sum": 7.0}


def test_a_customer_older_than_the_record_of_events_is_written_on_request_only() -> None:
    world = world_of(order("1"))
    key = keys.profile(world.ada().customer)
    world.store.write(Update(key, remove=("applied",)))
    world.send(order("2"))
    assert "applied" not in profile(world)
    found = recomputation(world)
    found.take([order("1"), order("2")])
    (left,) = settle(found, world).differing
    assert (left.archived, left.applied) == (2, None)
    assert settle(found, world, unproven=True) == Settled(written=1, assumed=1)
    assert computed(world) == {"count": 2.0, "sum": 10.0}
    world.send(order("3"))
    again = recomputation(world)
    again.take([order("1"), order("2"), order("3")])
    assert settle(again, world) == Settled(already=1)


def test_one_who_is_joined_with_an_older_customer_is_as_unknown_as_they() -> None:
    events = [order("1"), visit("phone", "Order", properties={"x": 2.0})]
    world = world_of(*events)
    key = keys.profile(world.person("phone", "anonymous_id").customer)
    world.store.write(Update(key, remove=("applied",)))
    world.send(identify(device="phone"))
    assert "applied" not in profile(world)


def test_events_of_nobody_are_counted_and_make_nobody() -> None:
    world = world_of(order("1"))
    found = recomputation(world)
    found.take([order("1"), order("1", user_id="erased"), visit("gone")])
    assert (found.events, found.nobodys, found.customers) == (3, 2, 1)
    assert settle(found, world).differing == []
    assert len(profiles(world)) == 1


def test_a_customer_whose_first_event_is_still_on_its_way_is_found_later() -> None:
    world = world_of(order("1"))
    found = recomputation(world)
    new = order("n", user_id="new")
    found.take([order("1"), new])
    assert settle(found, world).written == 1
    world.send(new)
    found.take([])
    assert settle(found, world) == Settled(already=1)


def test_what_comes_again_after_a_month_counts_again_as_it_does_at_the_router() -> None:
    month = timedelta(days=31)
    again = replace(order("1"), received_at=START + month)
    world = world_of(order("1"))
    soon = recomputation(world)
    soon.take([order("1"), replace(order("1"), received_at=START + timedelta(days=29))])
    assert settle(soon, world).differing == []
    late = recomputation(world)
    late.take([order("1"), again])
    (left,) = settle(late, world).differing
    assert left.archived == 2


@pytest.mark.parametrize("given", ["many", [1], None])
def test_values_of_another_type_are_said_and_harm_nothing(given: Any) -> None:
    odd = event("Order", number="odd", properties={"x": given})
    world = world_of(order("1"), odd)
    found = recomputation(world)
    found.take([order("1"), odd])
    assert settle(found, world).written == 1
    assert found.uncounted == 1
    assert computed(world) == {"count": 2.0, "sum": 5.0}
