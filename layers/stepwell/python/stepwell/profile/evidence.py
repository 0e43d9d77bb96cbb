"""What a computed trait is told from, as far as it is kept: moments, values, and which events.

Events are named by the first digits of their fingerprint, which is all that is kept of them. Pure.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from stepwell.conditions.lazy import ABSENT
from stepwell.conditions.shown import as_json
from stepwell.profile.computed import ComputedTrait, first_change, millis, moment
from stepwell.profile.keeping import read_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.tracks import Occurrence, State, millionths
from stepwell.profile.view import computed_view
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text

_CHOOSING = frozenset({"min", "max", "most_frequent"})
"""Kinds whose value is that of some of the occurrences, not made of all."""
_BY_CELL = frozenset({"count", "sum", "min", "max"})
"""Kinds that also go by what is kept by the hour or day."""


def evidence_of(
    name: str, profile: Item | None, rules: ProfileRules, now: datetime
) -> dict[str, Any]:
    """Of every trait `kind`, and `value` if there is one.

    `event` and `within` (seconds) are the definition's. `events` are those that it was told from,
    as far as they are kept: {at, event, value?}; of min, max and most_frequent those that had the
    value, out of `among` events where that is known. `older`: so many more are kept by their hour
    or day only. `not_kept`: earlier ones are behind it too, or alone, of which nothing is kept but
    the value. `values` of distinct: the moment of the last occurrence of each.

    `since`: the definition counts from then on, until it is computed from the archive.
    `changes_at`: when time alone may change it next.
    """
    trait, kept = rules.computed[name], read_kept(profile)
    value = computed_view(profile, rules, now).get(name, ABSENT)
    changes = first_change({name: None}, rules.computed, kept.states, now)
    found: dict[str, Any] = {"kind": trait.kind}
    if value is not ABSENT:
        found["value"] = as_json(value)
    if trait.kind == "ratio":
        found |= {"of": trait.of, "to": trait.to}
    else:
        found |= _told_from(trait, kept.states, value, now)
    if kept.partial is not None:
        found["since"] = _text(kept.partial)
    return found | ({"changes_at": to_text(changes)} if changes else {})


def _told_from(
    trait: ComputedTrait, states: dict[str, State], value: Any, now: datetime
) -> dict[str, Any]:
    assert trait.track is not None  # noqa: S101 - all kinds but ratio have one
    found: dict[str, Any] = {"event": trait.track.event}
    if trait.window is not None:
        found["within"] = trait.window // 1000
    if trait.other is not None:
        found["since_last"] = trait.other.event
    state, edge = states.get(trait.track.id), _edge(trait, states, now)
    if state is None:
        return found | {"events": []}
    if "d" in state:
        values = {name: _text(at) for name, at in state["d"].items() if _is_in(at, edge)}
        return found | {"values": values}
    exact = [each for each in _exact(trait, state) if _is_in(each[0], edge)]
    cells = _in_cells(trait, state, edge) if _goes_by_cells(trait, states) else 0
    if trait.kind in _CHOOSING:
        return found | _chosen(trait, state, exact, cells, value)
    return found | _all_of_them(state, exact, cells)


def _edge(trait: ComputedTrait, states: dict[str, State], now: datetime) -> int | None:
    """Only what was after it is told from."""
    edges = [millis(now) - trait.window] if trait.window is not None else []
    if trait.other is not None and trait.other.id in states:
        edges.append(states[trait.other.id]["l"][0])
    return max(edges, default=None)


def _goes_by_cells(trait: ComputedTrait, states: dict[str, State]) -> bool:
    """Since another event only the last 50 are counted."""
    is_since = trait.other is not None and trait.other.id in states
    return trait.kind in _BY_CELL and not is_since


def _exact(trait: ComputedTrait, state: State) -> list[Occurrence]:
    """Those that are kept by their own moments."""
    if "r" in state:
        kept: list[Occurrence] = state["r"]
        return kept
    return [state["f" if trait.kind == "first" else "l"]]


def _in_cells(trait: ComputedTrait, state: State, edge: int | None) -> int:
    assert trait.track is not None  # noqa: S101 - see above
    grain, cells = trait.track.grain, state.get("b", {}).items()
    return sum(cell[0] for name, cell in cells if _is_in((int(name) + 1) * grain, edge))


def _all_of_them(state: State, exact: list[Occurrence], cells: int) -> dict[str, Any]:
    older = cells + sum(state.get("h", {}).values()) + (state["n"] - 1 if "n" in state else 0)
    found: dict[str, Any] = {"events": list(map(_event, exact))}
    if older:
        found["older"] = int(older)
    if "s" in state and state["s"] != millionths(exact[0][2]):
        found["not_kept"] = True
    return found


def _chosen(
    trait: ComputedTrait, state: State, exact: list[Occurrence], cells: int, value: Any
) -> dict[str, Any]:
    """Only those that had the value, which may be none of those that are kept."""
    if value is ABSENT:
        return {"events": []}
    if trait.kind == "most_frequent":
        wanted = json.dumps(value["value"])  # which tells `true` from 1
        had_it = [each for each in exact if json.dumps(each[2]) == wanted]
    else:
        had_it = [each for each in exact if each[2] == value]
    found: dict[str, Any] = {"events": list(map(_event, had_it))}
    if "r" in state and len(exact) + cells > len(had_it):
        found["among"] = len(exact) + cells
    if not had_it:
        found["not_kept"] = True
    return found


def _is_in(at: int, edge: int | None) -> bool:
    return edge is None or at > edge


def _event(occurrence: Occurrence) -> dict[str, Any]:
    at, fingerprint, *value = occurrence
    return {"at": _text(at), "event": fingerprint, **({"value": value[0]} if value else {})}


def _text(at: int) -> str:
    return to_text(moment(at))
