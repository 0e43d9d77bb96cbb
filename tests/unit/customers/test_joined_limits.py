"""What bounds customers who become one, and that it locks nobody out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from stepwell.aws.attributes import to_attributes
from stepwell.customers import keys
from stepwell.customers.identity_rules import ANONYMOUS_ID
from stepwell.customers.merging import MAX_FORMER
from stepwell.customers.resolving import MAX_MERGED
from stepwell.events.model import Event, EventType
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Operation, TableName
from tests.support.joins import limited
from tests.support.programs import entry, path, program
from tests.support.world import START, World, alias, event, identify, visit

MINUTE = timedelta(minutes=1)
BY_CART = program(entry=entry("Started", key=path("event", "properties", "cart")))
LARGEST_ITEM, LARGEST_TRANSACTION = 400 * 1024, 4 * 1024 * 1024


class StrictStore(MemoryStore):
    """Refuses the transactions that DynamoDB refuses for their size."""

    def transact(self, operations: Sequence[Operation]) -> None:
        super().transact(operations)
        sizes = [
            len(json.dumps(to_attributes(self.get(each.key) or {}), ensure_ascii=False).encode())
            for each in operations
        ]
        assert max(sizes) <= LARGEST_ITEM
        assert sum(sizes) <= LARGEST_TRANSACTION


def signs_in(device: str, at: Any = START) -> Event:
    return event("Signed In", number=device, anonymous_id=device, at=at)


def test_eight_customers_whose_runs_live_and_no_more() -> None:
    world = World(BY_CART, rules=limited(anonymous_id=100))
    world.send(event("Seen"))
    routed = []
    for number in range(MAX_MERGED + 1):
        world.send(visit(f"d{number}", "Started", properties={"cart": number}))
        routed += world.send(signs_in(f"d{number}"))
    assert [len(each.merged) for each in routed] == [1] * MAX_MERGED + [0]
    assert routed[-1].problems == ("anonymous_id: not joined, too_many_customers",)
    (nobody,) = world.send(visit("x"), signs_in("x"))[1:]
    assert len(nobody.merged) == 1, "who began nothing costs nothing"


def test_customers_of_whom_nothing_lives_any_more_do_not_count() -> None:
    world = World(BY_CART, rules=limited(anonymous_id=100))
    world.send(event("Seen"))
    for number in range(MAX_MERGED):
        world.send(visit(f"d{number}", "Started", properties={"cart": number}))
        world.send(signs_in(f"d{number}"))
    world.send(event("Ordered", at=START + MINUTE))
    world.send(visit("x", "Started", properties={"cart": "x"}, at=START + 2 * MINUTE))
    (routed,) = world.send(signs_in("x", START + 3 * MINUTE))
    assert len(routed.merged) == 1


def test_a_customer_may_become_one_with_others_all_their_life() -> None:
    world = World(rules=limited(anonymous_id=1_000))
    world.send(event("Seen"))
    for number in range(MAX_FORMER + 5):
        world.send(visit(f"d{number}"))
        (routed,) = world.send(signs_in(f"d{number}"))
        assert len(routed.merged) == 1
    assert len((world.ada().profile or {})["former"]) == MAX_FORMER
    partition = keys.partition(world.ada().customer)
    records = world.store.query(TableName.RECORDS, partition, prefix=keys.MERGED_PREFIX)
    assert len(records) == MAX_FORMER + 5
    assert world.person("d0", ANONYMOUS_ID).customer == world.ada().customer


def test_identities_of_both_count_after_the_join() -> None:
    world = World(rules=limited(anonymous_id=2))
    world.send(visit("a"), event("Seen", anonymous_id="b"), signs_in("a"))
    (routed,) = world.send(event("Seen", number="c", anonymous_id="c"))
    assert routed.problems == ("anonymous_id: not joined, limit",)


def test_exactly_the_limit_is_joined() -> None:
    world = World(rules=limited(anonymous_id=2))
    world.send(visit("a"), event("Seen", anonymous_id="b"))
    (routed,) = world.send(signs_in("a"))
    assert len(routed.merged) == 1


@pytest.mark.parametrize("kind", ["email", "phone"])
def test_addresses_of_both_together_are_limited(kind: str) -> None:
    emails, phones = ("x@example.com", "y@example.com"), ("+447700900123", "+447700900124")
    first, second = emails if kind == "email" else phones
    ada: dict[str, Any] = {kind: first}
    visitor: dict[str, Any] = {kind: second}
    world = World(rules=limited(**{kind: 1}))
    world.send(identify("ada", **ada), identify(None, "a", **visitor))
    (routed,) = world.send(signs_in("a"))
    assert (routed.merged, routed.problems) == ((), ("anonymous_id: not joined, limit",))


def test_aliases_of_visitors_leave_room_for_a_user_who_is_renamed() -> None:
    world = World()
    world.send(event("Seen", user_id="old"))
    world.send(*(alias("old", f"visitor-{number}") for number in range(10)))
    (renamed,) = world.send(alias("ada", "old"))
    assert renamed.problems == ()
    assert world.person("old").customer == world.ada().customer


def test_an_alias_keeps_no_user_id_from_whoever_comes_with_it() -> None:
    world = World()
    (mallory,) = world.send(alias("mallory", "ada"))
    (ada,) = world.send(event("Seen"))
    assert ada.customer != mallory.customer


def test_new_anonymous_ids_in_every_call_are_one_case() -> None:
    """A server that makes one up each time."""
    world = World()
    routed = world.send(*(event("Seen", number=str(n), anonymous_id=f"r{n}") for n in range(100)))
    partition = keys.partition(routed[0].customer)
    records = world.store.query(TableName.RECORDS, partition, prefix=keys.NOT_JOINED_PREFIX)
    assert [(each["kind"], each["why"]) for each in records] == [("anonymous_id", "limit")]
    assert "expires" in records[0]
    assert len([each for each in routed if each.problems]) == 1


def test_traits_with_short_names_fit_with_their_times() -> None:
    world = World(store=StrictStore())
    for call in range(12):
        names: dict[str, Any] = {f"t{call}_{number}": call for number in range(950)}
        world.send(identify(number=str(call), at=START + call * MINUTE, **names))
    (still,) = world.send(event("Seen"))
    assert still.seq == 13


def test_consents_of_many_visitors_are_bounded() -> None:
    world = World(store=StrictStore(), rules=limited(anonymous_id=100))
    routed = world.send(event("Seen"))
    for device in range(6):
        for number in range(60):
            answer = {"purpose": f"p{device}_{number}", "channel": "sms", "status": "granted"}
            more = {"properties": answer, "number": f"{device}-{number}"}
            world.send(visit(f"d{device}", "Consent Updated", **more))
        routed = world.send(signs_in(f"d{device}"))
    assert routed[0].problems == ("anonymous_id: not joined, too_large",)
    assert len((world.ada().consents or {})["grants"]) <= 100


def test_two_who_know_too_much_together_stay_two() -> None:
    world = World(store=StrictStore())
    world.send(identify(None, "a", a="x" * 60_000), identify("ada", b="x" * 60_000))
    (routed,) = world.send(signs_in("a"))
    assert routed.problems == ("anonymous_id: not joined, too_large",)


def test_memories_of_large_events_fit_one_transaction() -> None:
    large = {"text": "я" * 14_000}
    world = World(BY_CART, store=StrictStore())
    world.send(event("Seen"))
    for number in range(60):
        at = START + number * MINUTE
        world.send(
            visit("a", "Started", number=f"s{number}", properties={"cart": number, **large}, at=at),
            visit("a", "Ordered", number=f"o{number}", at=at),
        )
    world.send(signs_in("a", START + timedelta(hours=2)))
    assert len(world.ada().enrollments) == 60
    assert all("entry_event" not in each for each in world.ada().enrollments.values())


@pytest.mark.parametrize(("journeys", "merged"), [(14, 1), (15, 0)])
def test_as_many_enrollments_as_one_event_can_reach_are_joined(journeys: int, merged: int) -> None:
    ours = [program(f"j{number}", entry=entry("Started")) for number in range(journeys)]
    theirs = [program(f"k{number}", entry=entry("Began")) for number in range(14)]
    world = World(*ours, *theirs, store=StrictStore())
    world.send(visit("a", "Started"), event("Began"))
    (routed,) = world.send(signs_in("a"))
    assert len(routed.merged) == merged
    world.send(event("Ordered", at=START + MINUTE))


def test_identities_of_one_call_count_together() -> None:
    world = World(rules=limited(anonymous_id=1))
    (routed,) = world.send(
        event("", type=EventType.ALIAS, **_ids(previous_id="a", anonymous_id="b"))
    )
    assert routed.problems == ("anonymous_id: not joined, limit",)


def _ids(**ids: str) -> dict[str, Any]:
    return dict(ids)


def test_what_no_limit_counts_any_more_is_not_kept() -> None:
    world = World()
    for day in range(0, 400, 2):
        at = START + timedelta(days=day)
        world.send(event("Seen", number=str(day), anonymous_id=f"d{day}", at=at))
    came = (world.ada().profile or {})["came_to"]
    assert len(came["anonymous_id"]) == 15


def test_who_remains_is_as_old_as_the_older_one() -> None:
    world = World()
    world.send(visit("a"), event("Seen", at=START + MINUTE))
    world.send(signs_in("a", START + 2 * MINUTE))
    assert (world.ada().profile or {})["created_at"] == "2026-11-24T21:14:00.000Z"
