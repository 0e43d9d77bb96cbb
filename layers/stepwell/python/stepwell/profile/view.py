"""The customer as conditions see them: each part is made when it is first read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from stepwell.conditions.lazy import ABSENT, ByName, LazyMap
from stepwell.customers.groups import current_group
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.zones import zones_of
from stepwell.profile.computed import Moment, value_of
from stepwell.profile.context import PARTS, part_of
from stepwell.profile.keeping import read_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.segments import Segment, holds
from stepwell.profile.signals import signals_view
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text


def customer_view(
    snapshot: Snapshot,
    rules: ProfileRules,
    now: datetime,
    inside: Mapping[str, bool] | None = None,
) -> LazyMap:
    """`inside`: who is in which segment, where that is just being found out."""
    parts: dict[str, Any] = {
        "id": lambda: snapshot.customer,
        "traits": lambda: snapshot.traits,
        "group": lambda: current_group(snapshot.profile),
        "consents": snapshot.consent_view,
        "computed": lambda: computed_view(snapshot.profile, rules, now),
        "lists": lambda: _lists(snapshot.profile, rules),
        **{name: partial(_seen, snapshot.profile, name, rules, now) for name in PARTS},
        "signals": lambda: signals_view(snapshot.profile),
        "segments": lambda: _segments(snapshot, rules, now, inside),
    }
    return LazyMap(parts)


def computed_view(profile: Item | None, rules: ProfileRules, now: datetime) -> LazyMap:
    traits = rules.computed
    states = read_kept(profile).states if traits else {}
    at = Moment(now, partial(_zone, profile))
    return LazyMap(ByName(traits, lambda name: value_of(traits[name], traits, states, at)))


def _seen(profile: Item | None, name: str, rules: ProfileRules, now: datetime) -> Any:
    found = part_of(profile, name, rules.context, now)
    return ABSENT if found is None else found


def _zone(profile: Item | None) -> tzinfo:
    """Where a customer may be in several zones, one of them; UTC where none is known."""
    return next(iter(zones_of(profile or {}, None)), UTC)


def _lists(profile: Item | None, rules: ProfileRules) -> dict[str, bool]:
    on = (profile or {}).get("lists", {})
    return {name: name in on for name in rules.lists}


def is_settled(profile: Item | None, rules: ProfileRules, now: datetime) -> bool:
    """Whether the segments that are kept are those of now."""
    found = profile or {}
    is_due = "due" in found and from_text(found["due"]) <= now
    return found.get("segments_by") == rules.segments_version and not is_due


def _segments(
    snapshot: Snapshot,
    rules: ProfileRules,
    now: datetime,
    inside: Mapping[str, bool] | None,
) -> LazyMap:
    """As kept, unless time or other definitions may have changed it: then as it is now."""
    found = snapshot.profile or {}
    kept = found.get("segments", {})
    is_current = found.get("segments_by") == rules.segments_version
    is_due = "due" in found and from_text(found["due"]) <= now

    def is_kept(segment: Segment) -> bool:
        return is_current and not (is_due and (segment.timed or segment.depends))

    def look(name: str) -> Any:
        if inside is not None:
            return inside.get(name, ABSENT)
        if is_kept(rules.segments[name]):
            return name in kept
        if not looked_at:
            context = {"customer": customer_view(snapshot, rules, now, looked_at), "now": now}
            for each, segment in rules.segments.items():  # each after those that it names
                looked_at[each] = each in kept if is_kept(segment) else holds(segment, context)
        return looked_at[name]

    looked_at: dict[str, bool] = {}
    return LazyMap(ByName(rules.segments, look))
