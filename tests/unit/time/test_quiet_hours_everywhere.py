"""Quiet hours in every zone, from 2024 to 2034, over midnight and the changes of the clocks,
against clocks that are read minute by minute (tests/support/clocks.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.messages.policies import Policies, QuietHours
from stepwell.messages.quiet_hours import next_allowed
from stepwell.messages.timing import OPEN, QUIET, UNKNOWN_ZONE, ChannelTime, check_time
from tests.support import clocks
from tests.support.clocks import DAY, minute, moment_of
from tests.support.messages import shipped_policies

CASES = 2 * settings().max_examples
TWO_DAYS = 2 * DAY
A_MINUTE = timedelta(minutes=1)


def quiet(start: time, end: time) -> QuietHours:
    return QuietHours(("marketing",), ("sms",), start, end)


@st.composite
def windows(draw: st.DrawFn, near: time) -> QuietHours:
    """Any, the usual night, nearly all day, or one that starts or ends about `near`."""
    kind = draw(st.integers(0, 5))
    number = clocks.minutes_of(near)
    if kind < 2:
        start = number if kind else number - draw(st.integers(1, DAY - 1))
        end = number if not kind else number + draw(st.integers(1, DAY - 1))
    elif kind == 2:
        start = draw(st.integers(0, DAY - 1))
        end = start - draw(st.integers(1, 90))
    elif kind == 3:
        return quiet(time(21), time(8))
    else:
        start = draw(st.integers(0, DAY - 1))
        end = start + draw(st.integers(1, DAY - 1))
    return quiet(clocks.at_of(start), clocks.at_of(end))


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, list[QuietHours], list[str]]:
    """A minute, quiet hours and possible zones; some windows begin or end in hours that move."""
    place = draw(clocks.places())
    others = draw(st.lists(clocks.names, max_size=2))
    found = draw(st.lists(windows(place.at), min_size=1, max_size=2))
    return place.now, found, [place.name, *others]


def quiet_minutes(now: int, windows: Sequence[QuietHours], names: Iterable[str]) -> list[bool]:
    """Whether each minute of the two days from `now` on is quiet in some zone: the clock has shown
    a night's start and is still to show a time before its end. Knows nothing of offsets.
    """
    found = [False] * TWO_DAYS
    for name in names:
        shown = clocks.shown(name, now - TWO_DAYS, 3 * TWO_DAYS)
        reached = list(accumulate(shown, max))[TWO_DAYS:-TWO_DAYS]
        to_come = list(accumulate(reversed(shown), min))[::-1][TWO_DAYS:-TWO_DAYS]
        for window in windows:
            for day in clocks.days_from(to_come[0] - 2 * DAY, 7):
                start, end = clocks.wall(day, window.start), clocks.wall(day, window.end)
                end += DAY * (end <= start)
                for at in range(bisect_left(reached, start), bisect_left(to_come, end)):
                    found[at] = True
    return found


def allowed_at(now: int, windows: Sequence[QuietHours], names: Sequence[str]) -> int | None:
    found = next_allowed(moment_of(now), windows, clocks.zones(names))
    assert found is None or found == moment_of(minute(found))
    return None if found is None else minute(found)


@settings(max_examples=CASES)
@given(cases())
def test_it_is_the_first_minute_that_is_quiet_nowhere(
    case: tuple[int, list[QuietHours], list[str]],
) -> None:
    """So the minute at which a message is let go is not quiet, and none before it was allowed."""
    now, windows, names = case
    free = quiet_minutes(now, windows, names)[: DAY + 1]
    assert allowed_at(now, windows, names) == (now + free.index(False) if False in free else None)


@settings(max_examples=CASES)
@given(cases(), st.integers(0, DAY))
def test_who_asks_later_is_not_let_go_earlier_and_asking_again_changes_nothing(
    case: tuple[int, list[QuietHours], list[str]], later: int
) -> None:
    now, windows, names = case
    first = allowed_at(now, windows, names)
    if first is None:
        return
    assert allowed_at(first, windows, names) == first
    second = allowed_at(now + later, windows, names)
    if now + later <= first:
        assert second == first
    else:
        assert second is None or second >= now + later


@given(cases(), st.timedeltas(timedelta(0), A_MINUTE), clocks.names)
def test_seconds_and_the_zone_that_now_is_written_in_change_nothing(
    case: tuple[int, list[QuietHours], list[str]], past: timedelta, written: str
) -> None:
    """The last moment before the start is free, the last before the end is quiet."""
    now, windows, names = case
    moment = moment_of(now) + min(past, A_MINUTE - timedelta(microseconds=1))
    zones = clocks.zones(names)
    found = next_allowed(moment, windows, zones)
    whole = next_allowed(moment_of(now), windows, zones)
    if whole is not None:
        assert found == (moment if whole == moment_of(now) else whole)
    again = next_allowed(moment.astimezone(clocks.zone(written)), windows, zones)
    assert again == found
    assert again is None or again.tzinfo is UTC


def test_a_night_over_every_change_ends_when_the_clock_says_so() -> None:
    """21:00 to 08:00: whatever the clocks do in the night, it ends at 08:00, hours longer or
    shorter.
    """
    night = quiet(time(21), time(8))
    for name, change in clocks.all_changes():
        zone = clocks.zone(name)
        before = moment_of(change.at) - A_MINUTE
        end = next_allowed(before, [night], [zone])
        assert end is not None
        if not 8 <= before.astimezone(zone).hour < 21:
            assert end.astimezone(zone).time() == time(8)
            assert before < end <= before + timedelta(hours=11 + 2)
        else:
            assert end == before


def test_starts_and_ends_in_the_hours_that_every_change_moves() -> None:
    """It is quiet from the first showing of a start to the last of an end; what is skipped is at
    the change. An end that is the first time to be shown again has passed: no earlier one follows.
    """
    for name, change in clocks.all_changes():
        zone = clocks.zone(name)
        walls, skips = change.walls(), change.after > change.before
        for wanted in (walls.start, walls.start + 1, walls.start + len(walls) // 2, walls.stop - 1):
            at = clocks.at_of(wanted)
            first = moment_of(change.at if skips else wanted - change.before)
            last = moment_of(change.at if skips else wanted - change.after)
            from_it = quiet(at, clocks.at_of(wanted + 5 * 60))
            until_it = quiet(clocks.at_of(wanted - 5 * 60), at)
            assert next_allowed(first - A_MINUTE, [from_it], [zone]) == first - A_MINUTE
            assert (next_allowed(first, [from_it], [zone]) or first) > first
            end = first if wanted == walls.start else last
            for now in (end - timedelta(hours=1), end - A_MINUTE):
                assert next_allowed(now, [until_it], [zone]) == end, (name, change, at)


@pytest.mark.parametrize(
    ("end", "waits"), [(time(11, 59), timedelta(hours=23, minutes=59)), (time(12, 0), None)]
)
def test_a_message_waits_for_24_hours_at_most(end: time, waits: timedelta | None) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    found = next_allowed(now, [quiet(time(12), end)], [clocks.zone("UTC")])
    assert found == (now + waits if waits else None)


@settings(max_examples=CASES // 2)
@given(clocks.places(), st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_the_rule_defers_to_a_moment_at_which_it_lets_go(
    place: clocks.Place, default_zone: str
) -> None:
    """The default zone counts for those only of whom no zone is known."""
    rules, now = shipped_policies(default_zone=None), moment_of(place.now)
    with_default = shipped_policies(default_zone=default_zone)
    assert _push({}, rules, now).state == UNKNOWN_ZONE
    assert _push({}, with_default, now) == _push({"zone": default_zone}, rules, now)
    for profile in ({"zone": place.name}, {"country": "US"}):
        push = _push(profile, rules, now)
        assert push == _push(profile, with_default, now)
        assert push.state in (OPEN, QUIET)
        if push.state == QUIET:
            assert push.until is not None
            assert now < push.until <= now + timedelta(hours=24)
            assert _push(profile, rules, push.until).state == OPEN
            assert _push(profile, rules, push.until - timedelta(microseconds=1)) == push


def _push(profile: Mapping[str, str], rules: Policies, now: datetime) -> ChannelTime:
    (push,), entry = check_time(profile, rules, "marketing", ["push"], now)
    assert entry["result"] == push.state
    return push


# ---------------------------------------------------------------- days that were left out


def test_a_night_before_a_day_that_was_left_out_ends_on_the_day_after_it() -> None:
    apia = clocks.zone("Pacific/Apia")  # had no 30 December 2011
    evening = datetime(2011, 12, 29, 22, tzinfo=apia)
    end = next_allowed(evening, [quiet(time(21), time(8))], [apia])
    assert end == datetime(2011, 12, 31, 8, tzinfo=apia)
    assert end is not None
    assert end - evening.astimezone(UTC) == timedelta(hours=10)
