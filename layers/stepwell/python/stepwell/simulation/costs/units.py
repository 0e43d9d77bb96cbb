"""DynamoDB's request units, by the sizes of items.

Rules: "DynamoDB item sizes and formats" and "Read and write capacity" of its developer guide. A
read unit is 4 KB read strongly consistently, a write unit 1 KB written; transactions cost double.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
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
    match value:
        case None | bool():
            return 1
        case str():
            return _text(value)
        case int() | float():
            return _number(value)
        case Mapping():
            inner = sum(1 + attribute_size(name, each) for name, each in value.items())
            return _DOCUMENT + inner
    return _DOCUMENT + sum(1 + value_size(each) for each in value)


def read_units(size: int) -> int:
    """Of one strongly consistent read of so many bytes; nothing found costs one."""
    return max(1, -(-size // _READ))


def write_units(size: int) -> int:
    """Of one write; `size` is the larger of the item's before and after it."""
    return max(1, -(-size // _WRITE))


def _text(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _number(value: float) -> int:
    """About a byte for two significant digits, one more, and one for a minus."""
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    significant = len("".join(map(str, digits)).strip("0"))
    return _NUMBER + -(-significant // 2) + sign
