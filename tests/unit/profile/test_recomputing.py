"""Computed traits from the archive are those that the router kept, whatever the order was there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.customers.owners import Owners
from stepwell.events.model import Event
from stepwell.events.told import TIME_PASSED
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.recomputing import Recomputation, Settled
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import computed_view, customer_view
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import ConditionFailedError, Item, Store, Update
from tests.support.fakes import plain_hasher
from tests.support.world import START, World, alias, event, identify, visit

DAY = 86_400
VALUE = parse("event.properties.x")
BIG = parse("event.properties.x >= 3.0")
KINDS: dict[str, dict[str, Any]] = {
    "count": {"kind": "count"},
    "count_2d": {"kind": "count", "within": 2 * DAY},
    "big_20d": {"kind": "count", "within": 20 * DAY, "where": BIG},
    "since": {"kind": "count", "since": "Seen"},
    "sum": {"kind": "sum", "value": VALUE},
    "sum_2d": {"kind": "sum", "value": VALUE, "within": 2 * DAY},
    "max_2d": {"kind": "max", "value": VALUE, "within": 2 * DAY},
    "first": {"kind": "first", "value": VALUE},
    "last": {"kind": "last", "value": VALUE},
    "distinct": {"kind": "distinct", "value": VALUE, "at_most": 4},
    "most_frequent": {"kind": "most_frequent", "value": VALUE},
    "histogram": {"kind": "histogram"},
}
ORDERS = [{"name": name, "event": "Order", **each} for name, each in KINDS.items()]
RATIO = {"name": "ratio", "kind": "ratio", "of": "big_20d", "to": "count"}
RULES = ProfileRules({"computed": [*ORDERS, RATIO]})


def recomputation(world: World, rules: ProfileRules | None = None) -> Recomputation:
    owners = Owners(world.store, plain_hasher, world.rules)
    return Recomputation(world.store, owners, rules or world.profile)


def write(store: Store, updates: Sequence[Update]) -> list[bool]:
    held = []
    for each in updates:
        try:
            store.write(each)
            held.append(True)
        except ConditionFailedError:
            held.append(False)
    return held


def settle(found: Recomputation, world: World, **options: Any) -> Settled:
    return found.settle(lambda updates: write(world.store, updates), found.until, **options)


def in_receipt_order(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda each: each.received_at)


def profiles(world: World) -> dict[str, Item]:
    """By customer, of those who are somebody still."""
    assert isinstance(world.store, MemoryStore)
    partitions = world.store._partitions.items()
    found = {pk: each[keys.PROFILE] for (_, pk), each in partitions if keys.PROFILE in each}
    return {pk: each for pk, each in found.items() if "merged_into" not in each}


def profile(world: World) -> Item:
    found = world.ada().profile
    assert found is not None
    return found


def values(world: World, rules: ProfileRules, at: datetime) -> dict[str, Any]:
    return {pk: computed_view(each, rules, at).whole() for pk, each in profiles(world).items()}


def forget(world: World) -> None:
    """All computed traits, as if the definitions were new."""
    for pk in profiles(world):
        key = keys.profile(keys.customer_of(pk))
        world.store.write(Update(key, set={"computed": '{"s":{},"v":"older"}'}))


# ---------------------------------------------------------------------------- any events at all

USERS, DEVICES = st.sampled_from(("ada", "bob")), st.sampled_from("abc")
MINUTES = st.integers(0, 5 * 24 * 60)
CALLS = st.one_of(
    st.tuples(st.just("order"), USERS, st.integers(-3, 6)),
    st.tuples(st.just("order"), USERS, st.integers(-3, 6)),
    st.tuples(st.just("visit"), DEVICES, st.integers(-3, 6)),
    st.tuples(st.just("visit"), DEVICES, st.integers(-3, 6)),
    st.tuples(st.just("seen"), USERS, st.just(0)),
    st.tuples(st.just("login"), USERS, DEVICES),
    st.tuples(st.just("alias"), st.just("ada"), st.just("eve")),
    st.tuples(st.just("passed"), USERS, st.just(0)),
)
STORIES = st.lists(
    st.tuples(CALLS, MINUTES, st.integers(0, 600), st.booleans()), min_size=25, max_size=90
)


def told(
    number: int, call: tuple[str, str, Any], happened: int, late: int, world: World
) -> Event | None:
    kind, who, what = call
    at = START + timedelta(minutes=happened)
    more = {"at": at, "received_at": at + timedelta(minutes=late)}
    name = str(number)
    match kind:
        case "order":
            return event("Order", number=name, user_id=who, properties={"x": what}, **more)
        case "visit":
            order = visit(who, "Order", number=name, properties={"x": what}, at=at)
            return later(order, more["received_at"])
        case "seen":
            return event("Seen", number=name, user_id=who, **more)
        case "login":
            return later(identify(who, what, number=name, at=at), more["received_at"])
        case "alias":
            return later(alias(who, what), more["received_at"])
    found = world.store.get(keys.identity("user_id", plain_hasher("user_id", who)))
    customer = found["customer"] if found else None
    if customer is None:
        return None
    return event(TIME_PASSED, number=name, user_id=None, customer=customer, **more)


def later(one: Event, at: datetime) -> Event:
    return replace(one, received_at=at)


@settings(max_examples=20)
@given(STORIES, st.randoms(use_true_random=False))
def test_the_archive_gives_what_the_router_kept(given: list[Any], random: Any) -> None:
    world = World(profile=RULES)
    archive: list[Event] = []
    stories = list(enumerate(given))
    random.shuffle(stories)  # groups overtake each other
    for number, (call, happened, late, again) in stories:
        one = told(number, call, happened, late, world)
        if one is None:
            continue
        world.send(one)
        archive.append(one)
        if again:
            archive.append(one)
            world.send(random.choice(archive))
    found = recomputation(world)
    for one in in_receipt_order(archive):
        found.take([one])
    until = START + timedelta(days=6)
    kept = values(world, RULES, until)
    assert settle(found, world) == Settled(already=len(kept))
    forget(world)
    found = recomputation(world)
    found.take(in_receipt_order(archive))
    assert settle(found, world) == Settled(written=len(kept))
    assert values(world, RULES, until) == kept


# ---------------------------------------------------------------------------- one case each


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
