"""CEL's operators on two values, and unary minus.

A function per pair of types, so that nothing is ever converted by accident. OperationError says why
two values do not go together; operands are named by type, never by value.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from stepwell.conditions.budget import spend
from stepwell.conditions.errors import OperationError
from stepwell.conditions.values import NUMBERS, equal, type_name

MAX_LENGTH = 65_536
"""The longest string or list that `+` may make."""

MAX_DURATION = timedelta(seconds=315_576_000_000)
"""About 10,000 years, as in protobuf."""

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = frozenset({bool, str, datetime, timedelta})
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def ordered(symbol: str, left: Any, right: Any) -> bool:
    """`<` and its kin: numbers with numbers, else both of one type. NaN is in no order."""
    kind = type(left)
    both = type(right)
    if (kind is both and kind in _ORDERED) or (kind in NUMBERS and both in NUMBERS):
        return ORDERS[symbol](left, right)
    raise OperationError(f"cannot compare {type_name(left)} with {type_name(right)}")


def contained(left: Any, right: Any, budget: list[int]) -> bool:
    """`in`: an element of a list, a key of a map. A step for each element."""
    if type(right) is list:
        spend(budget, len(right))
        return any(equal(left, each, budget) for each in right)
    if isinstance(right, dict):
        return type(left) is str and left in right
    raise OperationError(f"cannot look for something in {type_name(right)}")


def int64(value: int) -> int:
    """Raises OperationError outside 64 bits."""
    if _SMALLEST <= value <= _LARGEST:
        return value
    raise OperationError("int overflow")


def bounded_duration(value: timedelta) -> timedelta:
    """Raises OperationError outside ±10,000 years."""
    if -MAX_DURATION <= value <= MAX_DURATION:
        return value
    raise OperationError("duration out of range")


def negated(value: Any) -> Any:
    if type(value) is float:
        return -value
    if type(value) is int:
        return int64(-value)
    raise OperationError(f"cannot negate {type_name(value)}")


def _joined(left: Any, right: Any) -> Any:
    if len(left) + len(right) > MAX_LENGTH:
        raise OperationError(f"longer than {MAX_LENGTH}")
    return left + right


def _int_quotient(left: int, right: int) -> int:
    """Rounded towards zero, unlike Python's."""
    if right == 0:
        raise OperationError("division by zero")
    quotient = abs(left) // abs(right)
    return int64(quotient if (left < 0) == (right < 0) else -quotient)


def _int_remainder(left: int, right: int) -> int:
    """With the sign of the left operand, unlike Python's."""
    if right == 0:
        raise OperationError("division by zero")
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _double_quotient(left: float, right: float) -> float:
    """As IEEE 754 has it, where a division by zero is infinite or not a number."""
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


_ARITHMETIC: dict[str, dict[tuple[type, type], Callable[[Any, Any], Any]]] = {
    "+": {
        (int, int): lambda left, right: int64(left + right),
        (float, float): operator.add,
        (str, str): _joined,
        (list, list): _joined,
        (datetime, timedelta): operator.add,
        (timedelta, datetime): operator.add,
        (timedelta, timedelta): lambda left, right: bounded_duration(left + right),
    },
    "-": {
        (int, int): lambda left, right: int64(left - right),
        (float, float): operator.sub,
        (datetime, timedelta): operator.sub,
        (datetime, datetime): lambda left, right: bounded_duration(left - right),
        (timedelta, timedelta): lambda left, right: bounded_duration(left - right),
    },
    "*": {
        (int, int): lambda left, right: int64(left * right),
        (float, float): operator.mul,
    },
    "/": {(int, int): _int_quotient, (float, float): _double_quotient},
    "%": {(int, int): _int_remainder},
}


def calculated(symbol: str, left: Any, right: Any) -> Any:
    """`+ - * / %`. Ints and doubles do not mix, and `%` is for ints alone, as in CEL."""
    operation = _ARITHMETIC[symbol].get((type(left), type(right)))
    if operation is None:
        raise OperationError(f"no {symbol} for {type_name(left)} and {type_name(right)}")
    try:
        return operation(left, right)
    except OverflowError:
        raise OperationError("time out of range") from None
