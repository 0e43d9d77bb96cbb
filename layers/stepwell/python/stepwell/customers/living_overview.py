"""The living profile of one customer for people: what is known, since when, from where. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import read_traits
from stepwell.profile.audience import inside_now
from stepwell.profile.computed import moment
from stepwell.profile.evidence import evidence_of
from stepwell.profile.explaining import explain_condition
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text


def living_overview(person: Snapshot, rules: ProfileRules, now: datetime) -> dict[str, Any]:
    """By name, as it is now and by the rules: `traits` {value, at, source?}; `computed`, what
    `evidence_of` tells; `segments` that they are in {since, why}; `lists`, since when.
    """
    return {
        "traits": _traits(person.profile),
        "computed": {
            name: evidence_of(name, person.profile, rules, now) for name in rules.computed
        },
        "segments": _segments(person, rules, now),
        "lists": dict((person.profile or {}).get("lists", {})),
    }


def _traits(profile: Item | None) -> dict[str, Any]:
    traits = read_traits(profile)
    return {
        name: {
            "value": each,
            "at": _text(traits.times.get(name, 0)),
            **({"source": traits.sources[name]} if name in traits.sources else {}),
        }
        for name, each in traits.values.items()
    }


def _text(at: int) -> str | None:
    found = moment(at) if at else None
    return to_text(found) if found else None


def _segments(person: Snapshot, rules: ProfileRules, now: datetime) -> dict[str, Any]:
    """`since` is when it was found; None where no event and no sweep has found it yet."""
    entered = (person.profile or {}).get("segments", {})
    inside = inside_now(person, rules, rules.segments.values(), now)
    return {
        name: {"since": entered.get(name), "why": explain_condition(person, rules, name, now)}
        for name, is_in in inside.items()
        if is_in
    }
