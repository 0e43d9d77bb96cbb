"""What is kept of the occurrences of an event, so that computed traits can be told from it.

A state is made of a set of occurrences, whatever order they come in: uniting two states gives that
of both sets, so a late event, and a customer who becomes part of another, are the same operation.
Pure, and JSON: moments are epoch milliseconds, `id` is the beginning of an event's fingerprint.

    tally      {"n": how many, "s": their sum in millionths, "lo", "hi": least and greatest value,
               "f", "l": the first and the last as [at, id, value?]}: since ever, a few numbers
    recent     {"r": [[at, id, value?], …] the last 50 in order,
               "b": {hour or day: [n, s, lo, hi]} those before, as far as a window reaches,
               "h": {hour of the week: n} those before, where no window is}
    distinct   {"d": {value as JSON: at of its last occurrence}}: those that occurred last

Of each only what a trait asks for. Sums are of whole millionths, because doubles add up differently
in another order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.journeys.program import Expression
from stepwell.values import value

KEPT = 50
"""So many occurrences are kept exactly, by their own moments."""
MILLIONTHS = 1_000_000
MAX_NUMBER = 1e12
MAX_TEXT = 64
"""Longer texts and greater numbers are not counted: the item has to stay small. It is counted in
characters, and twice as many bytes are allowed where they are written.
"""

HOUR, DAY = 3_600_000, 86_400_000
FINE_WINDOW = 14 * DAY
"""Windows up to this are kept by the hour, longer ones by the day."""
_HOURS_A_WEEK = 168
_MONDAY = 4 * DAY
"""1970-01-05, the first Monday."""

State = dict[str, Any]
Occurrence = list[Any]
"""[at, id] or [at, id, value]."""


@value
class Track:
    """`needs`: which parts of the state; `window` in milliseconds, None: since ever."""

    id: str
    kind: str
    event: str
    where: Expression | None = None
    value: Expression | None = None
    window: int | None = None
    needs: frozenset[str] = frozenset()
    at_most: int = KEPT
    by_week: bool = False

    @property
    def grain(self) -> int:
        return HOUR if self.window is not None and self.window <= FINE_WINDOW else DAY


def occurred(track: Track, occurrence: Occurrence) -> State:
    """The state after this one occurrence."""
    return _KINDS[track.kind][0](track, occurrence)


def united(track: Track, one: State, other: State) -> State:
    """The state of the occurrences of both. One occurrence may be in both only if both keep it."""
    return _KINDS[track.kind][1](track, one, other)


def united_states(
    one: Mapping[str, State], other: Mapping[str, State], tracks: Mapping[str, Track]
) -> dict[str, State]:
    """Those of both, by their tracks' ids; of a track that is not declared any more either one."""
    states = {**other, **one}
    for name in one.keys() & other.keys() & tracks.keys():
        states[name] = united(tracks[name], one[name], other[name])
    return states


def pruned(track: Track, state: State, now: int) -> State:
    """Without what no window reaches any more."""
    if track.window is None:
        return state
    edge = now - track.window
    kept = dict(state)
    if "r" in state:
        kept["r"] = [each for each in state["r"] if each[0] > edge]
    if "b" in state:
        kept["b"] = {
            name: each for name, each in state["b"].items() if (int(name) + 1) * track.grain > edge
        }
        if not kept["b"]:
            del kept["b"]
    if "d" in state:
        kept["d"] = {name: at for name, at in state["d"].items() if at > edge}
    return kept


def week_hour(at: int) -> int:
    """0 to 167: the hour of the week in UTC, Monday 00:00 being 0."""
    return (at - _MONDAY) // HOUR % _HOURS_A_WEEK


# ---------------------------------------------------------------------------- tally


def _tally(track: Track, occurrence: Occurrence) -> State:
    state: State = {"l": occurrence}
    if "n" in track.needs:
        state["n"] = 1
    if "f" in track.needs:
        state["f"] = occurrence
    return state | _amounts(track, occurrence)


