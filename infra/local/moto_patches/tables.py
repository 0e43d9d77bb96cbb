"""DynamoDB writes one after another.

moto tests a condition and writes in two steps, so that two threads can both find it true.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

from infra.local.moto_patches.replacing import Patches

_CALLS = (
    "put_item",
    "get_item",
    "query",
    "scan",
    "update_item",
    "delete_item",
    "transact_write_items",
)


def install(patches: Patches) -> None:
    lock = threading.RLock()

    def serialized(method: Any) -> Any:
        def call(self: Any, *args: Any, **arguments: Any) -> Any:
            with lock:
                return method(self, *args, **arguments)

        return call

    for name in _CALLS:
        patches.replace(DynamoDBBackend, name, serialized(vars(DynamoDBBackend)[name]))
