"""Joins and consents that are read while a transaction is being committed, item by item."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.events.model import Event
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Put, StoreBusyError, TableName
from tests.support.programs import program
from tests.support.world import START, World, event, visit

MINUTE = timedelta(minutes=1)


class TornStore(MemoryStore):
    """Shows some items as they were before, or not at all (None), for so many queries."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[tuple[str, str], Item | None] = {}
        self.times = 0

    def query(self, table: TableName, pk: str, **options: Any) -> list[Item]:
        items = super().query(table, pk, **options)
        torn = [each for each in items if (pk, each["sk"]) in self.shown]
        if not self.times or not torn:
            return items
        self.times -= 1
        seen = [self.shown.get((pk, each["sk"]), each) for each in items]
        return [each for each in seen if each is not None]


def consent(status: str, channel: str, number: str, **more: Any) -> Event:
    answer = {"purpose": "marketing", "channel": channel, "status": status}
    return event("Consent Updated", number=number, properties=answer, **more)


DEVICE: dict[str, Any] = {"user_id": None, "anonymous_id": "a"}


@pytest.mark.parametrize("join", [True, False])
def test_a_no_that_is_not_seen_yet_is_not_overwritten(join: bool) -> None:
    store = TornStore()
    world = World(store=store)
    world.send(consent("granted", "sms", "1"), consent("granted", "email", "v", **DEVICE))
    key = keys.consents(world.ada().customer)
    before = store.get(key)
    world.send(consent("revoked", "sms", "2", at=START + MINUTE))
    store.shown, store.times = {(key.pk, key.sk): before}, 1
    later = START + 2 * MINUTE
    world.send(
        event("Signed In", anonymous_id="a", at=later)
        if join
        else consent("granted", "email", "3", at=later)
    )
    assert store.times == 0
    assert world.ada().consent_view()["marketing"] == {"sms": False, "email": True}


@pytest.mark.parametrize("first", [True, False])
def test_a_no_of_the_visitor_that_is_not_seen_yet_counts_in_the_join(first: bool) -> None:
    store = TornStore()
    world = World(store=store)
    (visitor,) = world.send(visit("a") if first else consent("granted", "sms", "1", **DEVICE))
    world.send(event("Seen"))
    key = keys.consents(visitor.customer)
    before = store.get(key)
    world.send(consent("revoked", "sms", "2", at=START + MINUTE, **DEVICE))
    store.shown, store.times = {(key.pk, key.sk): before}, 1
    world.send(event("Signed In", anonymous_id="a", at=START + 2 * MINUTE))
    assert store.times == 0
    assert world.ada().consent_view()["marketing"] == {"sms": False}


def test_a_customer_whose_identity_is_seen_first_is_read_again() -> None:
    store = TornStore()
    world = World(store=store)
    visitor, _ = world.send(visit("a"), event("Seen"))
    key = keys.profile(visitor.customer)
    store.shown, store.times = {(key.pk, key.sk): None}, 5
    (routed,) = world.send(event("Signed In", anonymous_id="a"))
    assert routed.merged == (visitor.customer,)
    world.send(visit("b", number="2"))
    store.shown, store.times = {(keys.profile(f"c{3}").pk, key.sk): None}, 1_000
    with pytest.raises(StoreBusyError):
        world.send(event("Signed In", number="3", anonymous_id="b"))


@pytest.mark.parametrize("times", [6, 11])
def test_a_visitor_whose_run_is_not_seen_yet_is_heard_of(times: int) -> None:
    """It is read again; and when that does not help, listed all the same."""
    store = TornStore()
    world = World(program(), store=store)
    world.send(event("Seen"))
    (visitor,) = world.send(visit("a", "Started"))
    key = keys.enrollment(visitor.customer, "cart#one")
    store.shown, store.times = {(key.pk, key.sk): None}, times
    world.send(event("Signed In", anonymous_id="a", at=START + MINUTE))
    store.times = 0
    world.send(event("Ordered", at=START + 2 * MINUTE))
    assert (store.get(key) or {})["status"] == slots.ENDED


def test_the_later_of_two_alike_answers_counts_and_a_no_holds_from_the_last_word() -> None:
    for first, second in ((0, 1), (1, 0)):
        world = World()
        at = {number: START + number * MINUTE for number in range(4)}
        world.send(
            consent("granted", "sms", "v", at=at[first], **DEVICE),
            consent("granted", "sms", "u", at=at[second]),
            consent("revoked", "push", "v2", at=at[0], **DEVICE),
            consent("granted", "push", "u2", at=at[2]),
            event("Signed In", anonymous_id="a", at=at[3]),
        )
        grants = (world.ada().consents or {})["grants"]
        assert grants["marketing#sms"]["at"] == "2026-11-24T21:15:00.000Z"
        late = consent("granted", "push", "late", at=at[1])
        world.router.route(late, at[3])
        assert world.ada().consent_view()["marketing"] == {"sms": True, "push": False}


def test_a_cap_that_is_reserved_meanwhile_at_who_remains_is_kept() -> None:
    class Meanwhile(MemoryStore):
        done = True

        def transact(self, operations: Any) -> None:
            if not self.done:
                self.done = True
                units = [{"message": "late", "at": "2", "state": "confirmed"}]
                self.write(Put(keys.caps(ada.customer), {"version": 1, "units": units}))
            super().transact(operations)

    store = Meanwhile()
    world = World(store=store)
    visitor, ada = world.send(visit("a"), event("Seen"))
    old = [{"message": "old", "at": "1", "state": "confirmed"}]
    store.write(Put(keys.caps(visitor.customer), {"version": 1, "units": old}))
    store.done = False
    world.send(event("Signed In", anonymous_id="a"))
    units = (store.get(keys.caps(ada.customer)) or {})["units"]
    assert [each["message"] for each in units] == ["old", "late"]
