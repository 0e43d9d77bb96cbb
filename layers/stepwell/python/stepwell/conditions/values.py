"""The values that conditions compute with, and how JSON becomes them.

    CEL         null  bool  int  double  string  list  map   timestamp  duration
    Python      None  bool  int  float   str     list  dict  datetime   timedelta

JSON has one kind of number and so do events and traits: doubles. Ints come only from literals,
`size`, `int()` and the parts of a date. As in CEL, ints and doubles compare with each other by
value but are not mixed in arithmetic. Moments are in UTC, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, SupportsFloat

from stepwell.conditions.budget import spend
from stepwell.conditions.errors import ConditionError, OperationError

MAX_LEVELS = 64
"""How deep data may be nested."""

_AS_IT_IS = frozenset({str, bool, float, type(None), timedelta})
NUMBERS = frozenset({int, float})
"""Exactly these: to Python, a bool would be an int."""

_NAMES = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "double",
    str: "string",
    list: "list",
    dict: "map",
    datetime: "timestamp",
    timedelta: "duration",
}


def type_name(value: object) -> str:
    """CEL's name of a value's type."""
    return _NAMES.get(type(value)) or ("map" if isinstance(value, dict) else "unknown type")


def to_cel(value: Any) -> Any:
    """Convert a JSON value for use in a context: every number to a double; moments are kept.

    Raises ConditionError for data nested deeper than 64 levels, and TypeError for types that JSON
    does not have.
    """
    return _to_cel(value, MAX_LEVELS)


def _to_cel(value: Any, levels: int) -> Any:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is int:
        return _to_double(value)
    if levels == 0:
        raise ConditionError(f"data is nested deeper than {MAX_LEVELS} levels")
    if kind is dict:
        return {
            key: each if type(each) in _AS_IT_IS else _to_cel(each, levels - 1)
            for key, each in value.items()
        }
    if kind is list:
        return [_to_cel(each, levels - 1) for each in value]
    return _from_relative(value, levels)


def _from_relative(value: Any, levels: int) -> Any:
    """What is close enough to JSON's types: their subclasses, decimals, tuples."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a moment in a condition needs a time zone")
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {key: _to_cel(each, levels - 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_cel(each, levels - 1) for each in value]
    if isinstance(value, SupportsFloat):
        return _to_double(value)
    raise TypeError(f"conditions have no type for {type(value).__name__}")


def _to_double(value: SupportsFloat) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")  # type: ignore[operator]


def equal(left: Any, right: Any, budget: list[int]) -> bool:
    """CEL's equality: numbers by value, other values of different types are simply not equal.

    Lists and maps are compared element by element, since Python's own == would take true for 1;
    that costs a step each. Raises OperationError when the budget is used up.
    """
    if isinstance(left, list | dict):
        return _equal_elements(left, right, budget, MAX_LEVELS)
    return equal_scalars(left, right)


def equal_scalars(left: Any, right: Any) -> bool:
    """Equality of two values of which one is neither a list nor a map."""
    kind = type(left)
    if kind is type(right) or (kind in NUMBERS and type(right) in NUMBERS):
        return bool(left == right)
    return False


def _equal_elements(left: Any, right: Any, budget: list[int], levels: int) -> bool:
    spend(budget, 1)
    if levels == 0:
        raise OperationError(f"data is nested deeper than {MAX_LEVELS} levels")
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            _equal_elements(one, other, budget, levels - 1)
            for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            _equal_elements(each, right[key], budget, levels - 1) for key, each in left.items()
        )
    return equal_scalars(left, right)
