"""Who an event belongs to, and what it changes in their profile."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from stepwell.customers.groups import MAX_GROUPS, MAX_GROUPS_BYTES, current_group, groups_of
from stepwell.events.envelope import read_call
from stepwell.events.model import Event, EventType
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Key
from tests.support.programs import entry, path, program
from tests.support.world import START, World, event


def test_the_first_event_makes_the_customer_and_later_ones_find_it() -> None:
    world = World()
    first, second = world.send(event(), event("Acted"))
    assert first.customer == second.customer
    assert (first.seq, second.seq) == (1, 2)


def test_an_anonymous_visitor_who_signs_in_is_the_same_customer() -> None:
    world = World()
    before, linked, after = world.send(
        event("Seen", user_id=None, anonymous_id="a"),
        event("Signed In", anonymous_id="a"),
        event("Seen", number="2", anonymous_id=None),
    )
    assert before.customer == linked.customer == after.customer
    assert world.ada().profile is not None
    assert (world.ada().profile or {})["anonymous_ids"] == ["a"]


def test_a_second_person_on_the_same_device_is_another_customer() -> None:
    world = World()
    first, second, device = world.send(
        event("Signed In", anonymous_id="a"),
        event("Signed In", number="2", user_id="bob", anonymous_id="a"),
        event("Seen", user_id=None, anonymous_id="a"),
    )
    assert first.customer != second.customer
    assert device.customer == first.customer


class MeanwhileStore(MemoryStore):
    """Does something once, right after the first single read."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []

    def get(self, key: Key) -> dict[str, Any] | None:
        item = super().get(key)
        while self.meanwhile:
            self.meanwhile.pop()()
        return item


def test_two_people_who_sign_in_on_one_device_at_once_are_two_customers() -> None:
    store = MeanwhileStore()
    world = World(store=store)
    world.send(event("Seen", user_id=None, anonymous_id="a"))
    store.meanwhile = [
        lambda: world.send(event("Signed In", number="2", user_id="bob", anonymous_id="a"))
    ]
    (ada,) = world.send(event("Signed In", anonymous_id="a"))
    (bob,) = world.send(event("Seen", number="3", user_id="bob"))
    assert ada.customer != bob.customer
    assert (world.ada().profile or {})["user_id"] == "ada"


def test_identify_keeps_traits_zone_and_addresses_and_null_removes_them() -> None:
    world = World()
    traits = {
        "first_name": "Ada",
        "email": " ada@example.com",
        "phone": "+447700900123",
        "timezone": "Europe/London",
        "age": 1e300,
    }
    identify: dict[str, Any] = {"type": EventType.IDENTIFY, "traits": traits}
    world.send(
        event("", number="1", **identify, context={"device": {"token": "t1"}}),
        event("Seen", context={"timezone": "America/New_York", "device": {"token": "t2"}}),
    )
    profile = world.ada().profile or {}
    assert world.ada().traits == traits
    assert (profile["zone"], profile["context_zone"]) == ("Europe/London", "America/New_York")
    assert profile["addresses"] == {
        "email": "ada@example.com",
        "sms": "+447700900123",
        "push": ["t1", "t2"],
    }
    gone = {"email": None, "timezone": "Mars/Olympus"}
    world.send(event("", number="2", type=EventType.IDENTIFY, traits=gone))
    profile = world.ada().profile or {}
    assert "zone" not in profile
    assert profile["addresses"] == {"sms": "+447700900123", "push": ["t1", "t2"]}
    assert world.ada().traits["timezone"] == "Mars/Olympus"


def test_a_consent_is_kept_with_its_proof_and_an_older_answer_does_not_replace_it() -> None:
    world = World()

    def consent(number: str, status: str, at: datetime) -> Event:
        properties = {"purpose": "marketing", "channel": "sms", "status": status}
        return event("Consent Updated", number=number, properties=properties, timestamp=at)

    world.send(
        consent("1", "revoked", START - timedelta(hours=1)),
        consent("2", "granted", START - timedelta(hours=2)),
    )
    assert world.ada().consent_view() == {"marketing": {"sms": False}}
    world.send(consent("3", "granted", START))
    grants = (world.ada().consents or {})["grants"]
    assert grants["marketing#sms"]["proof"] == "Consent Updated-3"
    assert world.ada().consent_view() == {"marketing": {"sms": True}}


# ------------------------------------------------------------------------- group, alias, page


def group(id_: str, number: str, **traits: Any) -> Event:
    return event("", number=number, type=EventType.GROUP, group_id=id_, traits=traits)


def test_groups_are_kept_with_their_traits_the_newest_last() -> None:
    world = World()
    world.send(
        group("acme", "1", plan="free", seats=3),
        group("other", "2"),
        group("acme", "3", plan="pro", seats=None),
    )
    assert list(groups_of(world.ada().profile).items()) == [
        ("other", {}),
        ("acme", {"plan": "pro"}),
    ]
    assert world.ada().traits == {}
    assert current_group(world.ada().profile) == {"id": "acme", "plan": "pro"}


def test_a_customer_without_a_group_has_an_empty_one() -> None:
    world = World()
    world.send(event())
    assert current_group(world.ada().profile) == {}


def test_groups_are_bounded_in_number_and_size() -> None:
    world = World()
    world.send(*(group(f"g{number}", str(number)) for number in range(MAX_GROUPS + 2)))
    assert list(groups_of(world.ada().profile)) == [f"g{each}" for each in range(2, MAX_GROUPS + 2)]
    before = groups_of(world.ada().profile)
    (routed,) = world.send(group("huge", "huge", text="x" * MAX_GROUPS_BYTES))
    assert [each.partition(":")[0] for each in routed.problems] == ["groups"]
    assert groups_of(world.ada().profile) == before


def test_a_group_call_does_not_touch_addresses_and_traits() -> None:
    world = World()
    world.send(event("", type=EventType.IDENTIFY, traits={"email": "ada@example.com"}))
    world.send(group("acme", "1", email="office@acme.example", name="Acme"))
    profile = world.ada().profile or {}
    assert profile["addresses"] == {"email": "ada@example.com"}
    assert world.ada().traits == {"email": "ada@example.com"}


def alias(previous: str, number: str) -> Event:
    return event("", number=number, type=EventType.ALIAS, previous_id=previous)


def test_previous_ids_are_each_listed_once_and_bounded() -> None:
    world = World()
    world.send(
        alias("ada", "0"), *(alias(f"p{number % 12}", str(number)) for number in range(1, 30))
    )
    previous = (world.ada().profile or {})["previous_ids"]
    assert previous == [f"p{number % 12}" for number in range(20, 30)]


def test_a_page_begins_a_journey_for_members_of_a_group() -> None:
    """A page call as the front door reads it; the condition is `customer.group.plan == "pro"`."""
    where = ["==", path("customer", "group", "plan"), ["string", "pro"]]
    world = World(program(entry=entry("Page Viewed", where=where, reentry="always")))
    seen = {"userId": "ada", "name": "Pricing", "messageId": "m-1"}
    (page,) = read_call(
        "page", json.dumps(seen).encode(), source="shop", received_at=START, new_id=str
    )
    world.send(page)
    assert world.ada().enrollments == {}
    world.send(group("acme", "1", plan="pro"), replace(page, id="m-2"))
    assert list(world.ada().enrollments) == ["cart#one"]
