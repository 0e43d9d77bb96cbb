"""Moments, texts and values as no designer thinks of them: nothing fails on them, then or later."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.events.model import Event, from_message, to_message
from stepwell.events.told import SEGMENT_ENTERED, TIME_PASSED, TRAIT_CHANGED, Told, told_event
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.journeys.compiler.profile.computed import MAX_BYTES, size_of
from stepwell.profile.living import live
from stepwell.profile.rules import ProfileRules
from tests.support.world import START, World, event, identify

DAY = timedelta(days=1)


def rules(computed: list[dict[str, Any]] | None = None, **segments: str) -> ProfileRules:
    conditions = [{"name": name, "when": parse(when)} for name, when in segments.items()]
    return ProfileRules({"computed": computed or [], "segments": conditions})


def segments(world: World) -> list[str]:
    return list((world.ada().profile or {})["segments"])


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "9999-12-31T23:58:00.5Z"])
def test_what_is_valid_for_ever_is_never_due(until: str) -> None:
    world = World(profile=rules(valid="timestamp(customer.traits.until) > now"))
    world.send(identify(until=until))
    assert segments(world) == ["valid"]
    assert "due" not in (world.ada().profile or {})


@pytest.mark.parametrize("bound", ["10000000.0", "1e308"])
def test_days_that_no_calendar_has_are_never_due(bound: str) -> None:
    idle = {"name": "idle", "kind": "days_since", "event": "Order"}
    when = f"customer.computed.idle >= 30.0 && customer.computed.idle < {bound}"
    world = World(profile=rules([idle], lapsed=when))
    world.send(event("Order"))
    for number, day in enumerate((30, 31, 40)):
        world.send(event(TIME_PASSED, number=f"passed {number}", at=START + day * DAY))
    assert segments(world) == ["lapsed"]
    assert (world.ada().profile or {})["seq"] == 4


def test_an_event_of_the_year_one_is_of_1970() -> None:
    """The zero of Go and .NET. Hours of it are none in zones west of Greenwich."""
    hours = {"name": "hours", "kind": "histogram", "event": "Order"}
    world = World(profile=rules([hours], early="customer.computed.hours.by_hour[19] >= 1.0"))
    world.send(identify(timezone="America/New_York"))
    old = replace(event("Order"), timestamp=datetime(1, 1, 1, tzinfo=UTC))
    world.send(from_message(to_message(old)))
    assert segments(world) == ["early"]


@pytest.mark.parametrize("sign", ["д", "中", "😀", '"', "\\", "\x01", "é"])
def test_a_profile_stays_as_small_as_the_compiler_says(sign: str) -> None:
    """It counts characters; no text takes more than twice as many bytes where it is written."""
    value = parse("event.properties.x")
    traits = [
        {"name": "d", "kind": "distinct", "event": "E", "value": value, "at_most": 200},
        {"name": "f", "kind": "most_frequent", "event": "E", "value": value},
        {"name": "l", "kind": "last", "event": "E", "value": value},
    ]
    world = World(profile=rules(traits))
    for number in range(220):
        text = f"{sign * 60}{number:03}"
        for length in (len(text), 20, 40):
            called = f"{number} {length}"
            world.send(event("E", number=called, properties={"x": text[-length:]}))
    kept = (world.ada().profile or {})["computed"]
    assert len(kept.encode()) <= 2 * sum(map(size_of, traits)) < 2 * MAX_BYTES
    assert json.loads(kept)["s"]


def test_half_a_letter_is_not_counted() -> None:
    """UTF-16 has halves, which JSON may have alone, and no table takes."""
    value = parse("event.properties.x")
    world = World(profile=rules([{"name": "l", "kind": "last", "event": "E", "value": value}]))
    world.send(event("E", properties={"x": "\ud800"}))
    assert '"s":{}' in (world.ada().profile or {})["computed"]


@pytest.mark.parametrize(
    ("one", "two", "is_told"),
    [(1, True, True), (False, 0, True), ([1], [True], True), ({"a": 1}, {"a": 1}, False)],
)
def test_one_and_true_are_two(one: Any, two: Any, is_told: bool) -> None:
    world = World(profile=rules(vip="customer.traits.vip == true"))
    world.send(identify(number="1", vip=one))
    before = world.ada()
    said = identify(number="2", vip=two)
    profile = {**(before.profile or {}), "traits": json.dumps({"vip": two})}
    lived = live(
        said,
        before,
        before.with_profile(profile, before.consents),
        world.profile,
        START,
        [],
        heard={"vip"},
    )
    told = [each.properties for each in lived.tells if each.name == TRAIT_CHANGED]
    assert told == ([{"trait": "vip", "value": two, "previous": one}] if is_told else [])
    world.send(said)
    assert segments(world) == (["vip"] if two is True else [])


def test_what_time_has_done_is_of_now_however_late_the_event_it_is_found_with() -> None:
    """A journey would not begin by what is old."""
    idle = {"name": "last", "kind": "last", "event": "Order"}
    when = 'now - customer.computed.last > duration("720h")'
    old_hand = "customer.traits.plan == 'old'"
    world = World(profile=rules([idle], lapsed=when, old=old_hand))
    world.send(event("Order"))
    late, now = START + 29 * DAY, START + 31 * DAY
    cause = event("Seen", number="late", at=late, received_at=now)
    world.send(cause)
    (told,) = [each for each in world.told if each.name == SEGMENT_ENTERED]
    assert (told.properties, told.timestamp) == ({"segment": "lapsed"}, now)
    assert world.send(cause)[0].repeated
    assert [each.timestamp for each in world.told] == [now, now]
    said = replace(identify(number="said", plan="old", at=late), received_at=now)
    world.send(said)
    (_, _, told) = [each for each in world.told if each.name == SEGMENT_ENTERED]
    assert (told.properties, told.timestamp) == ({"segment": "old"}, late)


def test_hours_of_another_zone_are_others() -> None:
    hours = {"name": "hours", "kind": "histogram", "event": "Order"}
    world = World(profile=rules([hours], night="customer.computed.hours.by_hour[3] >= 1.0"))
    world.send(event("Order", at=datetime(2026, 11, 24, 2, 30, tzinfo=UTC)))
    assert segments(world) == []
    world.send(identify(number="moved", timezone="Europe/Berlin"))
    assert segments(world) == ["night"]


def test_a_told_event_is_the_same_one_whenever_it_is_told() -> None:
    cause: Event = event("Seen")
    one = Told(SEGMENT_ENTERED, "a", {"segment": "a"}, by_time=True)
    assert Told(*json.loads(json.dumps(one.document()))) == one
    assert (
        told_event(one, cause, "c1").id == told_event(replace(one, by_time=False), cause, "c1").id
    )
