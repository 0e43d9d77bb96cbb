"""Computed traits from the archive are those that the router kept, whatever the order was there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.customers.identity_rules import IdentityRules
from stepwell.customers.owners import Owners
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.events.told import TIME_PASSED
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.recomputing import Recomputation, Settled
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import computed_view, customer_view
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import ConditionFailedError, Item, Store, TableName, Update
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
STORIES = st.lists(st.tuples(CALLS, MINUTES, st.integers(0, 600), st.booleans()), max_size=90)


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
    inside = {"user_id": None, "customer": customer}
    return event(TIME_PASSED, number=name, **inside, **more) if customer else None


def later(one: Event, at: datetime) -> Event:
    from dataclasses import replace

    return replace(one, received_at=at)


@settings(max_examples=60)
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
