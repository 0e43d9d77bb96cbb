"""DynamoDB writes one after another, and news of the items that were put.

moto tests a condition and writes in two steps, so that two threads can both find it true; hands out
items that the next write changes; and copies whole tables for every transaction, to be able to undo
it, and walks through whole tables for every query, which costs more the longer a replay runs.
"""

from __future__ import annotations

import copy
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from infra.local.moto_patches.replacing import Patches

OnPut = Callable[[str, dict[str, Any]], None]
"""Told of a table's name and an item in DynamoDB's JSON, after it was put, and of one that is due
after it was updated.
"""

_CALLS = ("get_item", "query", "scan", "update_item", "delete_item", "put_item")


def install(patches: Patches, on_put: OnPut) -> None:
    serialized = _Serialized(on_put)
    for name in _CALLS:
        patches.replace(DynamoDBBackend, name, serialized.wrap(vars(DynamoDBBackend)[name]))
    transact = serialized.wrap(_undoing(DynamoDBBackend.transact_write_items))
    patches.replace(DynamoDBBackend, "transact_write_items", transact)
    patches.replace(Table, "query", _within_partition(Table.query))
    patches.replace(models, "copy", types.SimpleNamespace(deepcopy=_copy_but_tables))


class _Serialized:
    """One call at a time. What the outermost call answers is a copy, and its puts are told."""

    def __init__(self, on_put: OnPut) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._on_put = on_put

    def wrap(self, method: Any) -> Any:
        def call(backend: Any, *args: Any, **arguments: Any) -> Any:
            with self._lock:
                self._depth += 1
                try:
                    result = method(backend, *args, **arguments)
                finally:
                    self._depth -= 1
                if self._depth:
                    return result
                for table, item in puts(method.__name__, args, arguments):
                    self._on_put(table, item)
                for table, item in _due(backend, method.__name__, args, arguments):
                    self._on_put(table, item)
                return copy.deepcopy(result)

        return call


def _undoing(method: Any) -> Any:
    """A transaction that undoes its own items only."""

    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> Any:
        before = [
            (table, key, copy.deepcopy(table.get_item(*key)))
            for table, key in _targets(backend, transact_items)
        ]
        try:
            return method(backend, transact_items)
        except Exception:
            for table, (hash_key, range_key), item in before:
                if item is None:
                    table.delete_item(hash_key, range_key)
                else:
                    table.items[hash_key][range_key] = item
            raise

    return transact_write_items


def _targets(backend: Any, operations: list[dict[str, Any]]) -> Iterator[tuple[Any, Any]]:
    for operation in operations:
        details = next(iter(operation.values()))
        table = backend.get_table(details["TableName"])
        yield table, backend.get_keys_value(table, details.get("Key") or details["Item"])


def _within_partition(query: Any) -> Any:
    """A query that uses no index looks at the items of its partition only."""

    def call(table: Any, hash_key: Any, *args: Any, **arguments: Any) -> Any:
        every = table.items
        if arguments.get("index_name") or hash_key not in every:
            return query(table, hash_key, *args, **arguments)
        table.items = {hash_key: every[hash_key]}
        try:
            return query(table, hash_key, *args, **arguments)
        finally:
            table.items = every

    return call


def _copy_but_tables(value: Any) -> Any:
    return value if isinstance(value, Table) else copy.deepcopy(value)


def _due(
    backend: Any, call: str, args: tuple[Any, ...], arguments: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The items that a call updates and that are in the index of who is due."""
    updated: list[tuple[str, Any]] = []
    if call == "update_item":
        given = {**dict(zip(("table_name", "key"), args, strict=False)), **arguments}
        updated = [(given["table_name"], given["key"])]
    elif call == "transact_write_items":
        operations = args[0] if args else arguments["transact_items"]
        updates = [each["Update"] for each in operations if "Update" in each]
        updated = [(each["TableName"], each["Key"]) for each in updates]
    for name, key in updated:
        table = backend.get_table(name)
        item = table.get_item(*backend.get_keys_value(table, key))
        if item is not None and "due_at" in item.attrs:
            yield name, item.to_json()["Attributes"]


def puts(
    call: str, args: tuple[Any, ...], arguments: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The items that a call of the backend puts, with their tables."""
    if call == "put_item":
        given = {**dict(zip(("table_name", "item_attrs"), args, strict=False)), **arguments}
        yield given["table_name"], given["item_attrs"]
    elif call == "transact_write_items":
        for operation in args[0] if args else arguments["transact_items"]:
            if "Put" in operation:
                yield operation["Put"]["TableName"], operation["Put"]["Item"]
