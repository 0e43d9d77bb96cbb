from __future__ import annotations

from collections import Counter

import pytest

from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.costs.units import STORED_BESIDES, item_size
from stepwell.simulation.engine import Simulation
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import (
    NEW,
    Check,
    ConditionFailedError,
    Delete,
    Key,
    Put,
    TableName,
    Update,
    exists,
)
from tests.support.simulations import MONDAY, Person, shipped

KB = "x" * 1024
ONE = Key(TableName.CUSTOMERS, "CUSTOMER#1", "PROFILE")
TWO = Key(TableName.CUSTOMERS, "CUSTOMER#1", "CAPS")
ABSENT = Key(TableName.RECORDS, "CUSTOMER#1", "MESSAGE#1")


@pytest.fixture
def store() -> MeteredStore:
    """PROFILE takes a bit over 6 KB, CAPS a bit over 1 KB; nothing is counted yet."""
    store = MeteredStore(MemoryStore())
    store.caller = "setting up"
    store.write(Put(ONE, {"text": KB * 6}))
    store.write(Put(TWO, {"text": KB}))
    store.caller = "router"
    return store


def _used(store: MeteredStore) -> tuple[int, int, int]:
    return store.requests["router"], store.reads["router"], store.writes["router"]


def test_put_is_charged_by_the_kilobyte(store: MeteredStore) -> None:
    assert store.writes["setting up"] == 7 + 2


def test_get_is_charged_by_four_kilobytes_and_nothing_found_costs_one(store: MeteredStore) -> None:
    store.get(ONE)
    assert _used(store) == (1, 2, 0)
    store.get(ABSENT)
    assert _used(store) == (2, 3, 0)


def test_query_is_charged_for_the_sum(store: MeteredStore) -> None:
    """7 KB and more in two items are two units, not two and one."""
    assert len(store.query(TableName.CUSTOMERS, "CUSTOMER#1")) == 2
    assert _used(store) == (1, 2, 0)
    assert store.query(TableName.CUSTOMERS, "nobody") == []
    assert _used(store) == (2, 3, 0)


def test_batch_is_charged_for_each_item(store: MeteredStore) -> None:
    store.get_many([ONE, TWO, ABSENT, ONE])
    assert _used(store) == (1, 2 + 1 + 1, 0)


def test_batch_of_more_than_a_hundred_is_two_requests(store: MeteredStore) -> None:
    store.get_many([ABSENT._replace(sk=str(n)) for n in range(101)])
    assert _used(store) == (2, 101, 0)


def test_update_is_charged_for_the_larger_of_before_and_after(store: MeteredStore) -> None:
    store.write(Update(TWO, {"more": KB}))
    assert _used(store) == (1, 0, 3)
    store.write(Update(TWO, {}, ("more", "text")))
    assert _used(store) == (2, 0, 6)
    store.write(Update(TWO, {"few": 1}))
    assert _used(store) == (3, 0, 7)


def test_transaction_is_charged_double_checks_included(store: MeteredStore) -> None:
    store.transact([Put(ABSENT, {"a": 1}), Check(TWO, (exists("text"),)), Delete(ONE)])
    assert _used(store) == (1, 0, 2 * (1 + 2 + 7))


def test_failed_condition_is_charged_and_changes_nothing(store: MeteredStore) -> None:
    with pytest.raises(ConditionFailedError):
        store.write(Put(ONE, {}, NEW))
    assert _used(store) == (1, 0, 7)
    with pytest.raises(ConditionFailedError):
        store.transact([Put(ABSENT, {"text": KB}), Put(TWO, {}, NEW)])
    assert _used(store) == (2, 0, 7 + 2 * (2 + 2))
    store.get(ABSENT)
    assert store.reads["router"] == 1


def test_sizes_are_those_of_the_stored_items(store: MeteredStore) -> None:
    store.write(Update(TWO, {"list": [1, {"a": "b"}], "gone": 1}))
    store.write(Update(TWO, {"list": ["x"]}, ("gone",)))
    items = store.query(TableName.CUSTOMERS, "CUSTOMER#1")
    stored = sum(item_size(item) + STORED_BESIDES for item in items)
    assert store.stored_bytes(now=0) == stored


def test_what_has_expired_is_stored_no_longer(store: MeteredStore) -> None:
    before = store.stored_bytes(now=0)
    store.write(Put(ABSENT, {"expires": 1_000}))
    assert store.stored_bytes(now=999) > before
    assert store.stored_bytes(now=1_000) == before
    store.write(Update(ABSENT, {}, ("expires",)))
    assert store.stored_bytes(now=1_000) > before
    store.write(Delete(ABSENT))
    assert store.stored_bytes(now=999) == before


def test_counts_are_by_caller(store: MeteredStore) -> None:
    store.get(TWO)
    store.caller = "consent"
    store.get(TWO)
    metered = store.metered(Counter(event=1), customers=1, now=0)
    assert metered.requests == Counter({"setting up": 2, "router": 1, "consent": 1})
    assert (metered.calls, metered.customers) == (Counter(event=1), 1)


def test_what_comes_after_an_event_is_not_the_routers_doing() -> None:
    store = MeteredStore(MemoryStore())
    simulation = Simulation(shipped(), MONDAY, store=store)
    simulation.send(Person().identify())
    assert store.requests.keys() == {"router"}
    assert store.caller == "state_machine"
