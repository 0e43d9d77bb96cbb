"""The next moment at which a customer's clock shows a given time. See docs/time.md."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_A_DAY = timedelta(days=1)
_DAYS_TO_LOOK = 18
"""Any weekday comes within a week, and within two where the first is a day that clocks left out;
some days more for zones on both sides of the date line.
"""


def next_local_time(
    now: datetime, at: time, weekdays: Collection[int], zones: Sequence[tzinfo]
) -> datetime:
    """The first moment after `now` at which it is `at` on one of the weekdays, in UTC.

    `weekdays` are ISO numbers in the zone (1 Monday … 7 Sunday); empty means any day. With several
    possible zones it is on the first date on which `at` is still to come in each of them, when it
    has come in all; with none, UTC counts.

    Each date has `at` once. On the night when clocks go forward over `at`, it is as much later as
    the clocks move (02:30 becomes 03:30); on the night when `at` comes twice, it is the first of
    the two. A date that a zone left out as a whole is no weekday.
    """
    zones = zones or (UTC,)
    day = min(now.astimezone(zone).date() for zone in zones) - _A_DAY
    for _ in range(_DAYS_TO_LOOK):
        moments = [moment_on(zone, day, at) for zone in zones]
        if min(moments) > now and _is_one_of(weekdays, day, moments, zones):
            return max(moments)
        day += _A_DAY
    raise ValueError(f"no weekday of {sorted(weekdays)} exists")


def moment_on(zone: tzinfo, day: date, at: time) -> datetime:
    """The moment, in UTC, of the one time that a date has `at`."""
    # PEP 495: with fold=0 a time in the gap takes the offset from before it, one in the fold is the
    # first
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _is_one_of(
    weekdays: Collection[int], day: date, moments: Sequence[datetime], zones: Sequence[tzinfo]
) -> bool:
    if not weekdays:
        return True
    return day.isoweekday() in weekdays and not any(
        _leaves_out(zone, day, moment) for zone, moment in zip(zones, moments, strict=True)
    )


def _leaves_out(zone: tzinfo, day: date, moment: datetime) -> bool:
    """Whether the zone's calendar has no such day, as Samoa's had no 30 December 2011; `moment` is
    a time of it.
    """
    if moment.astimezone(zone).date() == day:
        return False
    noon = moment_on(zone, day, time(12))
    return noon.astimezone(zone).date() != day
