"""Whether the values of a property are such as the event's schema allows: type, bounds, enum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from stepwell.journeys.compiler.problems import suggest
from stepwell.simulation.population.model import (
    Always,
    Between,
    BetweenDates,
    Carried,
    Choices,
    Fresh,
    Same,
    Value,
)

Wrong = list[tuple[str, str]]
"""(what is wrong, what to do)."""
Schema = Mapping[str, Any]

_NUMBERS = frozenset({"number", "integer"})


def unfit(name: str, value: Value, own: Schema, before: Schema | None) -> Wrong:
    """What is wrong with the value of property `name` of an event with the schema `own`; `before`
    is the schema of the event that it may be carried from, None where that may be any.
    """
    known: Schema = own["properties"][name]
    expected = _expected(known)
    if isinstance(value, Same | Carried):
        source = own if isinstance(value, Same) else before or {}
        given = _expected(source.get("properties", {}).get(value.name, {}))
        wrong = given and expected and not given & (expected | _alike(expected))
        return [_other_kind(given, expected)] if wrong else []
    kinds = _kinds_of(value)
    if expected and not kinds <= expected | ({"integer"} if "number" in expected else set()):
        return [_other_kind(kinds, expected)]
    return [*_out_of_bounds(value, known), *_not_listed(value, known)]


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _expected(schema: Schema) -> set[str]:
    """The schema's types; none when it leaves that open."""
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else set(kind or ())


def _alike(kinds: set[str]) -> frozenset[str]:
    """A number that is carried may be a whole one."""
    return _NUMBERS if kinds & _NUMBERS else frozenset()


def _other_kind(kinds: set[str], expected: set[str]) -> tuple[str, str]:
    given = " or ".join(sorted({"number" if each in _NUMBERS else each for each in kinds}))
    wanted = " or ".join(sorted(expected))
    whole = expected == {"integer"} and kinds <= _NUMBERS
    remedy = "Write whole numbers." if whole else f"Write {wanted}, or correct the schema."
    return f"{given} where the schema has {wanted}", remedy


def _kinds_of(value: Always | Choices | Between | BetweenDates | Fresh) -> set[str]:
    if isinstance(value, Between):
        return {"integer" if value.whole else "number"}
    if isinstance(value, Fresh | BetweenDates):
        return {"string"}
    return {_kind_of(each) for each in _listed(value)}


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) or value.is_integer() else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "null" if value is None else "object"


def _listed(value: Value) -> tuple[Any, ...]:
    """The values that it is one of, where they are told one by one."""
    if isinstance(value, Choices):
        return value.values
    return (value.value,) if isinstance(value, Always) else ()


def _out_of_bounds(value: Value, known: Schema) -> Iterator[tuple[str, str]]:
    numbers = [each for each in _listed(value) if is_number(each)]
    if isinstance(value, Between):
        numbers = [value.low, value.high]
    if not numbers:
        return
    low, high = min(numbers), max(numbers)
    least, most = known.get("minimum"), known.get("maximum")
    above, below = known.get("exclusiveMinimum"), known.get("exclusiveMaximum")
    if is_number(least) and low < least:
        yield f"{low} is less than the schema's minimum, {least}", f"Write {least} or more."
    if is_number(above) and low <= above:
        yield f"{low} is not more than {above}, as the schema asks", f"Write more than {above}."
    if is_number(most) and high > most:
        yield f"{high} is more than the schema's maximum, {most}", f"Write {most} or less."
    if is_number(below) and high >= below:
        yield f"{high} is not less than {below}, as the schema asks", f"Write less than {below}."


def _not_listed(value: Value, known: Schema) -> Iterator[tuple[str, str]]:
    allowed = known.get("enum")
    if not isinstance(allowed, list):
        return
    for each in _listed(value):
        if each not in allowed:
            yield f"{each!r} is none of the schema's values", suggest(each, map(str, allowed))