def _amounts(track: Track, occurrence: Occurrence) -> State:
    """The parts that are made of the value."""
    if len(occurrence) < 3:
        return {}
    number = occurrence[2]
    return {
        name: millionths(number) if name == "s" else number
        for name in ("s", "lo", "hi")
        if name in track.needs
    }


def _united_tallies(track: Track, one: State, other: State) -> State:  # noqa: ARG001 - one shape
    return {
        name: _UNITED[name](one[name], other[name])
        if name in one and name in other
        else one.get(name, other.get(name))
        for name in {**one, **other}
    }


def _order(occurrence: Occurrence) -> tuple[int, str]:
    return occurrence[0], occurrence[1]


_UNITED: Mapping[str, Callable[[Any, Any], Any]] = {
    "n": lambda one, other: one + other,
    "s": lambda one, other: one + other,
    "lo": min,
    "hi": max,
    "f": lambda one, other: min(one, other, key=_order),
    "l": lambda one, other: max(one, other, key=_order),
}


def millionths(number: float) -> int:
    return round(number * MILLIONTHS)


# ---------------------------------------------------------------------------- recent


def _recent(track: Track, occurrence: Occurrence) -> State:  # noqa: ARG001 - one shape for all
    return {"r": [occurrence]}


def _united_recents(track: Track, one: State, other: State) -> State:
    if len(other["r"]) == 1 and one["r"] and _order(other["r"][0]) > _order(one["r"][-1]):
        merged = [*one["r"], other["r"][0]]  # in order, as nearly always
    else:
        by_order = {_order(each): each for each in (*one["r"], *other["r"])}
        merged = [by_order[each] for each in sorted(by_order)]
    state: State = {"r": merged[-KEPT:]}
    for name in ("b", "h"):
        folded = _added(one.get(name, {}), other.get(name, {}))
        if folded:
            state[name] = folded
    for older in merged[:-KEPT]:
        _fold(track, state, older)
    return state


def _fold(track: Track, state: State, occurrence: Occurrence) -> None:
    """Keep of an occurrence only the hour or the day."""
    if track.window is not None:
        name = str(occurrence[0] // track.grain)
        cell = [1, *(_cell(track, occurrence) if track.needs & {"s", "lo", "hi"} else ())]
        state["b"] = _added(state.get("b", {}), {name: cell})
    elif track.by_week:
        state["h"] = _added(state.get("h", {}), {str(week_hour(occurrence[0])): 1})


def _cell(track: Track, occurrence: Occurrence) -> list[Any]:
    amounts = _amounts(track, occurrence)
    return [amounts.get("s", 0), amounts.get("lo", 0), amounts.get("hi", 0)]


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    sums = dict(one)
    for name, each in other.items():
        sums[name] = _cells_added(sums[name], each) if name in sums else each
    return sums


def _cells_added(one: Any, other: Any) -> Any:
    if not isinstance(one, list):
        return one + other
    if len(one) == 1:
        return [one[0] + other[0]]
    return [one[0] + other[0], one[1] + other[1], min(one[2], other[2]), max(one[3], other[3])]


# ---------------------------------------------------------------------------- distinct


def _distinct(track: Track, occurrence: Occurrence) -> State:  # noqa: ARG001 - one shape for all
    return {"d": {json.dumps(occurrence[2], ensure_ascii=False): occurrence[0]}}


def _united_distinct(track: Track, one: State, other: State) -> State:
    """Which values are dropped goes by their last occurrences alone, so in any order it is those
    same ones.
    """
    last = dict(one["d"])
    for name, at in other["d"].items():
        last[name] = max(at, last.get(name, at))
    if len(last) > track.at_most:
        kept = sorted(last, key=lambda name: (last[name], name))[-track.at_most :]
        last = {name: last[name] for name in kept}
    return {"d": last}


_KINDS: Mapping[
    str,
    tuple[Callable[[Track, Occurrence], State], Callable[[Track, State, State], State]],
] = {
    "tally": (_tally, _united_tallies),
    "recent": (_recent, _united_recents),
    "distinct": (_distinct, _united_distinct),
}
