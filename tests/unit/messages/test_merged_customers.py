"""Messages of an enrollment whose customer became part of another one, before or in the middle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.customers.merging import merge
from stepwell.customers.people import load_for_enrollment, load_person
from stepwell.customers.snapshot import load_snapshot
from stepwell.messages.reading import read_items
from stepwell.messages.request import read_request
from stepwell.ports import ErrorKind, ProviderError
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import (
    Delete,
    Item,
    Key,
    Operation,
    Put,
    StoreBusyError,
    TableName,
    Update,
)
from stepwell.timestamps import to_text
from tests.support.messages import CUSTOMER, ENROLLMENT, EXECUTION, NOON, World

OTHER = "c0"
BEGUN = {"created_at": to_text(NOON - timedelta(days=1)), "updated_at": to_text(NOON)}


class Counted(MemoryStore):
    """Before its n-th call from now on something happens, once."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.then: Callable[[], object] | None = None

    def before(self, number: int, then: Callable[[], object] | None) -> None:
        self.left, self.then = number, then

    def _called(self) -> None:
        self.left -= 1
        if self.left == 0 and self.then:
            then, self.then = self.then, None
            then()

    def get(self, key: Key) -> Item | None:
        self._called()
        return super().get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        self._called()
        return super().get_many(keys)

    def write(self, operation: Put | Update | Delete) -> Item:
        self._called()
        return super().write(operation)

    def transact(self, operations: Sequence[Operation]) -> None:
        self._called()
        super().transact(operations)


def two(store: Counted | None = None, **other: Any) -> World:
    """The customer of the enrollment, and another one with other addresses who consents to all."""
    world = World(store=store or Counted())
    known = {"first_name": "Ada", "phone": "+447700900123", "email": "ada@example.com"}
    world.put_profile(traits=json.dumps(known), **BEGUN)
    profile = {
        "seq": 3,
        "zone": "UTC",
        "traits": json.dumps({"first_name": "Bea", "email": "bea@example.com"}),
        "addresses": {"email": "bea@example.com"},
        **BEGUN,
    }
    grants = {
        f"marketing#{channel}": {"status": "granted", "at": to_text(NOON), "proof": "event-2"}
        for channel in ("sms", "push", "email")
    }
    world.store.write(Put(keys.profile(OTHER), profile | other))
    world.store.write(Put(keys.consents(OTHER), {"grants": grants}))
    return world


def join(world: World) -> None:
    """The customer becomes part of the other one."""
    winner, loser = load_snapshot(world.store, OTHER), load_snapshot(world.store, CUSTOMER)
    world.store.transact(
        merge(winner, loser, by="user_id", event="e9", now=world.now, rules=ProfileRules())
    )


def units_of(world: World, customer: str) -> list[tuple[str, str]]:
    item = world.store.get(keys.caps(customer)) or {}
    return [(each["message"], each["state"]) for each in item.get("units", [])]


MESSAGE = f"{EXECUTION}.suggest"


def test_who_they_are_now_is_written_to_and_the_record_stays_with_the_enrollment() -> None:
    world = two()
    join(world)
    answer = world.send()
    assert (answer["outcome"], answer["channel"]) == ("sent", "sms")
    (sent,) = world.sent()
    assert (sent.address, sent.content["body"]) == ("+447700900123", "Hello Bea")
    assert (world.message() or {})["status"] == "sent"
    assert [each["outcome"] for each in world.decisions()] == ["sent"]
    assert units_of(world, OTHER) == [(MESSAGE, "confirmed")]
    assert units_of(world, CUSTOMER) == []


def test_a_no_of_the_other_counts() -> None:
    world = two()
    revoked = {"status": "revoked", "at": to_text(NOON - timedelta(days=9)), "proof": "event-3"}
    grants = {f"marketing#{channel}": revoked for channel in ("sms", "push", "email")}
    world.store.write(Put(keys.consents(OTHER), {"grants": grants}))
    join(world)
    assert world.send()["reason"] == "no_consent"


def test_what_the_other_got_fills_the_cap() -> None:
    world = two()
    units = [
        {
            "message": f"other-{number}",
            "at": to_text(NOON - timedelta(hours=1)),
            "channel": "email",
            "purpose": "marketing",
            "state": "confirmed",
        }
        for number in range(2)
    ]
    world.store.write(Put(keys.caps(OTHER), {"version": 1, "units": units}))
    join(world)
    assert world.send()["reason"] == "capped"


def calls_of_a_send() -> int:
    world = two()
    store = world.store
    assert isinstance(store, Counted)
    store.before(1_000, None)
    world.send()
    return 1_000 - store.left


@pytest.mark.parametrize("number", range(1, 12))
def test_a_join_before_any_call_loses_and_doubles_nothing(number: int) -> None:
    assert calls_of_a_send() < 12
    store = Counted()
    world = two(store)
    store.before(number, lambda: join(world))
    answer = world.send()
    if store.then is not None:  # the send made fewer calls
        store.then = None
        join(world)
    assert answer["outcome"] == "sent"
    assert len(world.sent()) == 1
    assert units_of(world, OTHER) == [(MESSAGE, "confirmed")]
    assert units_of(world, CUSTOMER) == []
    assert (world.message() or {})["status"] == "sent"
    assert world.send() == answer
    assert len(world.sent()) == 1


