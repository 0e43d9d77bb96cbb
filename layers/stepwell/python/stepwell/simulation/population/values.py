"""Values of traits and properties: read from YAML, checked against a schema, drawn for a customer.

A plain value is everybody's; a mapping says how it is made:

    {choices: [red, blue]} or {choices: {red: 3, blue: 1}}    {between: [20.0, 300.0]}
    {between: [2026-11-20, 2027-01-30]}
    {fresh: cart}    {same: price}    {carried: cart_id}
    {carried: cart_value, plus: [10.0, 80.0]} or {carried: cart_value, plus: price}
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from random import Random
from typing import Any

from stepwell.journeys.compiler.problems import suggest
from stepwell.simulation.population.fitting import Schema, Wrong, is_number, unfit
from stepwell.simulation.population.model import (
    Always,
    Between,
    BetweenDates,
    Carried,
    Choices,
    Fresh,
    Same,
    Value,
    cumulative,
)

_WAYS = ("choices", "between", "fresh", "same", "carried")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


# ---------------------------------------------------------------- drawing


def draw_all(
    values: tuple[tuple[str, Value], ...],
    rng: Random,
    ids: Iterator[str],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """The values by name, in their order. `ids` numbers fresh ids; what was to be carried from
    `before` and is not there is left out.
    """
    drawn: dict[str, Any] = {}
    for name, each in values:
        value = _draw(each, rng, ids, before, drawn)
        if value is not None:
            drawn[name] = value
    return drawn


def _draw(
    value: Value,
    rng: Random,
    ids: Iterator[str],
    before: Mapping[str, Any],
    above: Mapping[str, Any],
) -> Any:
    if isinstance(value, Always):
        return value.value
    if isinstance(value, Fresh):
        return f"{value.prefix}-{next(ids)}"
    if isinstance(value, Between):
        return _number(value, rng)
    if isinstance(value, BetweenDates):
        return _date(value, rng)
    if isinstance(value, Choices):
        return value.values[pick(value.cumulative, rng)]
    if isinstance(value, Same):
        return above.get(value.name)
    carried = before.get(value.name)
    if value.plus is None or not isinstance(carried, int | float):
        return carried
    more = _draw(value.plus, rng, ids, before, above)
    return round(carried + more, 2) if isinstance(more, int | float) else carried


def pick(weights: tuple[float, ...], rng: Random) -> int:
    """An index, by cumulative weights."""
    return bisect(weights, rng.random() * weights[-1], 0, len(weights) - 1)


def _number(between: Between, rng: Random) -> float:
    if between.whole:
        return rng.randint(int(between.low), int(between.high))
    return round(between.low + (between.high - between.low) * rng.random(), 2)


def _date(between: BetweenDates, rng: Random) -> str:
    number = rng.randint(between.first.toordinal(), between.last.toordinal())
    return date.fromordinal(number).isoformat()


# ---------------------------------------------------------------- reading


def read_value(
    name: str,
    data: Any,
    *,
    above: Collection[str],
    schema: Schema | None,
    before: Schema | None,
    trait: bool = False,
) -> tuple[Value | None, Wrong]:
    """`above` are the names of the values above it. `schema` is that of the event whose property it
    is, None for a `trait` or an event that nobody knows; `before` that of the event to carry from,
    None where that may be any.
    """
    wrong: Wrong = []
    value = _read_made(data, before, wrong) if isinstance(data, dict) else Always(data)
    named = value.plus if isinstance(value, Carried) else value
    if isinstance(named, Same) and named.name not in above:
        wrong.append((f"there is no {named.name} above it", suggest(named.name, above)))
    if schema is not None:
        known = schema["properties"]
        if name not in known:
            wrong.append((f"the event's schema has no property {name}", suggest(name, known)))
        elif value is not None:
            wrong += unfit(name, value, schema, before)
    elif trait and isinstance(value, Carried | Fresh) and not wrong:
        wrong.append(("a trait has no event to come from", "Use choices or between."))
    return value, wrong


def _read_made(data: dict[str, Any], before: Schema | None, wrong: Wrong) -> Value | None:
    ways = [way for way in _WAYS if way in data]
    extra = [key for key in data if key not in (*_WAYS, "plus")]
    if len(ways) != 1 or extra or ("plus" in data and ways != ["carried"]):
        said = f"{{{', '.join(data)}}} says no way to make a value"
        wrong.append((said, "Write one of choices, between, fresh, same, carried (with plus)."))
        return None
    way, given = ways[0], data[ways[0]]
    if way == "choices":
        return _choices(given, wrong)
    if way == "between":
        return _between(given, wrong)
    if not isinstance(given, str) or not given:
        wrong.append((f"{way} needs a name", f"Write it like {{{way}: cart_id}}."))
        return None
    if way in ("fresh", "same"):
        return Fresh(given) if way == "fresh" else Same(given)
    if before is not None and given not in before["properties"]:
        said = f"the event before has no property {given}"
        wrong.append((said, suggest(given, before["properties"])))
    plus = data.get("plus")
    more = Same(plus) if isinstance(plus, str) else _plus(plus, wrong) if plus else None
    return Carried(given, more)


def _choices(given: Any, wrong: Wrong) -> Choices | None:
    weighted = given if isinstance(given, dict) else None
    values = list(given) if isinstance(given, list | dict) else []
    weights = list(weighted.values()) if weighted else [1.0] * len(values)
    fit = all(is_number(each) and each >= 0 for each in weights) and sum(weights or [0]) > 0
    if not values or not fit:
        wrong.append(("choices need values", "List them, or give each its weight: {red: 3}."))
        return None
    return Choices(tuple(values), cumulative([float(each) for each in weights]))


def _between(given: Any, wrong: Wrong) -> Between | BetweenDates | None:
    pair = given if isinstance(given, list) and len(given) == 2 else [None, None]
    dates = [_read_date(each) for each in pair]
    if dates[0] and dates[1] and dates[0] <= dates[1]:
        return BetweenDates(dates[0], dates[1])
    more = _amount(pair)
    if more is None:
        said = "two numbers are expected, or two dates, the lower first"
        wrong.append((said, "Write them like [10, 80.0], or [2026-11-20, 2027-01-30]."))
    return more


def _plus(given: Any, wrong: Wrong) -> Between | None:
    more = _amount(given if isinstance(given, list) and len(given) == 2 else [None, None])
    if more is None:
        wrong.append(("two numbers are expected, the lower first", "Write them like [10, 80.0]."))
    return more


def _amount(pair: list[Any]) -> Between | None:
    low, high = pair
    if not is_number(low) or not is_number(high) or low > high:
        return None
    return Between(low, high, isinstance(low, int) and isinstance(high, int))


def _read_date(text: object) -> date | None:
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
