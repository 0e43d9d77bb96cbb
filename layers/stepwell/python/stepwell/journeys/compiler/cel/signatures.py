"""Which types functions and arithmetic take, and what they give."""

from __future__ import annotations

from stepwell.journeys.compiler.cel.kinds import (
    ANY,
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    JSON,
    STRING,
    TIMESTAMP,
    Type,
)

_SIZED = frozenset({"string", "list", "map", "record"})
_TEXT = frozenset({"string"})
_MOMENT = frozenset({"timestamp"})
_SPAN_OR_MOMENT = frozenset({"timestamp", "duration"})
_PLACE = frozenset({"map", "record"})
_DEGREES = frozenset({"int", "double"})

FUNCTIONS: dict[str, tuple[tuple[frozenset[str], ...], Type]] = {
    "size": ((_SIZED,), INT),
    **dict.fromkeys(("startsWith", "endsWith", "contains"), ((_TEXT, _TEXT), BOOL)),
    "timestamp": ((frozenset({"string", "int", "timestamp"}),), TIMESTAMP),
    "duration": ((frozenset({"string", "duration"}),), DURATION),
    "int": ((frozenset({"int", "double", "string", "timestamp"}),), INT),
    "double": ((frozenset({"int", "double", "string"}),), DOUBLE),
    "string": (
        (frozenset({"bool", "int", "double", "string", "timestamp", "duration"}),),
        STRING,
    ),
    **dict.fromkeys(
        (
            "getFullYear",
            "getMonth",
            "getDate",
            "getDayOfMonth",
            "getDayOfWeek",
            "getDayOfYear",
            "getMilliseconds",
        ),
        ((_MOMENT, _TEXT), INT),
    ),
    "distance_km": ((_PLACE, _DEGREES, _DEGREES), DOUBLE),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds"), ((_SPAN_OR_MOMENT, _TEXT), INT)),
}
"""Name -> the kinds each argument may have, the receiver first, and the result."""

_OPERANDS: dict[str, dict[tuple[str, str], Type]] = {
    "+": {
        ("int", "int"): INT,
        ("double", "double"): DOUBLE,
        ("string", "string"): STRING,
        ("timestamp", "duration"): TIMESTAMP,
        ("duration", "timestamp"): TIMESTAMP,
        ("duration", "duration"): DURATION,
    },
    "-": {
        ("int", "int"): INT,
        ("double", "double"): DOUBLE,
        ("timestamp", "duration"): TIMESTAMP,
        ("timestamp", "timestamp"): DURATION,
        ("duration", "duration"): DURATION,
    },
    "*": {("int", "int"): INT, ("double", "double"): DOUBLE},
    "/": {("int", "int"): INT, ("double", "double"): DOUBLE},
    "%": {("int", "int"): INT},
}


def arithmetic(symbol: str, left: Type, right: Type) -> Type | None:
    """The type of `left symbol right`; None if no values of these types go together."""
    if symbol == "+" and left.kind == right.kind == "list":
        return left if left == right else Type("list", ANY)
    results = [
        result
        for (one, other), result in _OPERANDS[symbol].items()
        if _fits(left, one) and _fits(right, other)
    ]
    if symbol == "+" and _fits(left, "list") and _fits(right, "list"):
        return ANY if results else Type("list", ANY)
    if not results:
        return None
    return results[0] if all(each == results[0] for each in results) else ANY


def _fits(given: Type, wanted: str) -> bool:
    if given.kind == "any":
        return True
    if given == JSON:
        return wanted in ("double", "string", "list")
    return given.kind == wanted
