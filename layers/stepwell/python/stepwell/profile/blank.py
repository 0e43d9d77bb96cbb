"""Who of whom nothing is kept yet is in which segment. Nearly everybody begins like that, and most
segments ask for what somebody did: they are the same for all of these, and looked at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.customers.snapshot import Snapshot
from stepwell.profile.context import PARTS
from stepwell.profile.keeping import Kept, read_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.segments import Segment, holds
from stepwell.profile.view import customer_view
from stepwell.storage.operations import Item

_KEPT = ("signals", "lists", *PARTS.values())
_ALIKE = frozenset({"computed", "signals", "segments", "lists", "now", *PARTS})
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def is_blank(profile: Item, kept: Kept | None) -> bool:
    """Whether nothing is kept but what was said of the customer."""
    states = (kept or read_kept(profile)).states
    return not states and not any(map(profile.get, _KEPT))


@lru_cache(maxsize=1)
def of_nobody(rules: ProfileRules) -> Mapping[str, bool]:
    """The segments that are the same for all of whom nothing is kept, at any time; and whether they
    are in.
    """
    inside: dict[str, bool] = {}
    view = customer_view(Snapshot("nobody"), rules, _ANY_DAY, inside)
    context: Mapping[str, Any] = {"customer": view, "now": _ANY_DAY}
    for name, segment in rules.segments.items():
        if _is_alike(segment, context, inside):
            inside[name] = holds(segment, context)
    return inside


def _is_alike(segment: Segment, context: Mapping[str, Any], inside: Mapping[str, bool]) -> bool:
    parts = {each.partition(".") for each in segment.reads}
    others = {name for part, _, name in parts if part == "segments"}
    return (
        {part for part, _, _ in parts} <= _ALIKE
        and others <= inside.keys()
        and not any(
            _has_value(one, context) and _has_value(two, context) for one, two, _ in segment.clock
        )
    )


def _has_value(side: Any, context: Mapping[str, Any]) -> bool:
    """Whether one side of a comparison with the present can be calculated of nobody."""
    try:
        side(context)
    except ConditionError:
        return False
    return True
