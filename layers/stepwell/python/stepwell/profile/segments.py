"""Segments: who is in them after an event, and when time alone can change that next. Pure.

    segments      name -> the moment of entering; of those that the customer is in
    segments_by   version of the definitions that they follow from
    due           the earliest moment at which time alone can change one; absent: none
    due_shard     } the same in the index that is swept: spread over shards, and rounded up,
    due_at        } so that it is rarely written

What an event can not have changed is not looked at again. A condition that has no value is false.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import compile_tree
from stepwell.conditions.reading import clock_comparisons, reads_of
from stepwell.journeys.program import Expression
from stepwell.values import value

_A_SECOND = timedelta(seconds=1)
_A_MOMENT = timedelta(milliseconds=1)

Changes = Callable[[str, datetime], datetime | None]
"""When a computed trait changes next by time alone, after a moment."""


@value
class Segment:
    """`reads`: what its condition depends on, as `traits.plan` or `segments.vip`; `clock`: both
    sides of its comparisons with the present; `moving`: the computed traits that time changes.
    """

    name: str
    when: Expression
    reads: frozenset[str]
    clock: tuple[tuple[Expression, Expression], ...] = ()
    moving: frozenset[str] = frozenset()

    @property
    def timed(self) -> bool:
        return bool(self.clock or self.moving)

    @property
    def depends(self) -> bool:
        """On other segments, which time may change."""
        return any(each.partition(".")[0] == "segments" for each in self.reads)


def load_segment(document: Mapping[str, Any], moving: Collection[str]) -> Segment:
    """`moving`: the computed traits that time alone changes."""
    tree = document["when"]
    reads = reads_of(tree)
    whole = "computed" in reads
    return Segment(
        document["name"],
        compile_tree(tree),
        reads,
        tuple((compile_tree(one), compile_tree(two)) for one, two in clock_comparisons(tree)),
        frozenset(each for each in moving if whole or f"computed.{each}" in reads),
    )


def members(
    segments: Mapping[str, Segment],
    before: Collection[str],
    context: Mapping[str, Any],
    touched: Callable[[Segment], bool],
    inside: dict[str, bool],
) -> list[tuple[str, bool]]:
    """Who changed: (segment, whether in it now). `touched` says which have to be looked at;
    `inside` is filled with all of them, and is what `context` shows as `customer.segments`.
    """
    changed: list[tuple[str, bool]] = []
    moved: set[str] = set()
    for name, segment in segments.items():
        inside[name] = was = name in before
        if not (touched(segment) or (moved and not moved.isdisjoint(segment.reads))):
            continue
        inside[name] = holds(segment, context)
        if inside[name] != was:
            changed.append((name, inside[name]))
            moved |= {f"segments.{name}", "segments"}
    return changed


def holds(segment: Segment, context: Mapping[str, Any]) -> bool:
    """Whether the customer is in it."""
    try:
        return segment.when(context) is True
    except ConditionError:
        return False


def due(
    segments: Mapping[str, Segment], context: Mapping[str, Any], now: datetime, changes: Changes
) -> datetime | None:
    """The earliest moment after now at which time alone can change a segment."""
    timed = [each for each in segments.values() if each.timed]
    moving = {name for each in timed for name in each.moving}
    found = [_crossing(one, two, context, now) for each in timed for one, two in each.clock]
    found += [changes(name, now) for name in moving]
    return min((each for each in found if each is not None), default=None)


def _crossing(
    one: Expression, two: Expression, context: Mapping[str, Any], now: datetime
) -> datetime | None:
    """When two sides that move evenly with time are alike; None if they never will be.

    The compiler lets nothing else compare with the present, so that two looks a second apart tell
    how the sides move. All else that they read stays as it is until it is due itself.
    """
    try:
        apart = _apart(one, two, context, now)
        later = _apart(one, two, context, now + _A_SECOND)
    except (ConditionError, TypeError, OverflowError):
        return None
    speed = (later - apart) / _A_SECOND
    if speed == 0:
        return None
    if not apart:
        return now + _A_MOMENT  # alike just now: it differs in the next moment
    wait = -apart / speed
    try:
        return now + max(wait, _A_MOMENT) if wait > timedelta(0) else None
    except OverflowError:
        return None


def _apart(
    one: Expression, two: Expression, context: Mapping[str, Any], now: datetime
) -> timedelta:
    at = {**context, "now": now}
    difference: timedelta = one(at) - two(at)
    return difference
