"""Computed traits: their values from what is kept, and when time alone changes them next. Pure.

    count sum min max     over a window, or since ever
    count … since         those after the last occurrence of another event, or all
    first last            the moment of an occurrence, or a value of it
    days_since            whole days since the last one
    distinct              how many values occurred
    most_frequent         {value, count}, of the last 50
    histogram             {count, by_hour, by_weekday, by_hour_of_week} in the customer's zone
    ratio                 one computed trait over another

An occurrence is in a window of 24 h until it is 24 h old; one that is kept by its hour or day only,
until the end of that is.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from stepwell.conditions.lazy import ABSENT
from stepwell.profile.tracks import DAY, HOUR, MILLIONTHS, State, Track
from stepwell.values import value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@value
class ComputedTrait:
    """`track` is where it is told from, `other` that of the event after which is counted; `of` and
    `to` are other computed traits. `window` in milliseconds.
    """

    name: str
    kind: str
    track: Track | None = None
    other: Track | None = None
    window: int | None = None
    of: str = ""
    to: str = ""
    moments: bool = False
    """Of first and last: it is their moment, not a value."""


@value
class Moment:
    """When it is asked, and where the customer is: moments of a histogram are local."""

    now: datetime
    zone: Callable[[], tzinfo]

    @property
    def millis(self) -> int:
        return millis(self.now)


States = Mapping[str, State]
_MOST_DAYS = 1_000_000
"""No calendar has the moments that are further."""


def value_of(
    trait: ComputedTrait, traits: Mapping[str, ComputedTrait], states: States, at: Moment
) -> Any:
    """A JSON value or a datetime; ABSENT for what has no value yet."""
    if trait.kind == "ratio":
        below = value_of(traits[trait.to], traits, states, at)
        above = value_of(traits[trait.of], traits, states, at)
        return ABSENT if ABSENT in (below, above) or not below else above / below
    assert trait.track is not None  # noqa: S101 - all other kinds have one
    return _VALUES[trait.kind](trait, states.get(trait.track.id), states, at)


def first_change(
    names: Mapping[str, Collection[float] | None],
    traits: Mapping[str, ComputedTrait],
    states: States,
    now: datetime,
) -> datetime | None:
    """The earliest moment after now at which one of these may differ without any event; None:
    never. In the customer's zone or not: hours of a histogram do not move.

    `names`: of each the numbers that it is compared with, None where any value may matter. Days
    since something go on for ever, and make a difference where they come to such a number only.
    """
    at = millis(now)
    found = (_changes_at(traits[name], traits, states, at, each) for name, each in names.items())
    first = min((each for each in found if each is not None), default=None)
    return None if first is None else moment(first)


def _changes_at(
    trait: ComputedTrait,
    traits: Mapping[str, ComputedTrait],
    states: States,
    at: int,
    numbers: Collection[float] | None = None,
) -> int | None:
    if trait.kind == "ratio":
        parts = [_changes_at(traits[each], traits, states, at) for each in (trait.of, trait.to)]
        return min((each for each in parts if each is not None), default=None)
    assert trait.track is not None  # noqa: S101 - all other kinds have one
    state = states.get(trait.track.id)
    if state is None:
        return None
    if trait.kind == "days_since":
        return _next_day(int(state["l"][0]), at, numbers)
    if trait.window is None:
        return None
    edge = at - trait.window
    first = min((each for each in _ends(trait, state, edge) if each > edge), default=None)
    return None if first is None else first + trait.window


def _next_day(since: int, at: int, numbers: Collection[float] | None) -> int | None:
    """When the days since a moment are more next; of those that come to one of the numbers, or to
    more than it.
    """
    days = (at - since) // DAY
    if numbers is None:
        return since + (days + 1) * DAY
    bounds = (bound for each in numbers for bound in (math.ceil(each), math.floor(each) + 1))
    first = min((bound for bound in bounds if bound > days), default=None)
    return None if first is None or first > _MOST_DAYS else since + first * DAY


def _ends(trait: ComputedTrait, state: State, edge: int) -> Iterator[int]:
    """When what is kept was, at the latest; of what is kept in order, only the first in reach."""
    if trait.kind == "last":
        yield state["l"][0]
    for each in state.get("r", ()):
        if each[0] > edge:
            yield each[0]
            break
    yield from state.get("d", {}).values()
    assert trait.track is not None  # noqa: S101 - see above
    yield from ((int(name) + 1) * trait.track.grain for name in state.get("b", {}))


def millis(now: datetime) -> int:
    return (now - _EPOCH) // timedelta(milliseconds=1)


def moment(at: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at)


# ---------------------------------------------------------------------------- by kind


def _inside(trait: ComputedTrait, state: State, at: Moment) -> tuple[list[Any], list[list[Any]]]:
    """The occurrences in the window, and the cells of those that are kept by hour or day."""
    assert trait.track is not None  # noqa: S101 - see above
    if trait.window is None:
        return state["r"], []
    edge, grain = at.millis - trait.window, trait.track.grain
    return (
        [each for each in state["r"] if each[0] > edge],
        [cell for name, cell in state.get("b", {}).items() if (int(name) + 1) * grain > edge],
    )


def _count(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:
    if state is None:
        return 0.0
    if trait.other is not None and trait.other.id in states:
        since = states[trait.other.id]["l"][0]
        edge = since if trait.window is None else max(since, at.millis - trait.window)
        return float(sum(each[0] > edge for each in state["r"]))
    if "n" in state:
        return float(state["n"])
    exact, cells = _inside(trait, state, at)
    return float(len(exact) + sum(cell[0] for cell in cells))


def _sum(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
    if state is None:
        return 0.0
    if trait.window is None:
        return state["s"] / MILLIONTHS
    exact, cells = _inside(trait, state, at)
    millionths = sum(round(each[2] * MILLIONTHS) for each in exact) + sum(c[1] for c in cells)
    return millionths / MILLIONTHS


def _extreme(name: str, position: int, pick: Callable[[Any], Any]) -> Callable[..., Any]:
    def run(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
        if state is None:
            return ABSENT
        if trait.window is None:
            return state[name]
        exact, cells = _inside(trait, state, at)
        values = [each[2] for each in exact] + [cell[position] for cell in cells]
        return pick(values) if values else ABSENT

    return run


def _end(name: str) -> Callable[..., Any]:
    def run(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
        if state is None:
            return ABSENT
        found = state[name]
        if trait.window is not None and found[0] <= at.millis - trait.window:
            return ABSENT
        return moment(found[0]) if trait.moments else found[2]

    return run


def _days(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
    return ABSENT if state is None else float((at.millis - state["l"][0]) // DAY)


def _distinct(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
    if state is None:
        return 0.0
    edge = None if trait.window is None else at.millis - trait.window
    return float(sum(edge is None or last > edge for last in state["d"].values()))


def _most_frequent(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
    """Of values that occurred as often as each other, the one that occurred last."""
    exact = _inside(trait, state, at)[0] if state else []
    if not exact:
        return ABSENT
    counts = Counter(json.dumps(each[2]) for each in exact)
    last = {json.dumps(each[2]): position for position, each in enumerate(exact)}
    winner = max(counts, key=lambda name: (counts[name], last[name]))
    return {"value": json.loads(winner), "count": counts[winner]}


def _histogram(trait: ComputedTrait, state: State | None, states: States, at: Moment) -> Any:  # noqa: ARG001
    week = [0] * 168
    if state:
        zone = at.zone()
        for each in _inside(trait, state, at)[0]:
            local = moment(each[0]).astimezone(zone)
            week[local.weekday() * 24 + local.hour] += 1
        # Of the older ones only the hour in UTC is known: they move by today's distance from it.
        offset = at.now.astimezone(zone).utcoffset() or timedelta()
        for name, count in state.get("h", {}).items():
            week[(int(name) + round(offset.total_seconds() * 1000 / HOUR)) % 168] += count
    return {
        "count": sum(week),
        "by_hour": [sum(week[hour::24]) for hour in range(24)],
        "by_weekday": [sum(week[day * 24 : day * 24 + 24]) for day in range(7)],
        "by_hour_of_week": week,
    }


_VALUES: Mapping[str, Callable[[ComputedTrait, State | None, States, Moment], Any]] = {
    "count": _count,
    "sum": _sum,
    "min": _extreme("lo", 2, min),
    "max": _extreme("hi", 3, max),
    "first": _end("f"),
    "last": _end("l"),
    "days_since": _days,
    "distinct": _distinct,
    "most_frequent": _most_frequent,
    "histogram": _histogram,
}
