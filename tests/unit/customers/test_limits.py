"""What would make a customer's items too large for DynamoDB is refused, and later events go on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from stepwell.aws.attributes import to_attributes
from stepwell.customers import keys
from stepwell.customers.zones import load_zone
from stepwell.events.model import EventType
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Operation
from tests.support.programs import entry, hold, path, program
from tests.support.world import World, event

LARGEST_ITEM = 400 * 1024
MOST_OPERATIONS = 100
LONG = "x" * 30_000


class StrictStore(MemoryStore):
    """Refuses the transactions that DynamoDB refuses for their size."""

    def transact(self, operations: Sequence[Operation]) -> None:
        assert len(operations) <= MOST_OPERATIONS
        super().transact(operations)
        for operation in operations:
            assert len(json.dumps(to_attributes(self.get(operation.key) or {}))) <= LARGEST_ITEM


def identify(number: int, **traits: Any) -> Any:
    return event("", number=str(number), type=EventType.IDENTIFY, traits=traits)


def test_traits_that_do_not_fit_are_refused_and_smaller_ones_still_taken() -> None:
    world = World(store=StrictStore())
    routed = world.send(*(identify(n, **{f"trait_{n}": LONG}) for n in range(20)))
    assert [bool(each.problems) for each in routed] == [False] * 3 + [True] * 17
    (small,) = world.send(identify(20, city="London", trait_0=None))
    assert small.problems == ()
    assert set(world.ada().traits) == {"trait_1", "trait_2", "city"}


def test_addresses_and_tokens_longer_than_any_are_no_addresses() -> None:
    world = World(store=StrictStore())
    world.send(identify(0, email=LONG, phone=LONG, country=LONG, locale=LONG))
    tokens = [
        event("Seen", number=str(n), context={"device": {"token": f"{n}{LONG}"}}) for n in range(12)
    ]
    world.send(*tokens)
    profile = world.ada().profile or {}
    assert profile["addresses"] == {}
    assert not {"country", "locale"} & set(profile)


def test_consents_without_end_are_refused() -> None:
    world = World(store=StrictStore())

    def consent(number: int, purpose: str) -> Any:
        properties = {"purpose": purpose, "channel": "sms", "status": "granted"}
        return event("Consent Updated", number=str(number), properties=properties)

    routed = world.send(*(consent(n, f"p{n}") for n in range(101)), consent(101, LONG))
    assert [bool(each.problems) for each in routed] == [False] * 100 + [True] * 2
    (again,) = world.send(consent(102, "p0"))
    assert again.problems == ()


def test_one_event_ends_as_many_enrollments_as_a_customer_can_be_in() -> None:
    goal = {"event": "Ordered", "where": None, "within_seconds": 86_400, "value": None}
    by_cart = entry("Started", key=path("event", "properties", "cart"))
    world = World(program(entry=by_cart, goal=goal), store=StrictStore())
    carts = [event(number=str(n), properties={"cart": n}) for n in range(40)]
    routed = world.send(*carts)
    assert [bool(each.problems) for each in routed] == [False] * 28 + [True] * 12
    world.send(event("Ordered", anonymous_id="new"))
    assert {each["status"] for each in world.ada().enrollments.values()} == {"ended"}
    assert len(world.records(keys.CONVERSION_PREFIX)) == 28
    (again,) = world.send(event(number="41", properties={"cart": "41"}))
    assert again.problems == ()


def test_an_event_that_replaces_every_enrollment_fits_one_transaction() -> None:
    goal = {"event": "Started", "where": None, "within_seconds": 86_400, "value": None}
    steps = [hold("wait")]
    journeys = [
        program(f"j{n}", entry=entry("Started", reentry="always"), goal=goal, exits=[], steps=steps)
        for n in range(35)
    ]
    world = World(*journeys, store=StrictStore())
    first, second = world.send(event(), event(number="2"))
    assert (len(first.problems), len(second.problems)) == (7, 7)
    assert len(world.ada().enrollments) == 28


@pytest.mark.parametrize("value", [1e200, 1e-200, float("inf"), float("nan"), "much"])
def test_a_goal_s_value_that_no_table_takes_is_left_out(value: object) -> None:
    worth = path("event", "properties", "revenue")
    goal = {"event": "Ordered", "where": None, "within_seconds": 86_400, "value": worth}
    world = World(program(goal=goal))
    world.send(event())
    (routed,) = world.send(event("Ordered", properties={"revenue": value}))
    (record,) = world.records(keys.CONVERSION_PREFIX)
    assert "value" not in record
    assert len(routed.problems) == 1


def test_names_of_zones_that_do_not_exist_are_not_kept() -> None:
    assert load_zone("Mars/Olympus") is None
    assert load_zone("Europe/London") is load_zone("Europe/London")
    assert not hasattr(load_zone, "cache_info")
