"""The next moment at which a customer's clock shows a given time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS_TO_LOOK = 9
"""Any weekday comes within a week; a day more on either side for zones and clock changes."""


def next_local_time(
    now: datetime, at: time, weekdays: Collection[int], zones: Sequence[ZoneInfo]
) -> datetime:
    """The first moment after `now` at which it is `at` on one of the weekdays, in UTC.

    `weekdays` are ISO numbers in the zone (1 Monday … 7 Sunday); empty means any day. With several
    possible zones it is the latest of their moments, so that the time has come in each of them;
    with none, UTC counts.

    On the night when clocks go forward over `at`, it is as much later as the clocks move (02:30
    becomes 03:30); on the night when `at` comes twice, it is the first of the two.
    """
    return max(_next_in(zone, now, at, weekdays) for zone in zones or (ZoneInfo("UTC"),))


def _next_in(zone: ZoneInfo, now: datetime, at: time, weekdays: Collection[int]) -> datetime:
    today = now.astimezone(zone).date()
    for days in range(-1, _DAYS_TO_LOOK):
        day = today + timedelta(days=days)
        moment = _moment(zone, day, at)
        if moment > now and (not weekdays or day.isoweekday() in weekdays):
            return moment
    raise ValueError(f"no weekday of {sorted(weekdays)} exists")


def _moment(zone: ZoneInfo, day: date, at: time) -> datetime:
    # PEP 495: with fold=0 a time in the gap takes the offset from before it, one in the fold is the
    # first
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
