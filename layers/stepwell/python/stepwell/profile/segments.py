"""Segments: who is in them after an event, and when time alone can change that next. Pure.

    segments      name -> the moment of entering; of those that the customer is in
    segments_by   version of the definitions that they follow from; empty after a join
    due           the earliest moment at which time alone can change one; absent: none
    due_shard     } the same in the index that is swept: spread over shards, and rounded up,
    due_at        } so that it is rarely written

What an event can not have changed is not looked at again. A condition that has no value is false.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import compile_tree
from stepwell.conditions.reading import clock_comparisons, compared_with, pace, reads_of
from stepwell.conditions.tree import Tree
from stepwell.journeys.program import Expression
from stepwell.profile.context import PARTS
from stepwell.values import value

_A_MOMENT = timedelta(milliseconds=1)
_EVER = timedelta(days=36_500)
"""What is later comes never: "9999-12-31" is what senders write for that."""
_COMPUTED: Tree = ["select", ["select", ["name", "customer"], "computed"]]

Moving = Mapping[str, frozenset[float] | None]
"""Computed trait -> the numbers that it is compared with; None where any value may matter."""


@value
class Segment:
    """`reads`: what its condition depends on, as `traits.plan` or `segments.vip`; `clock`: both
    sides of its comparisons with the present, and how many seconds they part in one; `moving`: the
    computed traits that time changes; `seen`: the parts of the context, which are forgotten some
    time.
    """

    name: str
    when: Expression
    reads: frozenset[str]
    clock: tuple[tuple[Expression, Expression, int], ...] = ()
    moving: Moving = field(default_factory=dict)
    seen: frozenset[str] = frozenset()

    @property
    def timed(self) -> bool:
        return bool(self.clock or self.moving or self.seen)

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
        tuple(_clock(one, two) for one, two in clock_comparisons(tree)),
        {
            each: None if whole else compared_with(tree, [*_COMPUTED, each])
            for each in moving
            if whole or f"computed.{each}" in reads
        },
        _seen(reads),
    )


def _clock(one: Tree, two: Tree) -> tuple[Expression, Expression, int]:
    """The compiler lets time only be added and taken away."""
    return compile_tree(one), compile_tree(two), (pace(one) or 0) - (pace(two) or 0)


def _seen(reads: frozenset[str]) -> frozenset[str]:
    if "*" in reads:
        return frozenset(PARTS)
    return frozenset(PARTS) & {each.partition(".")[0] for each in reads}


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
    segments: Mapping[str, Segment],
    context: Mapping[str, Any],
    now: datetime,
    changes: Callable[[Moving], datetime | None],
    forgotten: Callable[[str], datetime | None],
) -> datetime | None:
    """The earliest moment after now at which time alone can change a segment. `changes`: when the
    first of these computed traits may make a difference; `forgotten`: when a part of the context
    is.
    """
    timed = [each for each in segments.values() if each.timed]
    found = [changes(_together(each.moving for each in timed))]
    found += [forgotten(name) for name in {name for each in timed for name in each.seen}]
    context = {**context, "now": now}
    found += [_crossing(*each, context) for segment in timed for each in segment.clock]
    return min(
        (each for each in found if each is not None and now < each <= now + _EVER), default=None
    )


def _together(parts: Iterable[Moving]) -> Moving:
    found: dict[str, frozenset[float] | None] = {}
    for name, numbers in (item for part in parts for item in part.items()):
        known = found.get(name, frozenset())
        found[name] = None if numbers is None or known is None else known | numbers
    return found


def _crossing(
    one: Expression, two: Expression, pace: int, context: Mapping[str, Any]
) -> datetime | None:
    """When two sides that move evenly with time are alike; None if they never will be.

    All else that they read stays as it is until it is due itself.
    """
    if not pace:
        return None
    now: datetime = context["now"]
    try:
        wait: timedelta = (two(context) - one(context)) / pace
        if not wait:
            return now + _A_MOMENT  # alike just now: it differs in the next moment
        return now + max(wait, _A_MOMENT) if wait > timedelta(0) else None
    except (ConditionError, TypeError, OverflowError):
        return None
