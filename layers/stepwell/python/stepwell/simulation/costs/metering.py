"""A store that counts what DynamoDB would charge for the calls made to it, by who makes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stepwell.simulation.costs.units import (
    STORED_BESIDES,
    attribute_size,
    read_units,
    write_units,
)
from stepwell.simulation.costs.usage import Metered
from stepwell.storage.due import Due, DueStore
from stepwell.storage.operations import (
    Check,
    Delete,
    Item,
    Key,
    Operation,
    Put,
    TableName,
    Update,
)

_BATCH = 100
"""Keys that one BatchGetItem takes."""

Sizes = dict[str, int]
"""Bytes of an item by attribute, its name included."""


class MeteredStore:
    """Passes every call on to an empty store and counts it under `caller`.

    It follows the sizes of items by what is written through it and reads nothing of its own. Not
    safe under threads.
    """

    def __init__(self, store: DueStore) -> None:
        self._store = store
        self._sizes: dict[Key, Sizes] = {}
        self._expires: dict[Key, int] = {}
        self.caller = ""
        self.requests: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()

    def get(self, key: Key) -> Item | None:
        self._count_read(read_units(self._size(key)))
        return self._store.get(key)

    def peek(self, key: Key) -> Item | None:
        """The item, for what is no call of its own: DynamoDB reads it to evaluate an expression."""
        return self._store.get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        wanted = list(dict.fromkeys(keys))
        if wanted:
            units = sum(read_units(self._size(key)) for key in wanted)
            self._count_read(units, requests=-(-len(wanted) // _BATCH))
        return self._store.get_many(wanted)

    def query(
        self,
        table: TableName,
        pk: str,
        *,
        prefix: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        found = self._store.query(table, pk, prefix=prefix, newest_first=newest_first, limit=limit)
        size = sum(self._size(Key(table, pk, item["sk"])) for item in found)
        self._count_read(read_units(size))
        return found

    def due(self, shard: str, until: str) -> Iterator[Due]:
        """Not counted: what the schedule asks, it asks whether somebody is due or not."""
        return self._store.due(shard, until)

    def write(self, operation: Put | Update | Delete) -> Item:
        after = self._after(operation)
        self._count_write(self._units(operation.key, after))
        item = self._store.write(operation)
        self._keep(operation, after)
        return item

    def transact(self, operations: Sequence[Operation]) -> None:
        after = [self._after(operation) for operation in operations]
        units = sum(
            self._units(operation.key, sizes)
            for operation, sizes in zip(operations, after, strict=True)
        )
        self._count_write(2 * units)
        self._store.transact(operations)
        for operation, sizes in zip(operations, after, strict=True):
            self._keep(operation, sizes)

    def metered(self, calls: Counter[str], *, customers: int, now: int) -> Metered:
        """What was counted; `calls` is the simulation's `Trace.calls`, `now` epoch seconds."""
        return Metered(
            requests=Counter(self.requests),
            reads=Counter(self.reads),
            writes=Counter(self.writes),
            calls=Counter(calls),
            customers=customers,
            stored_bytes=self.stored_bytes(now),
        )

    def stored_bytes(self, now: int) -> int:
        """Bytes that are stored and billed; what has expired by `now` (epoch seconds) is gone."""
        return sum(
            sum(sizes.values()) + STORED_BESIDES
            for key, sizes in self._sizes.items()
            if self._expires.get(key, now + 1) > now
        )

    def _size(self, key: Key) -> int:
        return sum(self._sizes.get(key, {}).values())

    def _units(self, key: Key, after: Sizes) -> int:
        """A condition that fails is charged for the same."""
        return write_units(max(self._size(key), sum(after.values())))

    def _after(self, operation: Operation) -> Sizes:
        key = operation.key
        before = self._sizes.get(key, {})
        match operation:
            case Put(item=item):
                return _sizes_of({**item, "pk": key.pk, "sk": key.sk})
            case Update(set=changes, remove=removed, add=added):
                new = {**before, **_sizes_of({"pk": key.pk, "sk": key.sk, **changes, **added})}
                return {name: size for name, size in new.items() if name not in removed}
            case Delete():
                return {}
            case Check():
                return before

    def _keep(self, operation: Operation, after: Sizes) -> None:
        key = operation.key
        match operation:
            case Put(item=written) | Update(set=written):
                self._sizes[key] = after
                if "expires" in written:
                    self._expires[key] = int(written["expires"])
                elif isinstance(operation, Put) or "expires" not in after:
                    self._expires.pop(key, None)
            case Delete():
                self._sizes.pop(key, None)
                self._expires.pop(key, None)
            case Check():
                pass

    def _count_read(self, units: int, requests: int = 1) -> None:
        self.requests[self.caller] += requests
        self.reads[self.caller] += units

    def _count_write(self, units: int) -> None:
        self.requests[self.caller] += 1
        self.writes[self.caller] += units


def _sizes_of(item: Item) -> Sizes:
    return {name: attribute_size(name, value) for name, value in item.items()}
