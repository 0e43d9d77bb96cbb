"""Reads and conditional writes as plain data.

The engine's idempotency and races are settled by conditional writes. They are written once, as
these values, and carried out by two stores that pass the same contract tests: `storage.memory` and
`stepwell.aws.dynamodb`. Nothing here may import boto3.

Item values are JSON values: str, int, float, bool, None, list, dict. What a sender may fill at will
(traits, event properties) is kept as one JSON text attribute, because DynamoDB refuses numbers and
nestings that JSON allows.

The values are named tuples: an event makes a dozen of them, and a frozen dataclass takes three
times as long to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

Item = dict[str, Any]


class TableName(StrEnum):
    """The two tables: the small hot one and the growing one."""

    CUSTOMERS = "customers"
    RECORDS = "records"

    __hash__ = str.__hash__  # an Enum's own is Python code, and every key is hashed


class Key(NamedTuple):
    """Where an item lies: its table, partition key and sort key."""

    table: TableName
    pk: str
    sk: str


class Test(StrEnum):
    """What a condition may ask of one attribute of the item as it is before the write."""

    EQUALS = "="
    DIFFERS = "<>"
    LESS = "<"
    AT_LEAST = ">="
    EXISTS = "exists"
    ABSENT = "absent"

    __test__ = False  # not a pytest class


class Condition(NamedTuple):
    """One test on one top-level attribute. All but ABSENT are false for an absent one."""

    attribute: str
    test: Test
    value: Any = None


class AnyOf(NamedTuple):
    """True when at least one of its conditions is."""

    conditions: tuple[Condition, ...]


Conditions = tuple[Condition | AnyOf, ...]


def equals(attribute: str, value: Any) -> Condition:
    return Condition(attribute, Test.EQUALS, value)


def absent(attribute: str) -> Condition:
    return Condition(attribute, Test.ABSENT)


def exists(attribute: str) -> Condition:
    return Condition(attribute, Test.EXISTS)


NEW: Conditions = (absent("pk"),)
"""The item must not exist yet."""


class Put(NamedTuple):
    """Write the whole item. `item` needs no pk and sk; the store adds them."""

    key: Key
    item: Item
    conditions: Conditions = ()


class Update(NamedTuple):
    """Set and remove top-level attributes; makes the item when there is none.

    `add` moves whole numbers by as much, atomically: several writers need not read first.
    """

    key: Key
    set: Mapping[str, Any] = MappingProxyType({})
    remove: tuple[str, ...] = ()
    conditions: Conditions = ()
    add: Mapping[str, int] = MappingProxyType({})


class Delete(NamedTuple):
    key: Key
    conditions: Conditions = ()


class Check(NamedTuple):
    """Part of a transaction that writes nothing and must hold."""

    key: Key
    conditions: Conditions


Operation = Put | Update | Delete | Check


class ConditionFailedError(Exception):
    """A condition did not hold; nothing was written.

    `items` has one entry per operation: for those that failed, the item as it was (None when there
    was none); `failed` has the indexes of those operations.
    """

    def __init__(self, items: Sequence[Item | None], failed: Sequence[int]) -> None:
        super().__init__(f"the condition of operation {', '.join(map(str, failed))} did not hold")
        self.items = tuple(items)
        self.failed = tuple(failed)


class StoreBusyError(Exception):
    """The store is throttled or in conflict, after its own bounded retries; ask again later."""


class Store(Protocol):
    """Both tables. Every read is strongly consistent."""

    def get(self, key: Key) -> Item | None:
        """The item, or None."""

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those of the items that exist, in one call up to 100 keys."""

    def query(
        self,
        table: TableName,
        pk: str,
        *,
        prefix: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        """The partition's items whose sort key starts with `prefix`, in sort key order."""

    def write(self, operation: Put | Update | Delete) -> Item:
        """One conditional write; the item as it is afterwards (empty after a delete).

        Raises ConditionFailedError with `items[0]` the item as it was.
        """

    def transact(self, operations: Sequence[Operation]) -> None:
        """All of the operations or none. Raises ConditionFailedError."""
