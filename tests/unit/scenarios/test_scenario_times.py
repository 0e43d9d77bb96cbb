"""Times as scenarios write them: what is read is what is meant, and what is shown can be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers.zones import load_zone
from stepwell.simulation.scenarios.times import TimeError, Week

LONDON = ZoneInfo("Europe/London")
BEFORE = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]


def moment(day: int, hour: int, minute: int, second: int = 0, micro: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, micro, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue 21:14", moment(24, 21, 14)),
        ("tuesday 21:14", moment(24, 21, 14)),
        ("Mon 00:00", moment(23, 0, 0)),
        ("Sun 23:59:59", moment(29, 23, 59, 59)),
        ("Tue 21:14:30.500", moment(24, 21, 14, 30, 500_000)),
        ("week 1 Tue 21:14", moment(24, 21, 14)),
        ("week 2 Mon 21:14", moment(30, 21, 14)),
        ("2026-11-24 21:14", moment(24, 21, 14)),
        ("2026-11-24T21:14:30Z", moment(24, 21, 14, 30)),
        ("2026-11-24 21:14+01:00", moment(24, 20, 14)),
        ("Tue 21:14 UTC", moment(24, 21, 14)),
        ("Tue 16:14 America/New_York", moment(24, 21, 14)),
        ("+45m", moment(24, 21, 59)),
        ("+1d12h", moment(26, 9, 14)),
    ],
)
def test_a_time_is_read(text: str, expected: datetime) -> None:
    assert Week().read(text, LONDON, BEFORE) == expected


def test_weekdays_count_from_the_first_day() -> None:
    week = Week(date(2026, 10, 22))  # a Thursday
    assert week.read("Thu 10:00", LONDON, None).astimezone(LONDON).day == 22
    assert week.read("Wed 10:00", LONDON, None).astimezone(LONDON).day == 28
    assert week.read("week 2 Thu 10:00", LONDON, None).astimezone(LONDON).day == 29


def test_a_relative_time_is_elapsed_time_over_a_clock_change() -> None:
    before = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert Week().read("+24h", LONDON, before) == before + timedelta(hours=24)


@pytest.mark.parametrize("text", ["Sun 01:30", "2026-10-25 01:30"])
def test_a_time_that_comes_twice_needs_its_offset(text: str) -> None:
    week = Week(date(2026, 10, 19))
    with pytest.raises(TimeError, match="twice"):
        week.read(text, LONDON, None)
    first = week.read(f"{text} +01:00", LONDON, None)
    assert week.read(f"{text} +00:00", LONDON, None) - first == timedelta(hours=1)


@given(
    zone=st.sampled_from(ZONES),
    seconds=st.integers(0, 3 * 365 * 86_400),
    milliseconds=st.sampled_from([0, 0, 1, 500, 999]),
    first=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
)
def test_what_is_shown_is_read_as_the_same_moment(
    zone: str, seconds: int, milliseconds: int, first: date
) -> None:
    known = load_zone(zone)
    assert known is not None
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, milliseconds=milliseconds)
    week = Week(first)
    assert week.read(week.show(at, known), known, None) == at


@pytest.mark.parametrize("hours", range(48))
def test_the_days_of_clock_changes_are_shown_unambiguously(hours: int) -> None:
    for start in (
        datetime(2026, 3, 28, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 24, 0, 30, tzinfo=UTC),
    ):
        at, week = start + timedelta(hours=hours), Week(start.date())
        for name in ("Europe/London", "Australia/Lord_Howe"):
            zone = load_zone(name)
            assert zone is not None
            assert week.read(week.show(at, zone), zone, None) == at
