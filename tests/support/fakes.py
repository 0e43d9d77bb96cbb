"""Small stand-ins for what the engine needs from outside, with failures to order."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stepwell.storage.operations import Delete, Item, Key, Operation, Put, Store, TableName, Update

Result = TypeVar("Result")


class CrashError(Exception):
    """The process died here."""


@dataclass
class Crash:
    """Dies at the n-th call that it watches, before the call acts or after it has acted."""

    at: int
    after: bool = False
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, call: Callable[[], Result]) -> Result:
        with self.lock:
            self.calls += 1
            here = self.calls == self.at
        if here and not self.after:
            raise CrashError
        result = call()
        if here:
            raise CrashError
        return result


@dataclass
class CrashingStore:
    """A store whose calls a `Crash` watches."""

    store: Store
    crash: Crash

    def get(self, key: Key) -> Item | None:
        return self.crash.watch(lambda: self.store.get(key))

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        return self.crash.watch(lambda: self.store.get_many(keys))

    def query(
        self,
        table: TableName,
        pk: str,
        *,
        prefix: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        return self.crash.watch(
            lambda: self.store.query(
                table, pk, prefix=prefix, newest_first=newest_first, limit=limit
            )
        )

    def write(self, operation: Put | Update | Delete) -> Item:
        return self.crash.watch(lambda: self.store.write(operation))

    def transact(self, operations: Sequence[Operation]) -> None:
        self.crash.watch(lambda: self.store.transact(operations))


@dataclass
class RecordedExecutions:
    """Keeps what was asked of Step Functions, in order; a `Crash` may watch it too."""

    crash: Crash = field(default_factory=lambda: Crash(0))
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None:
        self.crash.watch(lambda: self.calls.append(("start", journey, execution, dict(state))))

    def wake(self, token: str, result: Mapping[str, Any]) -> None:
        self.crash.watch(lambda: self.calls.append(("wake", token, dict(result))))

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None:
        self.crash.watch(lambda: self.calls.append(("stop", journey, execution, error, cause)))

    def settle_later(self, customer: str, execution: str) -> None:
        self.crash.watch(lambda: self.calls.append(("settle", customer, execution)))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == kind]


def plain_hasher(kind: str, value: str) -> str:
    """A hash without a secret, for tests."""
    return hashlib.sha256(f"{kind}\n{value}".encode()).hexdigest()[:32]
