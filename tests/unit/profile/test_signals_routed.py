"""Signals by the router, with the rules that ship: once, in time, and of one person."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stepwell.events.model import Event
from stepwell.events.told import SEGMENT_ENTERED, SEGMENT_LEFT, SIGNAL_DETECTED, TIME_PASSED
from stepwell.journeys.compiler.project import read_project
from stepwell.profile.rules import ProfileRules
from tests.support.fakes import Crash, CrashError
from tests.support.world import START, World, event, identify, visit

DAY = timedelta(days=1)


@cache
def shipped() -> ProfileRules:
    return ProfileRules(read_project(Path()).profile)


@pytest.fixture
def world() -> World:
    return World(profile=shipped())


def chat(text: str, number: str = "1", at: datetime = START, **more: Any) -> Event:
    properties = {"channel": "chat", "text": text}
    return event("Message Received", number=number, at=at, properties=properties, **more)


def told(world: World) -> list[tuple[str, str]]:
    return [
        (each.name, each.properties.get("signal") or each.properties["segment"])
        for each in world.told
    ]


def segments(world: World) -> set[str]:
    return set((world.ada().profile or {})["segments"])


def time_passed(world: World, at: datetime) -> None:
    """What the sweep tells when a customer is due."""
    customer = world.ada().customer
    world.send(event(TIME_PASSED, number=str(at), at=at, customer=customer), at=at)


def test_an_urgent_message_is_told_once_and_again_when_it_comes_again(world: World) -> None:
    world.send(chat("help"), chat("help"))
    assert told(world) == [(SIGNAL_DETECTED, "urgency"), (SEGMENT_ENTERED, "frustrated")] * 2
    first, entered, again, _ = world.told
    assert first == again
    assert first.properties == {
        "signal": "urgency",
        "value": "high",
        "rule": "asks_for_help",
        "message_event": "Message Received-1",
    }
    assert [each.repeated for each in world.send(first, entered, again)] == [False, False, True]


def test_whoever_dies_before_telling_tells_when_the_event_comes_again(world: World) -> None:
    world.router = world.make_router(crash=Crash(1))
    with pytest.raises(CrashError):
        world.send(chat("help"))
    assert (told(world), segments(world)) == ([], {"frustrated"})
    (routed,) = world.send(chat("help"))
    assert routed.repeated
    assert told(world) == [(SIGNAL_DETECTED, "urgency"), (SEGMENT_ENTERED, "frustrated")]


def test_frustration_is_over_after_a_day_without_any_event(world: World) -> None:
    world.send(chat("help"))
    profile = world.ada().profile or {}
    # A waiting customer is the first that time changes.
    assert profile["due"][:16] == (START + timedelta(minutes=30)).isoformat()[:16]
    time_passed(world, START + timedelta(minutes=31))
    assert segments(world) == {"frustrated", "waiting"}
    time_passed(world, START + DAY - timedelta(seconds=1))
    assert segments(world) == {"frustrated", "waiting"}
    time_passed(world, START + DAY)
    assert segments(world) == {"waiting"}
    assert told(world)[-1] == (SEGMENT_LEFT, "frustrated")


def test_an_answer_ends_waiting_and_a_solution_ends_frustration(world: World) -> None:
    later = START + timedelta(hours=1)
    world.send(chat("help"), event("Message Answered", at=later))
    time_passed(world, later)
    assert segments(world) == {"frustrated"}
    world.send(chat("Great, it works now", "2", later + timedelta(minutes=5)))
    assert segments(world) == set()
    assert world.told[-2].properties["previous"] == "high"


def test_ten_promotions_unopened_are_sunset_until_one_is_opened(world: World) -> None:
    about = {"channel": "email", "purpose": "marketing"}
    sent = [
        event("Message Delivered", number=str(number), properties=about) for number in range(10)
    ]
    world.send(*sent[:9])
    assert segments(world) == set()
    service = {"channel": "email", "purpose": "service"}
    world.send(event("Message Delivered", number="service", properties=service))
    assert segments(world) == set()
    world.send(sent[9])
    assert segments(world) == {"sunset"}
    world.send(event("Message Opened", at=START + DAY, properties=about))
    assert segments(world) == set()


def test_a_case_is_open_until_it_is_resolved(world: World) -> None:
    world.send(event("Case Opened", properties={"case_id": "1"}))
    assert segments(world) == {"open_case"}
    world.send(event("Case Resolved", at=START + DAY, properties={"case_id": "1"}))
    assert segments(world) == set()


def test_what_a_visitor_wrote_is_known_of_whom_they_turn_out_to_be(world: World) -> None:
    world.send(event("Seen"), visit("phone", "Message Received", properties={"text": "help"}))
    world.send(identify(device="phone", at=START + timedelta(minutes=1)))
    profile = world.ada().profile or {}
    assert profile["signals"]["urgency"]["value"] == "high"
    assert "frustrated" in profile["segments"]
    assert len(profile["conversation"]["received"]) == 1


def test_events_that_are_no_messages_write_nothing_of_it(world: World) -> None:
    world.send(event("Product Added", properties={"text": "help"}))
    assert not {"signals", "conversation"} & (world.ada().profile or {}).keys()
