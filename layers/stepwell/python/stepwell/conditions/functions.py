"""The functions that conditions can call; a method's receiver is its first argument.

`matches` is not among them: CEL promises RE2's linear time, which Python's `re` cannot keep.

The text of a double is its shortest decimal form, and a whole number has no point
(`string(1234.0)` is "1234"), so that a numeric id can be a key. CEL leaves this form open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from stepwell.conditions.distance import distance_km
from stepwell.conditions.errors import OperationError
from stepwell.conditions.operators import bounded_duration, int64
from stepwell.conditions.values import type_name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SPAN = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
_SPAN_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_INT = re.compile(r"-?\d{1,19}", re.ASCII)
_DOUBLE = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_OFFSET = re.compile(r"([-+])(\d\d):(\d\d)", re.ASCII)
_LONGEST = 64
"""No number, moment or duration is written with more characters."""


def _no_overload(name: str, *values: Any) -> OperationError:
    kinds = ", ".join(map(type_name, values))
    return OperationError(f"{name}() does not take ({kinds})")


def _size(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    raise _no_overload("size", value)


def _text_test(name: str, test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def run(text: Any, part: Any) -> bool:
        if type(text) is str and type(part) is str:
            return test(text, part)
        raise _no_overload(name, text, part)

    return run


def timestamp(value: Any) -> datetime:
    """An RFC 3339 text or seconds since 1970, as a moment in UTC."""
    if type(value) is datetime:
        return value
    try:
        if type(value) is int:
            return _EPOCH + timedelta(seconds=value)
        if type(value) is str:
            return _read_moment(value)
    except (ValueError, OverflowError):
        raise OperationError("not a moment like 2026-11-24T21:59:00Z") from None
    raise _no_overload("timestamp", value)


def _read_moment(text: str) -> datetime:
    found = _MOMENT.fullmatch(text[:_LONGEST])
    if found is None:
        raise ValueError
    fraction = (found[2] or "").ljust(6, "0")[:6]
    return datetime.fromisoformat(f"{found[1]}.{fraction}{found[3]}").astimezone(UTC)


def duration(value: Any) -> timedelta:
    """A text like "36h" or "1h30m"; the units are h, m, s, ms, us and ns, there is no day."""
    if type(value) is timedelta:
        return value
    if type(value) is not str:
        raise _no_overload("duration", value)
    if len(value) > _LONGEST or not _SPAN.fullmatch(value):
        raise OperationError('not a duration like "36h" or "1h30m"')
    nanoseconds = sum(_part(number, unit) for number, unit in _SPAN_PART.findall(value))
    if nanoseconds > 315_576_000_000 * 10**9:
        raise OperationError("duration out of range")
    span = timedelta(microseconds=nanoseconds // 1000)
    return bounded_duration(-span if value[0] == "-" else span)


def _part(number: str, unit: str) -> int:
    whole, _, fraction = number.partition(".")
    scale = _NANOSECONDS[unit]
    tail = int(fraction.ljust(_LONGEST, "0")) * scale // 10**64
    return int(whole or "0") * scale + tail


def _to_int(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float:
        if abs(value) < 2.0**63:
            return int(value)
        raise OperationError("int overflow")
    if type(value) is datetime:
        return (value - _EPOCH) // timedelta(seconds=1)
    if type(value) is str:
        if _INT.fullmatch(value):
            return int64(int(value))
        raise OperationError("not a whole number")
    raise _no_overload("int", value)


def _to_double(value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str:
        if len(value) <= _LONGEST and _DOUBLE.fullmatch(value):
            return float(value)
        raise OperationError("not a number")
    raise _no_overload("double", value)


def _to_string(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if type(value) is datetime:
        return (
            value.isoformat().removesuffix("+00:00").rstrip("0" if value.microsecond else "") + "Z"
        )
    if type(value) is timedelta:
        return _span_text(value)
    raise _no_overload("string", value)


def _span_text(value: timedelta) -> str:
    """Seconds, as protobuf writes durations: "5400s", "-0.25s"."""
    microseconds = value // timedelta(microseconds=1)
    whole, fraction = divmod(abs(microseconds), 10**6)
    digits = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{'-' if microseconds < 0 else ''}{whole}{digits}s"


def _zone(name: Any) -> tzinfo:
    if type(name) is not str:
        raise OperationError(f"a time zone is a string, not {type_name(name)}")
    offset = _OFFSET.fullmatch(name)
    try:
        if offset:
            distance = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return timezone(-distance if offset[1] == "-" else distance)
        zone = _named_zone(name)
    except ValueError:
        zone = None
    if zone is None:
        raise OperationError("not a known time zone")
    return zone


def _named_zone(name: str) -> tzinfo | None:
    from stepwell.customers.zones import load_zone  # noqa: PLC0415 -- most conditions need no zone

    return load_zone(name)


_MOMENT_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
}
_SPAN_SECONDS = {"getHours": 3600, "getMinutes": 60, "getSeconds": 1}


def _getter(name: str) -> Callable[..., int]:
    """A part of a moment, in UTC or a given zone; or a whole duration in that unit."""
    part = _MOMENT_PARTS[name]

    def run(value: Any, zone: Any = None) -> int:
        if type(value) is datetime:
            try:
                return part(value if zone is None else value.astimezone(_zone(zone)))
            except OverflowError:
                raise OperationError("time out of range") from None
        if type(value) is timedelta and zone is None and name in _SPAN_SECONDS:
            return int(value / timedelta(seconds=_SPAN_SECONDS[name]))
        raise _no_overload(name, value)

    return run


_Arities = tuple[int, ...]
FUNCTIONS: dict[str, tuple[Callable[..., Any], _Arities]] = {
    "size": (_size, (1,)),
    "startsWith": (_text_test("startsWith", str.startswith), (2,)),
    "endsWith": (_text_test("endsWith", str.endswith), (2,)),
    "contains": (_text_test("contains", str.__contains__), (2,)),
    "timestamp": (timestamp, (1,)),
    "duration": (duration, (1,)),
    "int": (_to_int, (1,)),
    "double": (_to_double, (1,)),
    "string": (_to_string, (1,)),
    **{name: (_getter(name), (1, 2)) for name in _MOMENT_PARTS},
    "distance_km": (distance_km, (3,)),
}
"""Name -> the function and how many arguments it may have, the receiver included."""
