"""Whether a wall clock is in quiet hours, by looking at the clock itself.

A period of quiet hours begins when the clock first shows its start and ends when it shows a time
before its end for the last time. Away from changes of the clock that is: the clock shows a time
between the two. Near a change every minute of the hours around is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from stepwell.messages.policies import QuietHours

_AROUND = timedelta(hours=3)
"""No zone's clocks are changed by more."""
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def is_quiet(moment: datetime, hours: QuietHours, zone: ZoneInfo) -> bool:
    wall = _wall(moment, zone)
    walls = (_wall(moment - _AROUND, zone), wall, _wall(moment + _AROUND, zone))
    if walls[1] - walls[0] == walls[2] - walls[1] == _AROUND:
        return _is_within(wall.time(), hours)
    latest_so_far = max(_wall(each, zone) for each in _minutes(moment - _AROUND, moment))
    earliest_to_come = min(_wall(each, zone) for each in _minutes(moment, moment + _AROUND))
    return any(
        start <= latest_so_far and earliest_to_come < end for start, end in _periods(hours, wall)
    )


def is_ever_open(moment: datetime, rules: Sequence[QuietHours], zones: Sequence[ZoneInfo]) -> bool:
    """Whether some minute of the next 24 hours is quiet nowhere."""
    whole = moment.replace(second=0, microsecond=0)
    return any(
        not any(is_quiet(each, hours, zone) for hours in rules for zone in zones)
        for each in (moment, *_minutes(whole + _MINUTE, moment + _DAY))
    )


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _is_within(clock: time, hours: QuietHours) -> bool:
    if hours.start < hours.end:
        return hours.start <= clock < hours.end
    return clock >= hours.start or clock < hours.end


def _periods(hours: QuietHours, wall: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The periods, on the wall clock, that can touch its day."""
    length = timedelta(0) if hours.start < hours.end else _DAY
    for days in (-1, 0, 1):
        day = wall.date() + days * _DAY
        yield datetime.combine(day, hours.start), datetime.combine(day, hours.end) + length


def _minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    moment = first.astimezone(UTC)
    while moment < last:
        yield moment
        moment += _MINUTE
    yield last
