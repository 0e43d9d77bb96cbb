"""What the clocks of every zone show, minute by minute: the oracle for the rules of local time.

It reads zones in one direction only, from a moment to what is shown, by which nothing is ambiguous.
Moments are minutes since 1970 in UTC, what is shown is minutes since 1970 on the wall. No zone has
had an offset with seconds in these years (`test_the_clocks` would say so).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from stepwell.customers.zones import load_zone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 24 * 60
NAMES = tuple(sorted(resources.files("tzdata").joinpath("zones").read_text().split()))
ODD = (
    "Africa/Cairo",  # at midnight
    "Africa/Casablanca",  # an hour less in Ramadan
    "America/Nuuk",  # over midnight
    "Antarctica/Casey",
    "Antarctica/Troll",  # by two hours
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Dublin",  # an hour less in winter
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
)


def minute(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(minutes=1)


def moment_of(number: int) -> datetime:
    return EPOCH + timedelta(minutes=number)


def wall(day: date, at: time) -> int:
    return (day - EPOCH.date()).days * DAY + minutes_of(at)


def minutes_of(at: time) -> int:
    return at.hour * 60 + at.minute


def at_of(number: int) -> time:
    """The time of day that is shown."""
    return time(number % DAY // 60, number % 60)


# Not from 2023: Python reads one hour of America/Nuuk's, 28 October 23:00, by rules of later years.
FIRST, LAST = minute(datetime(2024, 1, 1, tzinfo=UTC)), minute(datetime(2035, 1, 1, tzinfo=UTC))
KNOWN = range(FIRST - 40 * DAY, LAST + 40 * DAY)
"""The minutes for which `changes` has every change; offsets of a date lead beyond."""


@cache
def zone(name: str) -> ZoneInfo:
    found = load_zone(name)
    assert found is not None, name
    return found


def offset(name: str, at: int) -> int:
    """Minutes that the zone's clocks are ahead of UTC."""
    found = moment_of(at).astimezone(zone(name)).utcoffset()
    assert found is not None
    assert not found % timedelta(minutes=1), f"{name} has an offset with seconds"
    return found // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Change:
    """From minute `at` on, the clocks are `after` minutes ahead of UTC, no longer `before`."""

    at: int
    before: int
    after: int

    def walls(self) -> range:
        """The times that are skipped or that come twice."""
        return range(self.at + min(self.before, self.after), self.at + max(self.before, self.after))


@cache
def changes(name: str) -> tuple[Change, ...]:
    """All from 2024 to 2034 and some weeks around."""
    return _changes_from(name, KNOWN.start, KNOWN.stop)


def _changes_from(name: str, first: int, last: int) -> tuple[Change, ...]:
    """By bisection of every week."""
    weeks = [*range(first, last, 7 * DAY), last]
    return tuple(
        _change(name, left, right)
        for left, right in pairwise(weeks)
        if offset(name, left) != offset(name, right)
    )


def all_changes() -> Iterator[tuple[str, Change]]:
    """Of every zone."""
    yield from ((name, change) for name in NAMES for change in changes(name))


def _change(name: str, left: int, right: int) -> Change:
    before, after = offset(name, left), offset(name, right)
    while right - left > 1:
        middle = (left + right) // 2
        if offset(name, middle) == before:
            left = middle
        else:
            right = middle
    return Change(right, before, after)


def shown(name: str, first: int, count: int) -> list[int]:
    """What the clocks show in each of so many minutes from `first` on."""
    found: list[int] = []
    here, ahead = first, offset(name, first)
    last = first + count
    is_known = first in KNOWN and last in KNOWN
    for change in changes(name) if is_known else _changes_from(name, first, last):
        if first < change.at < first + count:
            found += range(here + ahead, change.at + ahead)
            here, ahead = change.at, change.after
    return [*found, *range(here + ahead, first + count + ahead)]


def coming_of(name: str, wanted: int) -> int:
    """The minute at which the clocks show `wanted` for the first time; where they skip it, as many
    minutes after the change as a clock that nobody set would need to come there.
    """
    first = wanted - 26 * 60
    walls = shown(name, first, 52 * 60)
    if wanted in walls:
        return first + walls.index(wanted)
    for number, (left, right) in enumerate(pairwise(walls), 1):
        if left < wanted < right:
            return first + number + wanted - (left + 1)
    raise AssertionError(f"{name} neither shows nor skips {wanted}")


# ---------------------------------------------------------------- generated cases

names = st.sampled_from(NAMES) | st.sampled_from(ODD)


@dataclass(frozen=True, slots=True)
class Place:
    """A zone, a moment (a minute) and a time of day that is worth asking about there and then."""

    name: str
    now: int
    at: time


@st.composite
def places(draw: st.DrawFn) -> Place:
    """Mostly within some days of a change of the clocks, often asking about the hours it moves."""
    name = draw(names)
    at = draw(st.integers(0, DAY - 1).map(at_of))
    if not changes(name) or draw(st.integers(0, 4)) == 0:
        return Place(name, draw(st.integers(FIRST, LAST)), at)
    change = draw(st.sampled_from(changes(name)))
    span = draw(st.sampled_from((90, 30 * 60, 8 * DAY)))
    now = change.at + draw(st.integers(-span, span // 4))
    if draw(st.booleans()):
        walls = change.walls()
        at = at_of(draw(st.integers(walls.start - 2, walls.stop + 2)))
    return Place(name, now, at)


def days_from(number: int, count: int) -> Iterator[date]:
    """The dates from a minute on the wall on."""
    first = (EPOCH + timedelta(minutes=number)).date()
    yield from (first + timedelta(days=each) for each in range(count))


def zones(names: Sequence[str]) -> list[ZoneInfo]:
    return [zone(name) for name in names]
