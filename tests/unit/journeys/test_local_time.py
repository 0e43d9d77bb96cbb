from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.journeys.local_time import next_local_time

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
ZONES = [
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",  # its clocks move by half an hour
    "Pacific/Apia",  # it left out a day
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "UTC",
]
MOMENTS = st.integers(1_577_836_800, 1_924_992_000).map(lambda t: datetime.fromtimestamp(t, UTC))
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
WEEKDAYS = st.sets(st.integers(1, 7))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # six numbers at most


@given(MOMENTS, TIMES, WEEKDAYS, st.sampled_from(ZONES))
def test_it_is_the_first_such_moment_after_now(
    now: datetime, at: time, weekdays: set[int], name: str
) -> None:
    zone = ZoneInfo(name)
    found = next_local_time(now, at, weekdays, [zone])
    assert now < found <= now + timedelta(days=9)
    local = found.astimezone(zone)
    gap = local.time() != at
    if not gap:
        assert not weekdays or local.isoweekday() in weekdays
    day = now.astimezone(zone).date() - timedelta(days=1)
    while day < local.date():
        moment = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
        assert moment <= now or (weekdays and day.isoweekday() not in weekdays) or moment == found
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "at", "weekdays", "expected"),
    [
        (utc(2026, 11, 25, 8, 59), time(9), (), utc(2026, 11, 25, 9)),
        (utc(2026, 11, 25, 9), time(9), (), utc(2026, 11, 26, 9)),
        (utc(2026, 11, 25, 9), time(9), (6, 7), utc(2026, 11, 28, 9)),
        (utc(2026, 11, 25, 9), time(9), (3,), utc(2026, 12, 2, 9)),
    ],
)
def test_it_is_strictly_later_and_on_a_weekday(
    now: datetime, at: time, weekdays: tuple[int, ...], expected: datetime
) -> None:
    assert next_local_time(now, at, weekdays, [LONDON]) == expected


def test_in_the_night_when_it_does_not_exist_it_is_as_much_later_as_the_clocks_move() -> None:
    # 29 March 2026: London's clocks go from 01:00 to 02:00, 01:30 becomes 02:30 summer time
    assert next_local_time(utc(2026, 3, 28, 12), time(1, 30), (), [LONDON]) == utc(
        2026, 3, 29, 1, 30
    )


def test_in_the_night_when_it_comes_twice_it_is_the_first() -> None:
    # 25 October 2026: 01:30 comes as summer time (00:30 UTC), then again (01:30 UTC)
    now = utc(2026, 10, 24, 12)
    first = next_local_time(now, time(1, 30), (), [LONDON])
    assert first == utc(2026, 10, 25, 0, 30)
    assert next_local_time(first, time(1, 30), (), [LONDON]) == utc(2026, 10, 26, 1, 30)


def test_with_several_zones_it_has_come_in_all_of_them_and_without_any_it_is_utc() -> None:
    now = utc(2026, 11, 25, 0)
    assert next_local_time(now, time(9), (), [LONDON, NEW_YORK]) == utc(2026, 11, 25, 14)
    assert next_local_time(now, time(9), (), []) == utc(2026, 11, 25, 9)