@pytest.mark.parametrize("number", range(1, 12))
def test_a_join_before_any_call_gives_back_the_unit_of_a_refused_message(number: int) -> None:
    store = Counted()
    world = two(store)
    refusals: list[Exception | None] = [ProviderError("Refused", ErrorKind.CONFIGURATION)] * 9
    world.sms.fails, world.push.fails, world.email.fails = (list(refusals) for _ in range(3))
    store.before(number, lambda: join(world))
    answer = world.send()
    if store.then is not None:  # the send made fewer calls
        store.then = None
        join(world)
    assert answer["outcome"] == "failed"
    assert units_of(world, OTHER) == units_of(world, CUSTOMER) == []


def test_two_joins_lead_on() -> None:
    world = two()
    join(world)
    last: dict[str, Any] = {"seq": 30, "zone": "UTC", "traits": "{}", "addresses": {}, **BEGUN}
    world.store.write(Put(keys.profile("c9"), last))
    winner, loser = load_snapshot(world.store, "c9"), load_snapshot(world.store, OTHER)
    world.store.transact(
        merge(winner, loser, by="user_id", event="e10", now=world.now, rules=ProfileRules())
    )
    assert world.send()["outcome"] == "sent"
    assert units_of(world, "c9") == [(MESSAGE, "confirmed")]
    assert load_person(world.store, CUSTOMER).customer == "c9"


def test_a_plan_knows_the_person_and_finds_the_enrollment_where_it_began() -> None:
    world = two(traits=json.dumps({"plan": "gold"}), context_zone="Europe/Paris")
    join(world)
    snapshot = load_for_enrollment(world.store, CUSTOMER)
    assert snapshot.customer == OTHER
    assert ENROLLMENT in snapshot.enrollments
    assert snapshot.traits["plan"] == "gold"
    assert (snapshot.profile or {})["context_zone"] == "Europe/Paris"


class Torn(MemoryStore):
    """Shows who remained as they were before the join, for some reads."""

    def __init__(self, before: Item) -> None:
        super().__init__()
        self.shown, self.torn = before, 0

    def get_many(self, keys_: Iterable[Key]) -> dict[Key, Item]:
        return {key: self._show(key, item) for key, item in super().get_many(keys_).items()}

    def query(self, table: TableName, pk: str, **options: Any) -> list[Item]:
        items = super().query(table, pk, **options)
        return [self._show(Key(table, pk, each["sk"]), each) for each in items]

    def _show(self, key: Key, item: Item) -> Item:
        if key == keys.profile(OTHER) and self.torn:
            self.torn -= 1
            return self.shown
        return item


def test_a_join_that_is_seen_in_part_is_read_again() -> None:
    """DynamoDB commits a transaction item by item."""
    plain = two()
    before = load_snapshot(plain.store, OTHER).profile or {}
    store = Torn(before)
    for operation in (
        Put(keys.profile(OTHER), before),
        Put(keys.profile(CUSTOMER), load_snapshot(plain.store, CUSTOMER).profile or {}),
    ):
        store.write(operation)
    winner, loser = load_snapshot(store, OTHER), load_snapshot(store, CUSTOMER)
    store.transact(merge(winner, loser, by="user_id", event="e9", now=NOON, rules=ProfileRules()))
    request = read_request(plain.state(), "attempt")
    store.torn = 2
    items = read_items(store, request)
    assert items.person == OTHER
    assert (items.profile or {})["addresses"]["push"] == ["old-token", "new-token"]
    store.torn = 2
    assert "former" in (load_person(store, CUSTOMER).profile or {})
    store.torn = 1_000
    with pytest.raises(StoreBusyError):
        read_items(store, request)
    with pytest.raises(StoreBusyError):
        load_person(store, CUSTOMER)


class TornOnce(Counted):
    """Shows one item as it was before the join, once."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.before_join = keys.profile(CUSTOMER), Item()

    def get_many(self, keys_: Iterable[Key]) -> dict[Key, Item]:
        found = super().get_many(keys_)
        if self.before_join and self.key in found:
            found[self.key], self.before_join = self.before_join, {}
        return found


def test_a_no_of_the_visitor_counts_while_the_join_is_seen_in_part() -> None:
    """Who remained has the join's profile already, and the consents of before it still."""
    store = TornOnce()
    world = two(store)
    no = {"status": "revoked", "at": to_text(NOON - timedelta(days=9)), "proof": "event-3"}
    grants = {f"marketing#{channel}": no for channel in ("sms", "push", "email")}
    world.store.write(Put(keys.consents(CUSTOMER), {"grants": grants}))
    before = store.get(keys.consents(OTHER)) or {}
    join(world)
    store.key, store.before_join = keys.consents(OTHER), before
    assert world.send()["reason"] == "no_consent"
    assert store.before_join == {}


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("number", range(1, 12))
def test_a_unit_is_settled_where_it_is_while_the_join_is_seen_in_part(
    number: int, refused: bool
) -> None:
    """The profile is read as before the join, the caps as after it."""
    store = TornOnce()
    world = two(store)
    if refused:
        refusals: list[Exception | None] = [ProviderError("Refused", ErrorKind.CONFIGURATION)] * 9
        world.sms.fails, world.push.fails, world.email.fails = (list(refusals) for _ in range(3))
    before = store.get(keys.profile(CUSTOMER)) or {}

    def then() -> None:
        join(world)
        store.before_join = before

    store.before(number, then)
    world.send()
    store.before_join = {}
    if store.then is None:
        assert units_of(world, CUSTOMER) == []
        assert units_of(world, OTHER) == ([] if refused else [(MESSAGE, "confirmed")])
