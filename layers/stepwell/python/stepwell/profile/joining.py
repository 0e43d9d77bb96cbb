"""The living profile of two customers who become one. Pure.

The segments are found anew by the event that joined them, which is applied next: until then they
are those of who remains.
"""

from __future__ import annotations

from stepwell.profile.context import newer_context
from stepwell.profile.keeping import unite_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.signals import united_signals
from stepwell.storage.operations import Item

_FOUND_ANEW = ("segments_by", "due", "due_at", "due_shard")


def united_lives(profile: Item, ours: Item, theirs: Item, rules: ProfileRules) -> Item:
    """`profile` is the joined one, still with the attributes of ours."""
    united = {name: each for name, each in profile.items() if name not in _FOUND_ANEW}
    united |= unite_kept(ours, theirs, rules.track_ids) if _has_any(ours, theirs) else {}
    united |= _lists(ours, theirs) | newer_context(ours, theirs)
    return united | united_signals(ours, theirs)


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
