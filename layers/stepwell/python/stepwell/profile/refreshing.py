"""Looking at customers again after the definitions of segments changed, at a declared rate.

The router finds a customer's segments anew at the next event of theirs, for the profile says which
definitions they follow from. Who sends no events is told of here. Pure but for its ports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from stepwell.events.model import Event, digest
from stepwell.profile.sweeping import look_again

_SENT_AT_ONCE = 10
"""What one call to the queue takes."""


class Stale(NamedTuple):
    """Whose segments follow from other definitions; `seq` is that of their last event."""

    customer: str
    seq: int


def refresh(
    found: Iterable[Stale],
    version: str,
    send: Callable[[Sequence[Event]], None],
    *,
    per_second: float,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Iterator[int]:
    """Tell of each, never more than so many a second on the average; yields how many so far.

    A customer is told of once between two events of theirs, however often this runs: whoever
    begins it again after it broke off sends nothing anew.
    """
    began, told, to_come = now(), 0, iter(found)
    while some := list(islice(to_come, _SENT_AT_ONCE)):
        ahead = began + timedelta(seconds=told / per_second) - now()
        if ahead > timedelta(0):
            sleep(ahead.total_seconds())
        moment = now()
        send([_again(each, version, moment) for each in some])
        told += len(some)
        yield told


def _again(stale: Stale, version: str, now: datetime) -> Event:
    about = digest(stale.customer, str(stale.seq), version)
    return look_again(f"again-{about}", stale.customer, now)
