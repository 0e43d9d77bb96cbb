"""The store in memory: for the simulator, benchmarks and unit tests. Safe under threads."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Sequence

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


class MemoryStore:
    """Partitions of items in dictionaries, one lock around everything."""

    def __init__(self) -> None:
        self._partitions: dict[tuple[TableName, str], dict[str, Item]] = {}
        self._lock = threading.RLock()

    def get(self, key: Key) -> Item | None:
        with self._lock:
            return copy.deepcopy(self._find(key))

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        with self._lock:
            found = {key: self._find(key) for key in keys}
            return {key: copy.deepcopy(item) for key, item in found.items() if item is not None}

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
            names = sorted((sk for sk in partition if sk.startswith(prefix)), reverse=newest_first)
            return [copy.deepcopy(partition[sk]) for sk in names[:limit]]

    def write(self, operation: Put | Update | Delete) -> Item:
        with self._lock:
            self.transact([operation])
            return self.get(operation.key) or {}

    def transact(self, operations: Sequence[Operation]) -> None:
        with self._lock:
            before = [self._find(operation.key) for operation in operations]
            failed = [
                index
                for index, operation in enumerate(operations)
                if not hold(operation.conditions, before[index])
            ]
            if failed:
                items = [
                    copy.deepcopy(item) if i in failed else None for i, item in enumerate(before)
                ]
                raise ConditionFailedError(items, failed)
            for operation in operations:
                self._apply(operation)

    def _find(self, key: Key) -> Item | None:
        return self._partitions.get((key.table, key.pk), {}).get(key.sk)

    def _apply(self, operation: Operation) -> None:
        key = operation.key
        partition = self._partitions.setdefault((key.table, key.pk), {})
        match operation:
            case Put(item=item):
                partition[key.sk] = {**copy.deepcopy(item), "pk": key.pk, "sk": key.sk}
            case Update(set=changes, remove=removed):
                item = partition.setdefault(key.sk, {"pk": key.pk, "sk": key.sk})
                item.update(copy.deepcopy(dict(changes)))
                for name in removed:
                    item.pop(name, None)
            case Delete():
                partition.pop(key.sk, None)
            case Check():
                pass


def hold(conditions: Conditions, item: Item | None) -> bool:
    """Whether all the conditions hold for the item as it is (None: there is none)."""
    return all(
        any(_holds(each, item) for each in condition.conditions)
        if isinstance(condition, AnyOf)
        else _holds(condition, item)
        for condition in conditions
    )


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
    return bool(value < condition.value)
