"""Counts what is paid for: calls to AWS by who made them, and what DynamoDB charges for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from moto.dynamodb.models import dynamodb_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.functions import Invocation, name_of
from infra.local.in_process import InProcessInvoker
from stepwell.aws.attributes import from_attributes
from stepwell.simulation.costs.units import item_size, read_units, write_units

STATE_MACHINE = "state machines"
"""Who calls from a thread that no function and no benchmark runs in."""
DRIVER = "benchmark"

_caller: ContextVar[str] = ContextVar("caller", default=STATE_MACHINE)

_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_IN_TRANSACTION = {"Put", "Update", "Delete", "ConditionCheck"}


@dataclass
class Meter:
    """`calls`: (caller, "service:Operation") -> how often. Units are DynamoDB's request units.

    `operations`: writes and checks by caller, each of a transaction for itself.
    """

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    invocations: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    read_units: Counter[str] = field(default_factory=Counter)
    write_units: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)
    """Executions run in threads of their own, and `+=` on a counter is two steps."""

    def of(self, *callers: str) -> Counter[str]:
        """Calls of these callers, by operation."""
        total: Counter[str] = Counter()
        for (caller, operation), number in self.calls.items():
            if caller in callers:
                total[operation] += number
        return total

    def count(self, service: str, operation: str, request: Any, answer: Any) -> None:
        caller = _caller.get()
        if caller == DRIVER:
            return
        is_table = service == "dynamodb"
        read = _read_units(operation, request, answer) if is_table else 0
        written = _write_units(operation, request) if is_table else 0
        with self.lock:
            self.calls[caller, f"{service}:{operation}"] += 1
            self.read_units[caller] += read
            self.write_units[caller] += written
            self.operations[caller] += _operations(operation, request) if is_table else 0

    def invoked(self, name: str) -> None:
        with self.lock:
            self.invocations[name] += 1


@contextmanager
def metering() -> Iterator[Meter]:
    """Count every call to AWS inside, of handlers and of state machines."""
    meter = Meter()
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    invoke = InProcessInvoker.__call__

    def counted(self: Any, operation: str, request: Any) -> Any:
        answer = call(self, operation, request)
        meter.count(self.meta.service_model.service_name, operation, request, answer)
        return answer

    def invoked(self: InProcessInvoker, reference: str, event: Any) -> Invocation:
        name = name_of(reference).removeprefix("stepwell-local-")
        meter.invoked(name)
        token = _caller.set(name)
        try:
            return invoke(self, reference, event)
        finally:
            _caller.reset(token)

    token = _caller.set(DRIVER)
    try:
        with (
            patch.object(BaseClient, "_make_api_call", counted),
            patch.object(InProcessInvoker, "__call__", invoked),
        ):
            yield meter
    finally:
        _caller.reset(token)


def _read_units(operation: str, request: Any, answer: Any) -> int:
    """Strongly consistent; a Query is charged for the sum of its items, a batch for each item."""
    if operation == "GetItem":
        return read_units(_size(answer.get("Item", {})))
    if operation == "Query":
        return read_units(sum(map(_size, answer["Items"])))
    if operation == "BatchGetItem":
        asked = sum(len(each["Keys"]) for each in request["RequestItems"].values())
        found = [item for items in answer["Responses"].values() for item in items]
        return sum(read_units(_size(item)) for item in found) + asked - len(found)
    return 0


def _operations(operation: str, request: Any) -> int:
    if operation == "TransactWriteItems":
        return len(request["TransactItems"])
    return int(operation in _WRITES)


def _write_units(operation: str, request: Any) -> int:
    """1 KB each of the item as it is afterwards; twice in a transaction."""
    if operation in _WRITES:
        return _written(request)
    if operation == "TransactWriteItems":
        return 2 * sum(
            _written(each[kind])
            for each in request["TransactItems"]
            for kind in _IN_TRANSACTION & each.keys()
        )
    return 0


def _written(request: Any) -> int:
    key = request.get("Key") or {name: request["Item"][name] for name in ("pk", "sk")}
    table = dynamodb_backends[ACCOUNT][REGION].tables[request["TableName"]]
    item = table.get_item(*_moto_key(key))
    return write_units(_size(item.to_json()["Attributes"]) if item else 0)


def _moto_key(key: Any) -> tuple[Any, Any]:
    from moto.dynamodb.models.dynamo_type import DynamoType  # noqa: PLC0415 - beside its only use

    return DynamoType(key["pk"]), DynamoType(key["sk"])


def _size(item: Any) -> int:
    return item_size(from_attributes(item))
