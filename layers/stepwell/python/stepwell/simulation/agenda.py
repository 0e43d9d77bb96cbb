"""What is to happen, in the order in which it does: one queue for events and timers.

Order at one moment, declared: what has been caused at that moment is worked off first, in the order
in which it was caused (the engine's business); then events, in the order in which they were put;
then timers (the end of a Wait, a hold's time limit, a retry), in the order in which they were set.
So an event and a timer in the same moment are settled in the event's favour.
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


class Agenda:
    """A priority queue of (moment, rank, order of putting)."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, Rank, int, Action]] = []
        self._numbers = itertools.count()

    def put(self, moment: datetime, rank: Rank, action: Action) -> None:
        heapq.heappush(self._entries, (moment, rank, next(self._numbers), action))

    def next_moment(self) -> datetime | None:
        return self._entries[0][0] if self._entries else None

    def pop(self) -> tuple[datetime, Action]:
        moment, _, _, action = heapq.heappop(self._entries)
        return moment, action
