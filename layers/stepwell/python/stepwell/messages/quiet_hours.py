"""Local times at which a customer may not be contacted. Pure: moments and zones are arguments.

A quiet period starts when the clock on the wall first shows its start, and ends when it will not
show a time before its end again, so an hour that the end of summer time repeats is quiet as a
whole; a start or end in the hour that the beginning of summer time skips is at the moment of the
change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from stepwell.messages.policies import QuietHours

HORIZON = timedelta(hours=24)


def next_allowed(
    moment: datetime, windows: Sequence[QuietHours], zones: Sequence[ZoneInfo]
) -> datetime | None:
    """The first moment from `moment` on that is quiet in none of the zones, in UTC.

    None when there is no such moment within 24 hours.
    """
    allowed = moment = moment.astimezone(UTC)
    while (end := _quiet_until(allowed, windows, zones)) is not None:
        allowed = end
        if allowed - moment > HORIZON:
            return None
    return allowed


def _quiet_until(
    moment: datetime, windows: Sequence[QuietHours], zones: Sequence[ZoneInfo]
) -> datetime | None:
    """The latest end of the quiet periods around the moment; None when it is in none."""
    ends = (
        end
        for zone in zones
        for window in windows
        for start, end in _periods(window.start, window.end, zone, moment.astimezone(zone).date())
        if start <= moment < end
    )
    return max(ends, default=None)


@lru_cache(maxsize=4096)  # a night is the same for everybody in its zone
def _periods(
    start: time, end: time, zone: ZoneInfo, day: date
) -> tuple[tuple[datetime, datetime], ...]:
    """The periods that can touch a local day: that start on it, the day before or after."""
    days = (day + timedelta(days=offset) for offset in (-1, 0, 1))
    over_midnight = timedelta(days=1 if end <= start else 0)
    return tuple(
        (
            local_instant(datetime.combine(each, start), zone, last=False),
            local_instant(datetime.combine(each + over_midnight, end), zone, last=True),
        )
        for each in days
    )


def local_instant(wall: datetime, zone: ZoneInfo, *, last: bool) -> datetime:
    """The moment (UTC) from which the zone's clocks show this time or a later one: for the first
    time, or for good. For a time that they skip, the moment at which they skip it.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        return _change_between(second, first, zone)
    if not last or first == second or _is_change(second, zone):
        return first
    return second


def _is_change(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone has a new offset from exactly this moment on."""
    before = (moment - timedelta(seconds=1)).astimezone(zone)
    return before.utcoffset() != moment.astimezone(zone).utcoffset()


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment in (before, after] from which the zone has its new offset."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
