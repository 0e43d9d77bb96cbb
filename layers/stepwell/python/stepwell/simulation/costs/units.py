"""DynamoDB's request units, by the sizes of items.

Rules: "DynamoDB item sizes and formats" and "Read and write capacity" of its developer guide. A
read unit is 4 KB read strongly consistently, a write unit 1 KB written; transactions cost double.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

_READ = 4096
_WRITE = 1024
_DOCUMENT = 3
"""Bytes that a list or a map takes besides its elements, each of which takes one more."""
_NUMBER = 1

STORED_BESIDES = 100
"""Bytes of storage that an item takes besides its size, for indexing."""


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of an item of JSON values: its attributes' names and values."""
    return sum(attribute_size(name, value) for name, value in item.items())


def attribute_size(name: str, value: Any) -> int:
    return _text(name) + value_size(value)


def value_size(value: Any) -> int:
    """Asked of everything that a simulation writes, so the usual types come first."""
    kind = type(value)
    if kind is str:
        return len(value) if value.isascii() else len(value.encode())
    if kind is dict:
        size = _DOCUMENT
        for name, each in value.items():
            size += 1 + _text(name) + value_size(each)
        return size
    if value is None or kind is bool:
        return 1
    match value:
        case str():
            return _text(value)
        case int() | float():
            return _number(value)
        case Mapping():
            return value_size(dict(value))
    return _DOCUMENT + sum(1 + value_size(each) for each in value)


def read_units(size: int) -> int:
    """Of one strongly consistent read of so many bytes; nothing found costs one."""
    return max(1, -(-size // _READ))


def write_units(size: int) -> int:
    """Of one write; `size` is the larger of the item's before and after it."""
    return max(1, -(-size // _WRITE))


def _text(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


@lru_cache(maxsize=4096)
def _number(value: float) -> int:
    """About a byte for two significant digits, one more, and one for a minus."""
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    significant = len("".join(map(str, digits)).strip("0"))
    return _NUMBER + -(-significant // 2) + sign
