"""The store in memory: for the simulator, benchmarks and unit tests. Safe under threads.

Items are copied on their way in and out, and never changed in between: a write puts a new item in
the place of the old one.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from stepwell.storage.due import Due
from stepwell.storage.operations import (
    AnyOf,
    Check,
    Condition,
    ConditionFailedError,
    Conditions,
    Delete,
    Item,
    Key,
    Operation,
    Put,
    TableName,
    Test,
    Update,
)

MOST_OPERATIONS = 100
"""In one transaction, as in DynamoDB."""


class MemoryStore:
    """Partitions of items in dictionaries, one lock around everything.

    `shared` leaves the copying out: faster, for callers who change nothing of what they have read
    or written. A simulation's rules are such callers, and a test watches that they stay so.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self._partitions: dict[tuple[TableName, str], dict[str, Item]] = {}
        self._due: dict[str, list[Due]] = {}
        self._lock = threading.RLock()
        self._own: Callable[[Mapping[str, Any]], Any] = _itself if shared else _copied

    def get(self, key: Key) -> Item | None:
        with self._lock:
            item = self._find(key)
        return None if item is None else self._own(item)

    def peek(self, key: Key) -> Item | None:
        """The item itself, for who only looks at it. Must not be changed."""
        with self._lock:
            return self._find(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        with self._lock:
            found = {key: self._find(key) for key in keys}
        return {key: self._own(item) for key, item in found.items() if item is not None}

    def query(
        self,
        table: TableName,
        pk: str,
        *,
        prefix: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        with self._lock:
            partition = self._partitions.get((table, pk), {})
            names = [sk for sk in partition if sk.startswith(prefix)] if prefix else list(partition)
            names.sort(reverse=newest_first)
            found = [partition[sk] for sk in names[:limit]]
        return found if self._own is _itself else [self._own(item) for item in found]

    def named(self, table: TableName, sk: str) -> list[Item]:
        """The item of this sort key of every partition that has one."""
        with self._lock:
            found = [Key(table, pk, sk) for each, pk in self._partitions if each == table]
            return [self._own(item) for key in found if (item := self._find(key)) is not None]

    def due(self, shard: str, until: str) -> Iterator[Due]:
        with self._lock:
            every = self._due.get(shard, [])
            found = every[: bisect_right(every, until, key=_moment)]
        yield from found

    def write(self, operation: Put | Update | Delete) -> Item:
        with self._lock:
            if operation.conditions and not hold(operation.conditions, self._find(operation.key)):
                raise self._failure([operation], [0])
            item = self._apply(operation)
        return {} if item is None else self._own(item)

    def transact(self, operations: Sequence[Operation]) -> None:
        if len({operation.key for operation in operations}) < len(operations):
            raise ValueError("one transaction may touch an item only once")
        if len(operations) > MOST_OPERATIONS:
            raise ValueError(f"a transaction takes {MOST_OPERATIONS} operations")
        with self._lock:
            failed = [
                index
                for index, operation in enumerate(operations)
                if operation.conditions
                and not hold(operation.conditions, self._find(operation.key))
            ]
            if failed:
                raise self._failure(operations, failed)
            for operation in operations:
                self._apply(operation)

    def _failure(
        self, operations: Sequence[Operation], failed: Sequence[int]
    ) -> ConditionFailedError:
        items: list[Item | None] = [None] * len(operations)
        for index in failed:
            items[index] = self.get(operations[index].key)
        return ConditionFailedError(items, failed)

    def _find(self, key: Key) -> Item | None:
        partition = self._partitions.get((key.table, key.pk))
        return None if partition is None else partition.get(key.sk)

    def _apply(self, operation: Operation) -> Item | None:
        """The item as it is afterwards."""
        if isinstance(operation, Check):
            return None
        before = self._find(operation.key) if self._due else None
        after = self._changed(operation)
        if before is not None and "due_at" in before:
            self._undue(before)
        if after is not None and "due_at" in after:
            due = Due(after["due_at"], after["pk"])
            insort(self._due.setdefault(after["due_shard"], []), due)
        return after

    def _undue(self, item: Item) -> None:
        every = self._due[item["due_shard"]]
        del every[bisect_left(every, Due(item["due_at"], item["pk"]))]

    def _changed(self, operation: Put | Update | Delete) -> Item | None:
        key = operation.key
        partition = self._partitions.setdefault((key.table, key.pk), {})
        match operation:
            case Put(item=item):
                after = partition[key.sk] = {**self._own(item), "pk": key.pk, "sk": key.sk}
                return after
            case Update(set=changes, remove=removed, add=added):
                before = partition.get(key.sk) or {"pk": key.pk, "sk": key.sk}
                after = partition[key.sk] = {**before, **self._own(changes)}
                for name, number in added.items():
                    after[name] = before.get(name, 0) + number
                for name in removed:
                    after.pop(name, None)
                return after
            case Delete():
                partition.pop(key.sk, None)
        return None


def _moment(due: Due) -> str:
    return due.at


def _itself(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return item


def _copied(item: Mapping[str, Any]) -> Item:
    """The item with lists and dictionaries of its own; other JSON values cannot be changed.

    Several times faster than `copy.deepcopy`, which also keeps track of what it has seen.
    """
    copy = dict(item)
    for name, value in item.items():
        kind = type(value)
        if kind is dict:
            copy[name] = _copied(value)
        elif kind is list:
            copy[name] = _copied_list(value)
    return copy


def _copied_list(values: list[Any]) -> list[Any]:
    return [
        _copied(value)
        if type(value) is dict
        else _copied_list(value)
        if type(value) is list
        else value
        for value in values
    ]


def hold(conditions: Conditions, item: Item | None) -> bool:
    """Whether all the conditions hold for the item as it is (None: there is none)."""
    for condition in conditions:
        if isinstance(condition, AnyOf):
            if not any(_holds(each, item) for each in condition.conditions):
                return False
        elif not _holds(condition, item):
            return False
    return True


def _holds(condition: Condition, item: Item | None) -> bool:
    present = item is not None and condition.attribute in item
    if condition.test is Test.EXISTS:
        return present
    if condition.test is Test.ABSENT:
        return not present
    if not present or item is None:
        return False
    value = item[condition.attribute]
    if condition.test is Test.EQUALS:
        return bool(value == condition.value)
    if condition.test is Test.DIFFERS:
        return bool(value != condition.value)
    if condition.test is Test.AT_LEAST:
        return bool(value >= condition.value)
    return bool(value < condition.value)
