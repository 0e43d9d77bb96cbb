"""What all stores must do alike: the same cases on memory, metered or not, and on moto's
DynamoDB.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra.local.engine import create_table
from infra.local.moto_patches import Patches, tables
from stepwell.aws.dynamodb import DynamoStore
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.storage.due import Due, DueStore
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import (
    NEW,
    AnyOf,
    Check,
    Condition,
    ConditionFailedError,
    Delete,
    Key,
    Put,
    TableName,
    Test,
    Update,
    absent,
    equals,
    exists,
)

ONE = Key(TableName.CUSTOMERS, "CUSTOMER#1", "PROFILE")
TWO = Key(TableName.CUSTOMERS, "CUSTOMER#1", "CAPS")
RECORD = Key(TableName.RECORDS, "CUSTOMER#1", "DECISION#1")


@pytest.fixture(params=["memory", "metered", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[DueStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "metered":
        yield MeteredStore(MemoryStore())
        return
    patches = Patches()
    with mock_aws():
        tables.install(
            patches, lambda _table, _item: None
        )  # as on AWS, a condition is looked at in one with its write
        client = boto3.client("dynamodb", region_name="eu-west-1")
        for name in ("customers", "records"):
            create_table(client, name)
        yield DynamoStore(client, "customers", "records")
    patches.undo()


def test_values_come_back_as_they_were_put(store: DueStore) -> None:
    item = {
        "text": "ä\n",
        "empty": "",
        "whole": 3,
        "part": 2.5,
        "small": 1e-7,
        "yes": True,
        "none": None,
        "list": [1, "two", {"three": 3}],
        "map": {"a": {"b": []}},
    }
    store.write(Put(ONE, item))
    found = store.get(ONE)
    assert found == item | {"pk": ONE.pk, "sk": ONE.sk}
    assert isinstance(found["whole"], int)
    assert isinstance(found["part"], float)
    assert found["yes"] is True


def test_what_is_not_there_is_none(store: DueStore) -> None:
    assert store.get(ONE) is None
    assert store.get_many([ONE, RECORD]) == {}
    assert store.query(ONE.table, ONE.pk) == []


def test_get_many_finds_items_of_both_tables(store: DueStore) -> None:
    store.write(Put(ONE, {"n": 1}))
    store.write(Put(RECORD, {"n": 2}))
    found = store.get_many([ONE, TWO, RECORD, ONE])
    assert {key: item["n"] for key, item in found.items()} == {ONE: 1, RECORD: 2}


def test_get_many_takes_more_keys_than_one_call(store: DueStore) -> None:
    every = [Key(TableName.CUSTOMERS, f"C#{i}", "X") for i in range(120)]
    for key in every:
        store.write(Put(key, {}))
    assert set(store.get_many(every)) == set(every)


def test_query_is_in_order_and_by_prefix(store: DueStore) -> None:
    for name in ("A#2", "A#1", "B#1", "A#10"):
        store.write(Put(Key(TableName.CUSTOMERS, "P", name), {}))
    names = [item["sk"] for item in store.query(TableName.CUSTOMERS, "P", prefix="A#")]
    assert names == ["A#1", "A#10", "A#2"]
    newest = store.query(TableName.CUSTOMERS, "P", prefix="A#", newest_first=True, limit=2)
    assert [item["sk"] for item in newest] == ["A#2", "A#10"]


def test_query_reads_past_one_page(store: DueStore) -> None:
    for i in range(8):
        store.write(Put(Key(TableName.CUSTOMERS, "P", f"{i}"), {"text": "x" * 200_000}))
    assert len(store.query(TableName.CUSTOMERS, "P")) == 8


def test_new_refuses_a_second_put_and_shows_the_first(store: DueStore) -> None:
    store.write(Put(ONE, {"n": 1}, NEW))
    with pytest.raises(ConditionFailedError) as refused:
        store.write(Put(ONE, {"n": 2}, NEW))
    assert refused.value.items[0] is not None
    assert refused.value.items[0]["n"] == 1
    assert store.get(ONE) == {"n": 1, "pk": ONE.pk, "sk": ONE.sk}


def test_update_makes_sets_and_removes_and_answers_with_the_item(store: DueStore) -> None:
    store.write(Update(ONE, set={"a": 1, "b": 2}))
    after = store.write(Update(ONE, set={"a": 3, "name": "x"}, remove=("b",)))
    assert after == {"a": 3, "name": "x", "pk": ONE.pk, "sk": ONE.sk}
    assert store.get(ONE) == after


def test_update_adds_to_numbers_and_begins_at_nothing(store: DueStore) -> None:
    store.write(Put(ONE, {"n": 5}))
    after = store.write(Update(ONE, {"text": "a"}, add={"n": -2, "new": 3}))
    assert (after["n"], after["new"], after["text"]) == (3, 3, "a")


def test_delete_is_conditional(store: DueStore) -> None:
    store.write(Put(ONE, {"n": 1}))
    with pytest.raises(ConditionFailedError):
        store.write(Delete(ONE, (equals("n", 2),)))
    store.write(Delete(ONE, (equals("n", 1),)))
    assert store.get(ONE) is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (equals("n", 1), True),
        (equals("n", 2), False),
        (equals("none", 1), False),
        (Condition("n", Test.DIFFERS, 2), True),
        (Condition("n", Test.DIFFERS, 1), False),
        (Condition("none", Test.DIFFERS, 1), False),
        (Condition("n", Test.LESS, 2), True),
        (Condition("n", Test.LESS, 1), False),
        (Condition("none", Test.LESS, 1), False),
        (Condition("n", Test.AT_LEAST, 1), True),
        (Condition("n", Test.AT_LEAST, 2), False),
        (Condition("none", Test.AT_LEAST, 0), False),
        (exists("n"), True),
        (exists("none"), False),
        (absent("none"), True),
        (absent("n"), False),
        (AnyOf((equals("n", 2), absent("none"))), True),
        (AnyOf((equals("n", 2), equals("n", 3))), False),
    ],
)
def test_conditions_mean_the_same(store: DueStore, condition: Condition, holds: bool) -> None:
    store.write(Put(ONE, {"n": 1}))
    operation = Update(ONE, set={"changed": True}, conditions=(condition,))
    if holds:
        assert store.write(operation)["changed"] is True
    else:
        with pytest.raises(ConditionFailedError):
            store.write(operation)
        assert "changed" not in (store.get(ONE) or {})


def test_a_transaction_writes_all_or_nothing(store: DueStore) -> None:
    store.write(Put(ONE, {"n": 1}))
    with pytest.raises(ConditionFailedError) as refused:
        store.transact(
            [Put(RECORD, {}, NEW), Update(ONE, set={"n": 2}, conditions=(equals("n", 5),))]
        )
    assert refused.value.failed == (1,)
    assert refused.value.items[1] is not None
    assert refused.value.items[1]["n"] == 1
    assert store.get(RECORD) is None
    store.transact([Put(RECORD, {}, NEW), Check(ONE, (equals("n", 1),)), Delete(TWO)])
    assert store.get(RECORD) is not None
    assert store.get(ONE) == {"n": 1, "pk": ONE.pk, "sk": ONE.sk}


def test_a_check_of_nothing_fails_as_absent(store: DueStore) -> None:
    with pytest.raises(ConditionFailedError) as refused:
        store.transact([Check(TWO, (exists("pk"),)), Put(ONE, {})])
    assert refused.value.items[0] is None
    assert store.get(ONE) is None


def test_what_is_read_is_a_copy(store: DueStore) -> None:
    store.write(Put(ONE, {"list": [1]}))
    found = store.get(ONE)
    assert found is not None
    found["list"].append(2)
    assert (store.get(ONE) or {})["list"] == [1]


def test_of_racing_writers_one_wins_each_version(store: DueStore) -> None:
    store.write(Put(ONE, {"version": 0}))
    wins: list[int] = []

    def raise_version() -> None:
        for version in range(5):
            try:
                store.write(
                    Update(
                        ONE, set={"version": version + 1}, conditions=(equals("version", version),)
                    )
                )
            except ConditionFailedError:
                continue
            wins.append(version)

    threads = [threading.Thread(target=raise_version) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    version = (store.get(ONE) or {})["version"]
    assert sorted(wins) == list(range(version))


# ------------------------------------------------------------------------- the index of who is due


def due(store: DueStore, shard: str, until: str) -> list[tuple[str, str]]:
    return [(each.at, each.partition) for each in store.due(shard, until)]


def profile_due(store: DueStore, customer: str, shard: str, at: str) -> Key:
    key = Key(TableName.CUSTOMERS, f"CUSTOMER#{customer}", "PROFILE")
    store.write(Put(key, {"due_shard": shard, "due_at": at, "seq": 1}))
    return key


def test_who_is_due_comes_in_order_up_to_the_moment_and_at_it(store: DueStore) -> None:
    for customer, shard, at in (
        ("1", "DUE#00", "2026-11-24T10:05:00.000Z"),
        ("2", "DUE#00", "2026-11-24T10:00:00.000Z"),
        ("3", "DUE#01", "2026-11-24T09:00:00.000Z"),
        ("4", "DUE#00", "2026-11-24T10:10:00.000Z"),
    ):
        profile_due(store, customer, shard, at)
    found = [
        ("2026-11-24T10:00:00.000Z", "CUSTOMER#2"),
        ("2026-11-24T10:05:00.000Z", "CUSTOMER#1"),
    ]
    assert due(store, "DUE#00", "2026-11-24T10:05:00.000Z") == found
    assert due(store, "DUE#00", "2026-11-24T10:04:59.999Z") == found[:1]
    assert due(store, "DUE#02", "2026-11-24T10:05:00.000Z") == []


def test_who_is_due_leaves_the_index_with_every_kind_of_write(store: DueStore) -> None:
    late = "2027-01-01T00:00:00.000Z"
    moved, cleared, put, deleted, kept = (
        profile_due(store, each, "DUE#03", "2026-11-24T10:00:00.000Z") for each in "12345"
    )
    store.write(Update(moved, set={"due_at": "2026-11-24T09:00:00.000Z"}))
    store.transact([Update(cleared, remove=("due_shard", "due_at")), Check(kept, (exists("pk"),))])
    store.transact([Put(put, {"seq": 2}), Update(kept, set={"seq": 2})])
    store.write(Delete(deleted))
    assert due(store, "DUE#03", late) == [
        ("2026-11-24T09:00:00.000Z", moved.pk),
        ("2026-11-24T10:00:00.000Z", kept.pk),
    ]


def test_a_write_that_fails_leaves_the_index_as_it_was(store: DueStore) -> None:
    key = profile_due(store, "1", "DUE#03", "2026-11-24T10:00:00.000Z")
    later = Put(key, {"due_shard": "DUE#03", "due_at": "2026-11-25T10:00:00.000Z"}, NEW)
    with pytest.raises(ConditionFailedError):
        store.transact([later])
    found = list(store.due("DUE#03", "2027-01-01T00:00:00.000Z"))
    assert found == [Due("2026-11-24T10:00:00.000Z", key.pk)]
