"""What is to happen, in the order in which it does: one queue for events and timers.

Order at one moment, declared: what has been caused at that moment is worked off first, in the order
in which it was caused (the engine's business); then events, in the order in which they were put;
then timers (the end of a Wait, a hold's time limit, a retry), in the order in which they were set;
then the sweep of those who are due. So an event and a timer in the same moment are settled in the
event's favour.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum

Action = Callable[[], None]


class Rank(IntEnum):
    """Of two things at one moment, the lower comes first."""

    EVENT = 0
    TIMER = 1
    SWEEP = 2
    """Comes of itself, for ever perhaps: what waits for nothing else has come to its end."""


class Agenda:
    """A priority queue of (moment, rank, order of putting)."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, Rank, int, Action]] = []
        self._numbers = itertools.count()
        self._to_come = 0

    def put(self, moment: datetime, rank: Rank, action: Action) -> None:
        self._to_come += rank is not Rank.SWEEP
        heapq.heappush(self._entries, (moment, rank, next(self._numbers), action))

    def next_moment(self) -> datetime | None:
        return self._entries[0][0] if self._entries else None

    def next_before_the_end(self) -> datetime | None:
        """The next moment while anything but sweeps is still to come."""
        return self.next_moment() if self._to_come else None

    def pop(self) -> tuple[datetime, Action]:
        moment, rank, _, action = heapq.heappop(self._entries)
        self._to_come -= rank is not Rank.SWEEP
        return moment, action
