"""A lane keeps its provider's rate, whoever takes turns, and whoever goes first hardly waits."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.messages.lanes import Lane, read_lanes, take_turn
from stepwell.storage.memory import MemoryStore
from tests.support.messages import NOON, World, message_program

SLOW = Lane("sms", 1)
PLAIN = Lane("sms", 1, kept=0)


def seconds(moments: list[datetime]) -> list[float]:
    return [(each - NOON).total_seconds() for each in moments]


def take(store: MemoryStore, lane: Lane, times: int, *, first: bool = False) -> list[datetime]:
    return [take_turn(store, lane, NOON, goes_first=first) for _ in range(times)]


def test_turns_at_one_moment_are_apart() -> None:
    assert seconds(take(MemoryStore(), PLAIN, 4)) == [0, 1, 2, 3]


def test_an_idle_lane_gives_the_present_moment() -> None:
    store = MemoryStore()
    take(store, PLAIN, 3)
    later = NOON + timedelta(minutes=5)
    assert take_turn(store, PLAIN, later, goes_first=False) == later


def test_who_goes_first_does_not_wait_behind_the_others() -> None:
    store = MemoryStore()
    take(store, SLOW, 10_000)
    assert seconds(take(store, SLOW, 3, first=True)) == [0, 5, 10]


def test_who_goes_first_takes_the_others_turns_when_they_are_sooner() -> None:
    assert seconds(take(MemoryStore(), SLOW, 4, first=True)) == [0, 0, 1.25, 2.5]


def test_the_others_leave_the_kept_share_alone() -> None:
    assert seconds(take(MemoryStore(), SLOW, 3)) == [0, 1.25, 2.5]


def test_a_quick_lane_takes_a_second_s_worth_at_once() -> None:
    at_once = [each for each in take(MemoryStore(), Lane("email", 10, kept=0), 12) if each <= NOON]
    assert len(at_once) == 10


def test_a_turn_that_comes_too_late_is_left_to_others() -> None:
    store = MemoryStore()
    take(store, PLAIN, 5)
    limit = NOON + timedelta(seconds=5)
    told = take_turn(store, PLAIN, NOON, goes_first=False, latest=limit)
    assert told == limit
    assert seconds(take(store, PLAIN, 1)) == [5]


def test_turns_taken_by_many_at_once_are_apart() -> None:
    store = MemoryStore()
    with ThreadPoolExecutor(16) as threads:
        taken = threads.map(lambda _: take_turn(store, PLAIN, NOON, goes_first=False), range(64))
        assert sorted(seconds(list(taken))) == list(range(64))


@given(
    rate=st.floats(0.2, 60),
    kept=st.sampled_from([0, 0.1, 0.2, 0.5]),
    asks=st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), min_size=1, max_size=120),
)
def test_no_more_than_the_rate_and_one_second_s_worth(
    rate: float, kept: float, asks: list[tuple[int, bool]]
) -> None:
    """In any window of the turns given out: its length times the rate, and the burst."""
    store, lane = MemoryStore(), Lane("any", rate, kept)
    now, turns = NOON, []
    for wait, first in asks:
        now += timedelta(milliseconds=wait)
        turns.append(take_turn(store, lane, now, goes_first=first))
    turns.sort()
    lines = 2 if kept else 1
    for index, begin in enumerate(turns):
        for count, end in enumerate(turns[index:], 1):
            window = (end - begin).total_seconds()
            assert count <= rate * (window + 1) + lines


def test_lanes_are_read_from_the_functions_settings() -> None:
    assert read_lanes('{"sms": {"name": "sms", "per_second": 1, "kept": 0.2}}') == {"sms": SLOW}


# ------------------------------------------------------------------------------ in a delivery


def crowd(world: World, count: int) -> list[Mapping[str, Any]]:
    enrollments = [f"cart#{number:016x}" for number in range(count)]
    for each in enrollments:
        world.put_enrollment(each)
    return [
        world.send(enrollment=each, execution=f"x-{number}")
        for number, each in enumerate(enrollments)
    ]


def slow_world(**message: Any) -> World:
    program = message_program(**{"purpose": "service", "channels": ["sms"], **message})
    world = World(program=program, lanes={"sms": PLAIN})
    world.put_consents("sms", purpose="service")
    return world


def test_what_does_not_fit_is_deferred_to_its_turn_and_sent_then() -> None:
    world = slow_world()
    first, second, third = crowd(world, 3)
    assert first["outcome"] == "sent"
    assert (second["outcome"], second["reason"]) == ("deferred", "lane_full")
    assert [each["until"] for each in (second, third)] == [
        "2026-11-24T12:00:01.000Z",
        "2026-11-24T12:00:02.000Z",
    ]
    world.now = NOON + timedelta(seconds=2)
    again = world.send(asked=1, enrollment="cart#0000000000000002", execution="x-2")
    assert again["outcome"] == "sent"
    assert len(world.sms.sent) == 2


def test_a_turn_is_kept_for_five_minutes() -> None:
    world = slow_world()
    crowd(world, 2)
    world.now = NOON + timedelta(minutes=6)
    late = world.send(asked=1, enrollment="cart#0000000000000001", execution="x-1")
    assert late["outcome"] == "sent"  # by a new turn, so that the next one has to wait
    other = world.send(enrollment="cart#0000000000000000", execution="y")
    assert other["outcome"] == "deferred"


def test_what_is_worthless_by_its_turn_takes_none() -> None:
    world = slow_world(worthless_after_seconds=2)
    answers = crowd(world, 5)
    assert [each["outcome"] for each in answers] == ["sent", "deferred", *["suppressed"] * 3]
    assert {each["reason"] for each in answers[2:]} == {"worthless"}


def test_a_transactional_message_overtakes() -> None:
    world = slow_world()
    world.lanes = {"sms": SLOW}
    crowd(world, 50)
    world.program = message_program(purpose="transactional", channels=["sms"])
    world.put_enrollment("cart#00000000000000ff")
    answer = world.send(enrollment="cart#00000000000000ff", execution="t")
    assert answer["outcome"] == "sent"


@pytest.mark.parametrize("channel", ["push", "email"])
def test_channels_without_a_lane_do_not_wait(channel: str) -> None:
    world = slow_world(channels=[channel])
    world.put_consents(channel, purpose="service")
    assert {each["outcome"] for each in crowd(world, 4)} == {"sent"}
