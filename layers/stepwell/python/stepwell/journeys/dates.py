"""The moment that a date means to a customer, with an offset and a time of day. See docs/time.md.

A date has no time (`2027-01-31`), a local time no zone (`2027-01-31T18:30`), and a moment has both
(`2027-01-31T18:30:00+01:00`, or a timestamp). Dates and local times are moved on the calendar and
are then looked for on the customer's clock; a moment is moved by time that passes.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from stepwell.conditions.values import type_name
from stepwell.journeys.local_time import moment_on

_WRITTEN = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DATE_LENGTH = len("2027-01-31")
_A_SECOND = timedelta(seconds=1)


class DateError(Exception):
    """What was given names no moment. The text goes on from its name: "is no date like …"."""


@dataclass(frozen=True, slots=True)
class Offset:
    """All of one sign. Months and days are of the calendar, seconds are time that passes."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __str__(self) -> str:
        """As it is written in a journey, with its sign: `-60d`; empty for none."""
        parts = [(self.months, "mo"), (self.days, "d")]
        minutes, seconds = divmod(abs(self.seconds), 60)
        parts += [(minutes // 60, "h"), (minutes % 60, "m"), (seconds, "s")]
        text = "".join(f"{abs(count)}{unit}" for count, unit in parts if count)
        sign = "-" if min(self.months, self.days, self.seconds) < 0 else "+"
        return sign + text if text else ""


def described(text: str, offset: Offset, at: str | None) -> str:
    """A delay in words: `until customer.traits.renewal_date -60d, 09:00 local`."""
    moved = f"until {' '.join(text.split())} {offset}".rstrip()
    return f"{moved}, {at} local" if at else moved


def moment_of(given: object, offset: Offset, at: time | None, zones: Sequence[tzinfo]) -> datetime:
    """The moment in UTC, up to a whole second, since Step Functions drops what is less.

    With `at` it is that local time on the date that is `offset` away. Without, a date means its
    midnight, and the days of an offset are 24 hours for a moment. With several possible zones it
    is when it has come in all of them; with none, UTC counts. Raises DateError.
    """
    zones = zones or (UTC,)
    named = read_date(given)
    try:
        return _whole_seconds(_moment(named, offset, at, zones))
    except (OverflowError, ValueError):
        raise DateError("is beyond all calendars") from None


def read_date(given: object) -> date | datetime:
    """A date, a local time (a datetime without zone) or a moment in UTC. Raises DateError."""
    if isinstance(given, datetime):
        return given
    if not isinstance(given, str):
        raise DateError(f"is {type_name(given)}, not a date")
    try:
        if _WRITTEN.fullmatch(given):
            if len(given) == _DATE_LENGTH:
                return date.fromisoformat(given)
            found = datetime.fromisoformat(given)
            return found.astimezone(UTC) if found.tzinfo else found
    except (OverflowError, ValueError):
        pass
    raise DateError("is no date like 2027-01-31 or 2027-01-31T18:30:00Z")


def _moment(
    named: date | datetime, offset: Offset, at: time | None, zones: Sequence[tzinfo]
) -> datetime:
    if isinstance(named, datetime) and named.tzinfo is not None:
        if at is None:
            return named + timedelta(days=offset.days, seconds=offset.seconds)
        day = max(named.astimezone(zone).date() for zone in zones)
    elif isinstance(named, datetime):
        day, at = named.date(), at or named.time()
    else:
        day, at = named, at or time.min
    moments = [moment_on(zone, _moved(day, offset), at) for zone in zones]
    return max(moments) + timedelta(seconds=offset.seconds)


def _moved(day: date, offset: Offset) -> date:
    """Months first; where the month has no such day, its last."""
    if offset.months:
        year, month = divmod(day.year * 12 + day.month - 1 + offset.months, 12)
        day = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return day + timedelta(days=offset.days)


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0) + _A_SECOND if moment.microsecond else moment
