"""The wall clock's view of quiet hours and the rules' own say the same, at every moment.

Two ways to the same answer: one looks at what the clock shows around a moment, the other computes
where each period begins and ends.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers.zones import load_zone
from stepwell.messages.policies import QuietHours
from stepwell.messages.quiet_hours import next_allowed
from stepwell.simulation.never.walls import is_ever_open, is_quiet

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll")
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # London skips an hour, Troll two
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # they show them twice
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe goes back by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))


def _zone(name: str) -> ZoneInfo:
    zone = load_zone(name)
    assert zone is not None
    return zone


def _hours(start: time, end: time) -> QuietHours:
    return QuietHours(("marketing",), ("sms",), start, end)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(CHANGES),
    st.integers(-30 * 60, 30 * 60),
    st.integers(0, 59),
    st.tuples(TIMES, TIMES).filter(lambda each: each[0] != each[1]),
)
def test_both_ways_agree(
    name: str, change: datetime, minutes: int, seconds: int, hours: tuple[time, time]
) -> None:
    moment = change + timedelta(minutes=minutes, seconds=seconds)
    quiet = _hours(*hours)
    allowed = next_allowed(moment, [quiet], [_zone(name)])
    assert is_quiet(moment, quiet, _zone(name)) == (allowed != moment)


@pytest.mark.parametrize(
    ("moment", "start", "end", "quiet"),
    [
        # London, 25 October 2026: from 00:00 UTC the clocks show 01:00 to 02:00, twice.
        ("2026-10-25T00:20Z", "21:00", "01:30", True),  # 01:20
        ("2026-10-25T00:40Z", "21:00", "01:30", True),  # 01:40, but 01:00 to 01:30 will come again
        ("2026-10-25T01:29Z", "21:00", "01:30", True),
        ("2026-10-25T01:30Z", "21:00", "01:30", False),
        ("2026-10-25T01:10Z", "01:30", "06:00", True),  # 01:10, but 01:30 has been before
        ("2026-10-25T00:29Z", "01:30", "06:00", False),
        # 29 March 2026: at 01:00 UTC the clocks go from 01:00 to 02:00.
        ("2026-03-29T00:59Z", "01:30", "06:00", False),
        ("2026-03-29T01:00Z", "01:30", "06:00", True),
        ("2026-03-29T01:00Z", "21:00", "01:30", False),
    ],
)
def test_nights_on_which_clocks_change(moment: str, start: str, end: str, quiet: bool) -> None:
    hours = _hours(time.fromisoformat(start), time.fromisoformat(end))
    assert is_quiet(datetime.fromisoformat(moment), hours, _zone("Europe/London")) is quiet


def test_some_zones_have_no_open_minute_in_common() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    hours = [_hours(time(18), time(12))]  # open from 12:00 to 18:00
    near, far = [_zone("Europe/London")], [_zone("Europe/London"), _zone("Pacific/Auckland")]
    assert is_ever_open(noon, hours, near)
    assert is_ever_open(noon + timedelta(hours=12, seconds=30), hours, near)
    assert not is_ever_open(noon, hours, far)
