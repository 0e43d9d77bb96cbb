"""The living profile of two customers who become one. Pure.

What the join changed is told by the event that is applied next, mostly the one that joined them.
The profile keeps for it what was told of so far:

    segments        those that either was in, each since the first entering
    segments_by     empty: of no definitions, so all of them are looked at
    traits_before   JSON text, name -> value before the join: of traits that are listened to and
                    that it changed at who remains; the next event takes it away
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from stepwell.customers.traits import traits_of
from stepwell.profile.context import newer_context
from stepwell.profile.keeping import unite_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.signals import united_signals
from stepwell.storage.operations import Item

TRAITS_BEFORE = "traits_before"
_FOUND_ANEW = ("segments_by", "due", "due_at", "due_shard")
_encoder = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def united_lives(
    profile: Item, ours: Item, theirs: Item, rules: ProfileRules, heard: Collection[str]
) -> Item:
    """`profile` is the joined one, still with the attributes of ours; `heard`: traits whose change
    is told.
    """
    united = {name: each for name, each in profile.items() if name not in _FOUND_ANEW}
    united |= unite_kept(ours, theirs, rules.track_ids) if _has_any(ours, theirs) else {}
    united |= _lists(ours, theirs) | newer_context(ours, theirs)
    united |= _segments(ours, theirs) | _traits_before(ours, traits_of(profile), heard)
    return united | united_signals(ours, theirs)


def traits_before(profile: Item | None) -> dict[str, Any]:
    """The traits as they were before a join that nothing is told of yet."""
    return traits_of(profile) | _noted(profile)


def _noted(profile: Item | None) -> dict[str, Any]:
    noted: dict[str, Any] = json.loads((profile or {}).get(TRAITS_BEFORE, "{}"))
    return noted


def _traits_before(ours: Item, joined: dict[str, Any], heard: Collection[str]) -> Item:
    """What only the other one had said was told of them. A join that nothing is told of yet counts
    before this one.
    """
    changed = {
        name: each
        for name, each in traits_of(ours).items()
        if name in heard and _encoder.encode(each) != _encoder.encode(joined.get(name))
    }
    noted = changed | _noted(ours)
    return {TRAITS_BEFORE: _encoder.encode(noted)} if noted else {}


def _segments(ours: Item, theirs: Item) -> Item:
    """Kept although the person may not be in them: leaving is told of those alone."""
    if not any("segments" in each for each in (ours, theirs)):
        return {}
    one, other = (dict(each.get("segments", {})) for each in (ours, theirs))
    since = {name: min(at, other.get(name, at)) for name, at in one.items()}
    return {"segments": other | since, "segments_by": ""}


def _has_any(ours: Item, theirs: Item) -> bool:
    return "computed" in ours or "computed" in theirs


def _lists(ours: Item, theirs: Item) -> Item:
    """On which lists, by the newest word on each of either."""
    if not any("lists" in each for each in (ours, theirs)):
        return {}
    on: dict[str, str] = {}
    off: dict[str, str] = {}
    for profile in (ours, theirs):
        for kept, given in ((on, "lists"), (off, "lists_left")):
            for name, at in profile.get(given, {}).items():
                kept[name] = max(at, kept.get(name, ""))
    return {
        "lists": {name: at for name, at in on.items() if at >= off.get(name, "")},
        "lists_left": {name: at for name, at in off.items() if at > on.get(name, "")},
    }
