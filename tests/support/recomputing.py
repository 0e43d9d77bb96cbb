"""What tests of recomputation share: definitions of every kind, and a run over an archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.customers.owners import Owners
from stepwell.events.model import Event
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.recomputing import Recomputation, Settled
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import computed_view
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import ConditionFailedError, Item, Store, Update
from tests.support.fakes import plain_hasher
from tests.support.world import World

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
