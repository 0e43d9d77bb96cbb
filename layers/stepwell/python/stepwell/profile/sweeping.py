"""The sweep: tells the router of customers for whom a moment has come. Pure but for its ports.

It decides nothing: the router looks at each, and moves the moment on. So a sweep that is repeated,
overlaps with another one, or finds what an event has settled meanwhile does no harm.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from stepwell.customers import keys
from stepwell.events.model import Event, digest
from stepwell.events.told import TIME_PASSED, inside_event
from stepwell.profile.living import SHARDS, SWEPT_EVERY
from stepwell.storage.due import Due, DueIndex
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

AT_MOST = 30_000
"""Customers in one run, unless a stage's settings say otherwise."""
SWEPT_SHARDS = tuple(f"DUE#{number:02}" for number in range(SHARDS))
_HOUR = timedelta(hours=1)


class SweptQueue(Protocol):
    def send(self, events: Sequence[Event]) -> None:
        """Raises QueueUnavailableError."""

    def waiting(self) -> int:
        """About how many events wait in it."""


class Counting:
    """A queue that is empty and takes nothing, for who only counts."""

    def send(self, events: Sequence[Event]) -> None:
        """Nothing."""

    def waiting(self) -> int:
        return 0


@value
class Swept:
    """`told` customers; whether some are `left` for the next time; how `late` the earliest is."""

    told: int
    left: bool
    late: timedelta

    @property
    def is_behind(self) -> bool:
        """Somebody who was due an hour ago, and so was told of more than once, is due still."""
        return self.late >= _HOUR


def sweep(index: DueIndex, queue: SweptQueue, now: datetime, at_most: int) -> Swept:
    """Tell of who is due, the earliest first, and at most so many as keep the queue below that.

    So the events of apps never wait behind more than `at_most` of the sweep's, and who was told
    of, and is in the queue still, is not told of anew and anew.
    """
    until = to_text(now)
    found = heapq.merge(*(index.due(shard, until) for shard in SWEPT_SHARDS))
    first = next(found, None)
    if first is None:
        return Swept(0, False, timedelta(0))
    late = now - from_text(first.at)
    room = at_most - queue.waiting()
    if room <= 0:
        return Swept(0, True, late)
    told = [first, *islice(found, room - 1)]
    left = next(found, None) is not None
    queue.send([time_passed(due, now) for due in told])
    return Swept(len(told), left, late)


def time_passed(due: Due, now: datetime) -> Event:
    """The event for one who is due. A moment has one id, however often it is swept.

    Should the router have found that the moment had not come yet, by a clock that runs behind,
    there is another id after an hour, two, four and so on.
    """
    customer = keys.customer_of(due.partition)
    hours = int((now - from_text(due.at)) / _HOUR)
    about = digest(customer, due.at, str(hours.bit_length()))
    return look_again(f"due-{about}", customer, now)


def look_again(id_: str, customer: str, now: datetime) -> Event:
    """An event that lets the router look at a customer. It names them by the internal id only, so
    that it is nobody's when the archive is applied to empty tables.
    """
    return inside_event(id_, TIME_PASSED, customer, {}, at=now, received_at=now)


def next_sweep(now: datetime) -> datetime:
    """The first moment after now at which the schedule sweeps."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((now - midnight) // SWEPT_EVERY + 1) * SWEPT_EVERY
