"""The next local time in every zone, from 2024 to 2034, against clocks that are read minute by
minute (tests/support/clocks.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.journeys.local_time import next_local_time
from tests.support import clocks
from tests.support.clocks import DAY, Change, Place, coming_of, minute, moment_of, places

WEEKDAYS = st.frozensets(st.integers(1, 7), max_size=3)
CASES = 3 * settings().max_examples
A_MINUTE = timedelta(minutes=1)


def found_at(place: Place, weekdays: frozenset[int] = frozenset()) -> int:
    zone = clocks.zone(place.name)
    return minute(next_local_time(moment_of(place.now), place.at, weekdays, [zone]))


def expected(names: list[str], now: int, at: time, weekdays: frozenset[int]) -> int:
    """Date by date: when `at` comes on it in each zone; the first date on which all is to come."""
    for day in clocks.days_from(now - 2 * DAY, 20):
        comings = [coming_of(name, clocks.wall(day, at)) for name in names]
        if min(comings) > now and (not weekdays or day.isoweekday() in weekdays):
            return max(comings)
    raise AssertionError("no such day")


@settings(max_examples=CASES)
@given(places(), WEEKDAYS)
def test_it_is_what_the_clocks_show(place: Place, weekdays: frozenset[int]) -> None:
    found = found_at(place, weekdays)
    assert found == expected([place.name], place.now, place.at, weekdays)
    shown = clocks.shown(place.name, found - DAY, 2 * DAY)
    here = shown[DAY]
    if clocks.at_of(here) == place.at:
        assert not weekdays or moment_of(here).isoweekday() in weekdays
    else:  # it does not exist on that date: the clocks went over it, not a day before
        skipped = clocks.wall(moment_of(here).date(), place.at)
        skipped -= DAY * (skipped > here)
        assert skipped not in shown
        assert here - skipped in {
            each.after - each.before for each in clocks.changes(place.name) if each.at <= found
        }


@settings(max_examples=CASES)
@given(places())
def test_it_is_never_more_than_a_day_and_a_repeated_hour_away(place: Place) -> None:
    away = found_at(place) - place.now
    back = [
        each.before - each.after
        for each in clocks.changes(place.name)
        if place.now - DAY < each.at < place.now + 2 * DAY and each.before > each.after
    ]
    assert 0 < away <= DAY + sum(back)


@settings(max_examples=CASES)
@given(places(), WEEKDAYS, st.integers(0, 3 * DAY))
def test_who_comes_later_does_not_go_on_earlier(
    place: Place, weekdays: frozenset[int], later: int
) -> None:
    first = found_at(place, weekdays)
    second = found_at(Place(place.name, place.now + later, place.at), weekdays)
    assert first <= second
    assert (first == second) == (place.now + later < first)


@given(places(), WEEKDAYS, st.timedeltas(timedelta(0), A_MINUTE))
def test_seconds_and_the_zone_that_now_is_written_in_change_nothing(
    place: Place, weekdays: frozenset[int], past: timedelta
) -> None:
    zone = clocks.zone(place.name)
    now = moment_of(place.now) + min(past, A_MINUTE - timedelta(microseconds=1))
    found = next_local_time(now, place.at, weekdays, [zone])
    assert minute(found) == found_at(place, weekdays)
    assert found.tzinfo is UTC
    assert next_local_time(now.astimezone(zone), place.at, weekdays, [zone]) == found


@settings(max_examples=CASES)
@given(places(), WEEKDAYS, st.lists(clocks.names, min_size=1, max_size=3))
def test_with_several_zones_it_is_one_date_on_which_it_has_come_in_all(
    place: Place, weekdays: frozenset[int], others: list[str]
) -> None:
    names = [place.name, *others]
    now = moment_of(place.now)
    found = minute(next_local_time(now, place.at, weekdays, clocks.zones(names)))
    assert found == expected(names, place.now, place.at, weekdays)
    alone = [
        minute(next_local_time(now, place.at, weekdays, [each])) for each in clocks.zones(names)
    ]
    assert found >= max(alone)  # never before it has come where the customer is, wherever that is


def test_every_change_of_every_zone() -> None:
    """A time that is skipped, and one that comes twice, is where the old offset puts it."""
    for name, change in clocks.all_changes():
        zone = clocks.zone(name)
        walls = change.walls()
        for wanted in (walls.start, walls.start + len(walls) // 2, walls.stop - 1):
            expected = moment_of(wanted - change.before)
            before = moment_of(change.at - 20 * 60)
            at = clocks.at_of(wanted)
            day = moment_of(wanted).isoweekday()  # also where it comes on the next date
            assert next_local_time(before, at, (), [zone]) == expected, (name, change, at)
            assert next_local_time(before, at, (day,), [zone]) == expected, (name, change, at)
            assert next_local_time(expected - timedelta(seconds=1), at, (), [zone]) == expected
            assert next_local_time(expected, at, (), [zone]) > expected + timedelta(hours=20)


def test_the_clocks_know_the_changes_that_history_has() -> None:
    """The oracle itself, where the answer is known: summer times, half an hour, and none."""
    hour = [(each.after - each.before) for each in clocks.changes("Europe/London")]
    assert hour == [60, -60] * 11
    assert clocks.changes("Europe/London")[4] == Change(
        minute(datetime(2026, 3, 29, 1, tzinfo=UTC)), 0, 60
    )
    assert {each.after - each.before for each in clocks.changes("Australia/Lord_Howe")} == {30, -30}
    assert {each.after - each.before for each in clocks.changes("Antarctica/Troll")} == {120, -120}
    assert clocks.changes("Asia/Kolkata") == ()
    assert len(clocks.NAMES) > 590


# ---------------------------------------------------------------- days that were left out


@pytest.mark.parametrize(
    ("name", "day"),
    [("Pacific/Apia", date(2011, 12, 30)), ("Pacific/Kwajalein", date(1993, 8, 21))],
)
def test_a_day_that_a_zone_left_out_is_no_weekday(name: str, day: date) -> None:
    zone = clocks.zone(name)
    now = datetime.combine(day - timedelta(days=2), time(12), tzinfo=zone).astimezone(UTC)
    for number in range(1, 8):
        found = next_local_time(now, time(9), (number,), [zone]).astimezone(zone)
        assert found.isoweekday() == number
        assert found.time() == time(9)
        assert found - now <= timedelta(days=14 if number == day.isoweekday() else 8)
    week_before = datetime.combine(day - timedelta(days=7), time(9), tzinfo=zone)
    found = next_local_time(week_before, time(9), (day.isoweekday(),), [zone]).astimezone(zone)
    assert found.date() == day + timedelta(days=7)
    following = next_local_time(now + timedelta(days=1), time(9), (), [zone]).astimezone(zone)
    assert following.date() == day + timedelta(days=1)
