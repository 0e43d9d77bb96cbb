"""What a computed trait is told from, as far as it is kept: moments, values, and which events.

Events are named by the first digits of their fingerprint, which is all that is kept of them. Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stepwell.conditions.lazy import ABSENT
from stepwell.conditions.shown import as_json
from stepwell.profile.computed import ComputedTrait, first_change, millis, moment
from stepwell.profile.keeping import read_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.tracks import Occurrence, State
from stepwell.profile.view import computed_view
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text


def evidence_of(
    name: str, profile: Item | None, rules: ProfileRules, now: datetime
) -> dict[str, Any]:
    """Of every trait `kind`, and `value` if there is one.

    `event` and `within` (seconds) are the definition's. `events` are those that it was told from,
    as far as they are kept: {at, event, value?}; `older`: so many more are kept by their hour or
    day only. `since`: the definition counts from then on, until it is computed from the archive.
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
        found |= _told_from(trait, kept.states, now)
    if kept.partial is not None:
        found["since"] = _text(kept.partial)
    return found | ({"changes_at": to_text(changes)} if changes else {})


def _told_from(trait: ComputedTrait, states: dict[str, State], now: datetime) -> dict[str, Any]:
    assert trait.track is not None  # noqa: S101 - all kinds but ratio have one
    found: dict[str, Any] = {"event": trait.track.event}
    if trait.window is not None:
        found["within"] = trait.window // 1000
    state = states.get(trait.track.id)
    edges = [millis(now) - trait.window] if trait.window is not None else []
    if trait.other is not None:
        found["since_last"] = trait.other.event
        if trait.other.id in states:
            edges.append(states[trait.other.id]["l"][0])
    if state is None:
        return found | {"events": []}
    return found | _kept_of(trait, state, max(edges, default=None))


def _kept_of(trait: ComputedTrait, state: State, edge: int | None) -> dict[str, Any]:
    """Of what the state has, that after the edge."""
    if "r" in state:
        exact: list[Occurrence] = state["r"]
    elif "d" in state:
        return {"values": {name: _text(at) for name, at in state["d"].items() if _is_in(at, edge)}}
    else:
        ends = [state[each] for each in ("f", "l") if each in state]
        exact = [each for place, each in enumerate(ends) if each not in ends[:place]]
        if trait.kind in ("first", "last"):
            exact = [state["f" if trait.kind == "first" else "l"]]
    older = _older(trait, state, edge)
    return {"events": [_event(each) for each in exact if _is_in(each[0], edge)]} | (
        {"older": older} if older else {}
    )


def _older(trait: ComputedTrait, state: State, edge: int | None) -> int:
    if "h" in state:
        return int(sum(state["h"].values()))
    assert trait.track is not None  # noqa: S101 - see above
    grain = trait.track.grain
    cells = state.get("b", {}).items()
    counted = sum(cell[0] for name, cell in cells if _is_in((int(name) + 1) * grain, edge))
    if "n" in state:
        counted = state["n"] - len({tuple(state[end]) for end in ("f", "l") if end in state})
    return int(counted)


def _is_in(at: int, edge: int | None) -> bool:
    return edge is None or at > edge


def _event(occurrence: Occurrence) -> dict[str, Any]:
    at, fingerprint, *value = occurrence
    return {"at": _text(at), "event": fingerprint, **({"value": value[0]} if value else {})}


def _text(at: int) -> str:
    return to_text(moment(at))
