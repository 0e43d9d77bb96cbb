"""Moments as scenarios write them, in the customer's local time, and back.

Tue 21:14                       the Tuesday of the week that begins on the scenario's `date`
week 2 Tue 21:14:30             seven days later, with seconds (or 21:14:30.500)
2026-11-24 21:14                a date
Sun 01:30 +01:00                with the offset, where the clock shows the time twice
Tue 21:14 America/New_York      another zone's time; UTC is one
+45m                            so long after the line before
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from stepwell.customers.zones import load_zone
from stepwell.journeys.compiler.durations import seconds_of
from stepwell.simulation.years import YEARS

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIRST_DAY = date(2026, 11, 23)
"""A Monday; no zone of many people changes its clocks in that week."""

_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOMENT = re.compile(
    r"(?:week (?P<week>[1-9]\d?) )?(?P<day>[A-Za-z]+|\d{4}-\d\d-\d\d)[ T]"
    r"(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(?: ?(?P<zone>Z|[+-]\d\d:\d\d|[A-Za-z][\w/+-]*))?"
)
_SHOWN_WEEKS = 4
_HOW = 'Write "Tue 21:14", "week 2 Tue 21:14", "2026-11-24 21:14" or "+45m".'


class TimeError(Exception):
    """A time that cannot be read, or that no clock shows. `code` and `remedy` as in a problem."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Week:
    """Reads and writes moments; weekdays are those of the seven days from `first` on."""

    first: date = FIRST_DAY

    def read(self, text: object, zone: ZoneInfo, before: datetime | None) -> datetime:
        """The moment in UTC. `zone` is where the customer is, `before` the line before's moment.

        Raises TimeError.
        """
        if not isinstance(text, str):
            raise TimeError("SW701", f"{text!r} is no time", _HOW)
        if text.startswith("+"):
            return _after(text, before)
        match = _MOMENT.fullmatch(text)
        if match is None:
            raise TimeError("SW701", f"{text!r} is no time", _HOW)
        day = self._day(match["day"], int(match["week"] or 1), has_week=match["week"] is not None)
        try:
            wall = datetime.combine(day, time.fromisoformat(match["clock"]))
        except ValueError:
            raise TimeError("SW701", f"{match['clock']} is no time of a day", _HOW) from None
        if wall.year not in YEARS:
            raise _beyond(text)
        return _instant(wall, _zone(match["zone"], zone), text)

    def _day(self, text: str, week: int, *, has_week: bool) -> date:
        if text[0].isdigit():
            if has_week:
                raise TimeError("SW701", "a date needs no week", _HOW)
            try:
                return date.fromisoformat(text)
            except ValueError:
                raise TimeError("SW701", f"there is no day {text}", _HOW) from None
        number = _weekday(text)
        if number is None:
            known = ", ".join(DAYS)
            raise TimeError("SW701", f"{text!r} is no weekday", f"There are: {known}.")
        ahead = (number - self.first.weekday()) % 7
        return self.first + timedelta(days=ahead + 7 * (week - 1))

    def show(self, moment: datetime, zone: ZoneInfo) -> str:
        """The shortest text that `read` takes for this moment."""
        local = moment.astimezone(zone)
        shown = f"{self.show_day(local.date())} {show_clock(local)}"
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return f"{shown} {local.isoformat()[-6:]}" if twice else shown

    def show_day(self, day: date) -> str:
        week, rest = divmod((day - self.first).days, 7)
        if not 0 <= week < _SHOWN_WEEKS or rest < 0:
            return day.isoformat()
        name = DAYS[day.weekday()]
        return name if week == 0 else f"week {week + 1} {name}"


def show_clock(local: datetime) -> str:
    """`21:14`, with seconds and milliseconds only where there are any."""
    if local.microsecond:
        return local.strftime("%H:%M:%S.") + f"{local.microsecond // 1000:03d}"
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")


def _beyond(text: str) -> TimeError:
    years = f"{YEARS[0]} to {YEARS[-1]}"
    return TimeError("SW701", f"{text!r} is not in the years {years}", "Write one that is.")


def _weekday(text: str) -> int | None:
    for number, (short, long) in enumerate(zip(DAYS, _LONG_DAYS, strict=True)):
        if text.lower() in {short.lower(), long.lower()}:
            return number
    return None


def _after(text: str, before: datetime | None) -> datetime:
    try:
        seconds = seconds_of(text[1:])
    except ValueError as error:
        raise TimeError("SW105", str(error), _HOW) from None
    if before is None:
        raise TimeError("SW701", f"{text!r} follows on nothing", "Give the first one a time.")
    try:
        moment = before + timedelta(seconds=seconds)
    except OverflowError:
        raise _beyond(text) from None
    if moment.year not in YEARS:
        raise _beyond(text)
    return moment


def _zone(name: str | None, of_customer: ZoneInfo) -> tzinfo:
    if name is None:
        return of_customer
    if name in {"UTC", "Z"}:
        return UTC
    if name[0] in "+-":
        offset = timedelta(hours=int(name[1:3]), minutes=int(name[4:6]))
        try:
            return timezone(-offset if name[0] == "-" else offset)
        except ValueError:
            raise TimeError("SW701", f"{name} is no offset from UTC", _HOW) from None
    zone = load_zone(name)
    if zone is None:
        raise TimeError("SW701", f"there is no time zone {name!r}", "Write one like Europe/London.")
    return zone


def _instant(wall: datetime, zone: tzinfo, text: str) -> datetime:
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    moment = first.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        later = moment.astimezone(zone)
        said = f"{text!r} does not exist in {zone}: its clocks are put forward over it"
        raise TimeError("SW702", said, f"Write the moment that was meant, such as {later:%H:%M}.")
    if first.utcoffset() != second.utcoffset():
        offsets = " or ".join(f'"{text} {each.isoformat()[-6:]}"' for each in (first, second))
        said = f"{text!r} comes twice in {zone}: its clocks are put back over it"
        raise TimeError("SW703", said, f"Write {offsets}.")
    return moment
