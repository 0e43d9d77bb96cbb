"""Delays until dates in every zone, from 2024 to 2034, against clocks that are read minute by
minute (tests/support/clocks.py), and a calendar that is counted day by day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.journeys.dates import Offset, moment_of
from tests.support import clocks
from tests.support.clocks import (
    DAY,
    EPOCH,
    Place,
    at_of,
    changes,
    coming_of,
    minute,
    minutes_of,
    places,
    wall,
)

CASES = 3 * settings().max_examples
FIRST, LAST = date(2024, 1, 1), date(2034, 12, 31)
NONE = Offset()


@dataclass(frozen=True, slots=True)
class Goal:
    """What a delay is to reach: a wall clock's date and time, of which the offset is `offset`
    away.
    """

    name: str
    day: date
    at: time


@st.composite
def goals(draw: st.DrawFn) -> Goal:
    """Dates of the eleven years, often beside a change of the clocks and within what it moves."""
    name = draw(clocks.names)
    day = draw(st.dates(FIRST, LAST) | st.sampled_from(ODD_DAYS))
    at = draw(st.integers(0, DAY - 1).map(at_of))
    if changes(name) and draw(st.integers(0, 4)) > 0:
        walls = draw(st.sampled_from(changes(name))).walls()
        number = draw(st.integers(walls.start - 2, walls.stop + 2))
        day = day_of(number) + draw(st.sampled_from([timedelta(0)] * 4 + [timedelta(days=1)]))
        at = draw(st.sampled_from([at_of(number), time.min, at]))
    return Goal(name, day, at)


ODD_DAYS = tuple(
    date(year, *rest)
    for year in range(2024, 2035)
    for rest in ((1, 1), (1, 31), (2, 28), (3, 1), (12, 31))
) + tuple(date(year, 2, 29) for year in (2024, 2028, 2032))

DAYS = st.integers(-500, 500) | st.sampled_from((-60, -1, 1, 7, 365))
MONTHS = st.integers(-30, 30)
AT = st.integers(0, DAY - 1).map(at_of)


def day_of(number: int) -> date:
    """Of a minute on the wall."""
    return (EPOCH + timedelta(minutes=number)).date()


def counted(day: date, days: int) -> date:
    """Day by day on a calendar of its own."""
    step = 1 if days > 0 else -1
    year, month, number = day.year, day.month, day.day
    for _ in range(abs(days)):
        number += step
        if not 1 <= number <= length(year, month):
            month += step
            year, month = (year + step, (month - 1) % 12 + 1) if month in (0, 13) else (year, month)
            number = 1 if step > 0 else length(year, month)
    return date(year, month, number)


def length(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 + leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31


def found(given: object, offset: Offset, at: time | None, *names: str) -> int:
    return minute(moment_of(given, offset, at, clocks.zones(names)))


@settings(max_examples=CASES)
@given(goals(), DAYS)
def test_days_before_or_after_a_date_are_on_the_calendar(goal: Goal, days: int) -> None:
    """Whatever clocks do in between: the date is the one, and there the time as the clocks show."""
    given_day = counted(goal.day, -days)
    expected = coming_of(goal.name, wall(goal.day, goal.at))
    assert found(given_day.isoformat(), Offset(days=days), goal.at, goal.name) == expected
    local = f"{given_day}T{goal.at:%H:%M}"
    assert found(local, Offset(days=days), None, goal.name) == expected
    midnight = coming_of(goal.name, wall(goal.day, time.min))
    assert found(given_day.isoformat(), Offset(days=days), None, goal.name) == midnight
    assert found(local, Offset(days=days), time.min, goal.name) == midnight


@settings(max_examples=CASES)
@given(goals())
def test_the_clock_shows_that_date_and_time_unless_it_skips_it(goal: Goal) -> None:
    coming = found(goal.day.isoformat(), NONE, goal.at, goal.name)
    wanted = wall(goal.day, goal.at)
    shown = clocks.shown(goal.name, coming - DAY, 2 * DAY)
    if wanted in shown:
        assert shown.index(wanted) == DAY  # the first, when it comes twice
        return
    skip = shown[DAY] - wanted
    assert skip in {each.after - each.before for each in changes(goal.name)}


@settings(max_examples=CASES)
@given(goals(), MONTHS, DAYS)
def test_months_keep_the_day_of_the_month_or_take_its_last(
    goal: Goal, months: int, days: int
) -> None:
    number = goal.day.year * 12 + goal.day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    kept = date(year, month, min(goal.day.day, length(year, month)))
    expected = coming_of(goal.name, wall(counted(kept, days), goal.at))
    assert found(goal.day.isoformat(), Offset(months, days), goal.at, goal.name) == expected


@settings(max_examples=CASES)
@given(places(), DAYS, st.integers(-3 * DAY, 3 * DAY))
def test_a_moment_is_moved_by_time_that_passes(place: Place, days: int, minutes: int) -> None:
    """However it is written and wherever the customer is."""
    moment = clocks.moment_of(place.now)
    offset = Offset(days=days, seconds=60 * minutes)
    expected = place.now + days * DAY + minutes
    here = moment.astimezone(clocks.zone(place.name))
    for text in (moment.isoformat(), here.isoformat(), f"{moment:%Y-%m-%dT%H:%M:%SZ}"):
        assert found(text, offset, None, place.name) == expected
    assert found(moment, offset, None, place.name, "Pacific/Kiritimati") == expected


@settings(max_examples=CASES)
@given(places(), DAYS, AT)
def test_a_moment_has_the_date_that_the_customers_clock_shows(
    place: Place, days: int, at: time
) -> None:
    (shown,) = clocks.shown(place.name, place.now, 1)
    expected = coming_of(place.name, wall(counted(day_of(shown), days), at))
    moment = clocks.moment_of(place.now)
    assert found(moment.isoformat(), Offset(days=days), at, place.name) == expected


@settings(max_examples=CASES)
@given(goals(), DAYS, st.integers(-3 * DAY, 3 * DAY))
def test_hours_are_added_to_a_date_as_time_that_passes(goal: Goal, days: int, minutes: int) -> None:
    given_day = counted(goal.day, -days).isoformat()
    offset = Offset(days=days, seconds=60 * minutes)
    expected = coming_of(goal.name, wall(goal.day, time.min)) + minutes
    assert found(given_day, offset, None, goal.name) == expected


@settings(max_examples=CASES)
@given(goals(), DAYS, st.lists(clocks.names, min_size=1, max_size=3))
def test_with_several_zones_it_has_come_in_each(goal: Goal, days: int, others: list[str]) -> None:
    """Also on both sides of the date line."""
    names = [goal.name, *others]
    given_day = counted(goal.day, -days).isoformat()
    alone = [coming_of(name, wall(goal.day, goal.at)) for name in names]
    assert found(given_day, Offset(days=days), goal.at, *names) == max(alone)


@settings(max_examples=CASES)
@given(places(), AT, st.lists(clocks.names, min_size=1, max_size=3))
def test_a_moment_in_several_zones_has_the_latest_of_their_dates(
    place: Place, at: time, others: list[str]
) -> None:
    names = [place.name, *others]
    shown = [clocks.shown(name, place.now, 1)[0] for name in names]
    latest = day_of(max(shown))
    expected = max(coming_of(name, wall(latest, at)) for name in names)
    assert found(clocks.moment_of(place.now), NONE, at, *names) == expected
    assert expected >= max(found(clocks.moment_of(place.now), NONE, at, each) for each in names)


def test_every_change_of_every_zone() -> None:
    """60 days before a date leads to what the old offset makes of a skipped or repeated time."""
    for name, change in clocks.all_changes():
        zone = clocks.zone(name)
        walls = change.walls()
        for wanted in (walls.start, walls.start + len(walls) // 2, walls.stop - 1):
            expected = clocks.moment_of(wanted - change.before)
            given_day = (day_of(wanted) + timedelta(days=60)).isoformat()
            moment = moment_of(given_day, Offset(days=-60), at_of(wanted), [zone])
            assert moment == expected, (name, change)


@pytest.mark.parametrize("name", ["Pacific/Apia", "Pacific/Kwajalein"])
def test_a_date_that_a_zone_left_out_is_the_day_after(name: str) -> None:
    """Its clocks went forward by a day, so 09:00 is as much later as they moved."""
    day = date(2011, 12, 30) if name == "Pacific/Apia" else date(1993, 8, 21)
    zone = clocks.zone(name)
    moment = moment_of(day.isoformat(), NONE, time(9), [zone]).astimezone(zone)
    assert (moment.date(), moment.time()) == (day + timedelta(days=1), time(9))


def test_the_calendar_knows_what_is_known() -> None:
    """The oracle itself."""
    assert counted(date(2028, 3, 1), -1) == date(2028, 2, 29)
    assert counted(date(2026, 12, 31), 1) == date(2027, 1, 1)
    assert counted(date(2027, 5, 27), -60) == date(2027, 3, 28)
    assert minutes_of(at_of(wall(date(2026, 3, 29), time(2, 30)))) == 150
    berlin = wall(date(2026, 3, 29), time(2, 30))
    assert coming_of("Europe/Berlin", berlin) == minute(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
