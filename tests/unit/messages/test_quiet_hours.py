"""Quiet hours against brute force: step by step over midnight and the changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers.zones import load_zone
from stepwell.messages.policies import QuietHours
from stepwell.messages.quiet_hours import local_instant, next_allowed

STEP = timedelta(minutes=5)  # divides every window and every change below
A_DAY = 24 * 60 // 5


def zone(name: str) -> ZoneInfo:
    found = load_zone(name)
    assert found is not None
    return found


def quiet(start: str, end: str) -> QuietHours:
    return QuietHours(("marketing",), ("sms",), time.fromisoformat(start), time.fromisoformat(end))


LONDON = zone("Europe/London")
NIGHT = quiet("21:00", "08:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def clocks(where: ZoneInfo, around: datetime) -> list[tuple[datetime, datetime]]:
    """For each step of five days: the latest time the clock has shown by then, and the earliest
    that it is still to show.
    """
    first = around - timedelta(days=2)
    walls = [
        (first + STEP * number).astimezone(where).replace(tzinfo=None)
        for number in range(5 * A_DAY)
    ]
    reached = list(accumulate(walls, max))
    to_come = list(accumulate(reversed(walls), min))[::-1]
    return list(zip(reached, to_come, strict=True))


def brute_force(start: int, window: QuietHours, shown: list[tuple[datetime, datetime]]) -> int:
    """The first step from `start` on that is in no night: while the clock has shown its start
    and has yet to show a time before its end. Needs no rule for changes of the clock.
    """
    over = timedelta(days=1 if window.end <= window.start else 0)
    days = {wall.date() + timedelta(days=each) for wall, _ in shown for each in (-1, 0, 1)}
    nights = [
        (datetime.combine(day, window.start), datetime.combine(day + over, window.end))
        for day in days
    ]
    return next(
        number
        for number in range(start, len(shown))
        if not any(begin <= shown[number][0] and shown[number][1] < end for begin, end in nights)
    )


CHANGES = [
    ("Europe/London", "2026-03-29T01:00"),
    ("Europe/London", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),  # by half an hour
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Africa/Cairo", "2026-04-23T22:00"),  # at midnight
    ("Asia/Kolkata", "2026-06-01T00:00"),  # none
]
QUARTERS = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


@given(
    st.sampled_from(CHANGES),
    st.integers(-72, 72),
    st.tuples(QUARTERS, QUARTERS).filter(lambda pair: pair[0] != pair[1]),
)
def test_the_next_allowed_moment_is_that_of_brute_force(
    change: tuple[str, str], steps: int, times: tuple[time, time]
) -> None:
    name, moment = change
    window = QuietHours(("marketing",), ("sms",), *times)
    first = utc(moment) - timedelta(days=2)
    start = 2 * A_DAY + steps
    allowed = brute_force(start, window, clocks(zone(name), utc(moment)))
    found = next_allowed(first + STEP * start, [window], [zone(name)])
    assert found == (first + STEP * allowed if allowed - start <= A_DAY else None)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-24T20:59:59.999", "2026-11-24T20:59:59.999"),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-25T00:00", "2026-11-25T08:00"),
        ("2026-11-25T07:59:59.999", "2026-11-25T08:00"),
        ("2026-11-25T08:00", "2026-11-25T08:00"),
        ("2026-10-24T22:00", "2026-10-25T08:00"),  # the night that summer time ends: 23:00 to 08:00
        ("2026-03-28T22:00", "2026-03-29T07:00"),  # the night that it begins
    ],
)
def test_a_night_in_london(moment: str, expected: str) -> None:
    assert next_allowed(utc(moment), [NIGHT], [LONDON]) == utc(expected)


def test_an_end_in_the_skipped_hour_is_at_the_change() -> None:
    assert next_allowed(utc("2026-03-29T00:30"), [quiet("00:00", "01:30")], [LONDON]) == utc(
        "2026-03-29T01:00"
    )


def test_a_repeated_hour_is_quiet_as_a_whole() -> None:
    window = quiet("22:00", "01:30")
    assert next_allowed(utc("2026-10-25T00:29"), [window], [LONDON]) == utc("2026-10-25T01:30")
    assert next_allowed(utc("2026-10-25T01:29"), [window], [LONDON]) == utc("2026-10-25T01:30")


def test_several_zones_must_all_allow_it() -> None:
    zones = [zone("America/New_York"), zone("America/Los_Angeles")]
    assert next_allowed(utc("2026-11-24T14:00"), [NIGHT], zones) == utc("2026-11-24T16:00")
    assert next_allowed(utc("2026-11-25T02:00"), [NIGHT], zones) == utc("2026-11-25T16:00")


def test_zones_that_never_allow_it_together_have_no_next_moment() -> None:
    zones = [zone("Pacific/Auckland"), zone("Europe/London")]
    assert next_allowed(utc("2026-11-24T12:00"), [quiet("20:00", "09:00")], zones) is None


def test_several_windows_add_up() -> None:
    windows = [quiet("21:00", "08:00"), quiet("08:00", "09:00"), quiet("12:00", "13:00")]
    assert next_allowed(utc("2026-11-24T23:00"), windows, [LONDON]) == utc("2026-11-25T09:00")


def test_without_windows_any_moment_is_allowed() -> None:
    moment = utc("2026-11-24T23:00")
    assert next_allowed(moment, [], [LONDON]) == moment


def test_a_day_that_a_zone_skipped_whole() -> None:
    apia = zone("Pacific/Apia")
    skipped = datetime(2011, 12, 30, 12, 0)  # noqa: DTZ001 - a wall time
    assert local_instant(skipped, apia, last=True) == utc("2011-12-30T10:00")
