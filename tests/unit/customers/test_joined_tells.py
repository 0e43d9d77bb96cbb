"""What is told once two customers are one: segments that are left, traits that the join changed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.customers.identity_rules import ANONYMOUS_ID
from stepwell.customers.merging import merge
from stepwell.events.model import Event
from stepwell.events.told import SEGMENT_ENTERED, SEGMENT_LEFT, TRAIT_CHANGED
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from stepwell.timestamps import to_text
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.programs import branch, entry, hold, program
from tests.support.world import START, World, event, identify, visit

MINUTE = timedelta(minutes=1)
IS_PRO = "customer.traits.plan == 'pro'"
VIP_LEFT = parse("event.properties.segment == 'vip'")
LISTENER = program("upgraded", entry=entry(TRAIT_CHANGED) | {"trait": "plan"}, exits=[])


def rules(**segments: str) -> ProfileRules:
    declared = [{"name": name, "when": parse(when)} for name, when in segments.items()]
    return ProfileRules({"segments": declared} if declared else {})


def pair(visitor: Any, user: Any, *, user_first: bool = False) -> list[Event]:
    """A visitor and a user, each with a word on their plan, a minute apart; no word is None."""
    said = [(visitor, {"user": None, "device": "a"}), (user, {"user": "ada", "device": None})]
    moments = (START + each * MINUTE for each in range(2))
    return [
        identify(**who, at=at, **({} if plan is None else {"plan": plan}))
        for at, (plan, who) in zip(moments, said[::-1] if user_first else said, strict=True)
    ]


def signed_in(number: int = 2, **more: Any) -> Event:
    """What joins them."""
    at = START + number * MINUTE
    return event("Signed In", anonymous_id="a", number=str(number), at=at, **more)


def told(world: World, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
    return [(each.name, each.properties) for each in world.told[since:]]


def entered(name: str) -> tuple[str, dict[str, Any]]:
    return SEGMENT_ENTERED, {"segment": name}


def left(name: str) -> tuple[str, dict[str, Any]]:
    return SEGMENT_LEFT, {"segment": name}


def changed(**properties: Any) -> tuple[str, dict[str, Any]]:
    return TRAIT_CHANGED, {"trait": "plan", **properties}


def told_of_the_join(world: World, before: Sequence[Event]) -> list[tuple[str, dict[str, Any]]]:
    world.send(*before)
    known = len(world.told)
    world.send(signed_in(), signed_in(3), signed_in(4))
    return told(world, known)


@pytest.mark.parametrize("waits_for_it", [False, True])
def test_a_visitor_s_enrollment_hears_that_the_person_is_not_in_the_segment(
    waits_for_it: bool,
) -> None:
    left_vip = {"event": SEGMENT_LEFT, "where": VIP_LEFT}
    journey = program(
        entry=entry(SEGMENT_ENTERED),
        exits=[] if waits_for_it else [left_vip],
        steps=[hold("wait", branch("left", SEGMENT_LEFT, where=VIP_LEFT))],
    )
    world = World(journey, profile=rules(vip=IS_PRO))
    visitor, _ = world.send(*pair("pro", "free"))
    world.send(*world.told)
    run = keys.enrollment(visitor.customer, "cart#one")
    assert (world.store.get(run) or {})["status"] == slots.ACTIVE
    world.send(signed_in())
    assert told(world) == [entered("vip"), left("vip")]
    world.send(*world.told[1:])
    item = world.store.get(run) or {}
    assert item["wait_outcome"] == ("left" if waits_for_it else slots.EXIT)
    world.send(signed_in(3))
    assert told(world)[2:] == []


def test_a_user_leaves_what_the_visitor_s_newer_word_ends() -> None:
    world = World(profile=rules(vip=IS_PRO))
    assert told_of_the_join(world, pair("free", "pro", user_first=True)) == [left("vip")]
    assert (world.ada().profile or {})["segments"] == {}


@pytest.mark.parametrize("user_first", [False, True])
def test_who_were_both_in_a_segment_entered_it_when_the_first_one_did(user_first: bool) -> None:
    world = World(profile=rules(vip=IS_PRO))
    assert told_of_the_join(world, pair("pro", "pro", user_first=user_first)) == []
    assert (world.ada().profile or {})["segments"] == {"vip": to_text(START)}


@pytest.mark.parametrize("user", [None, "free"])
def test_who_was_in_it_as_a_visitor_does_not_enter_it_again(user: str | None) -> None:
    world = World(profile=rules(vip=IS_PRO))
    at = to_text(START + (MINUTE if user else 0 * MINUTE))
    assert told_of_the_join(world, pair("pro", user, user_first=user is not None)) == []
    assert (world.ada().profile or {})["segments"] == {"vip": at}


def test_a_segment_is_entered_that_only_both_together_are_in() -> None:
    both = rules(both="customer.traits.plan == 'pro' && customer.traits.city == 'Paris'")
    world = World(profile=both)
    visitor, _ = pair("pro", None)
    ada = identify(city="Paris", at=START)
    assert told_of_the_join(world, [visitor, ada]) == [entered("both")]


@pytest.mark.parametrize("others", [{}, {"other": "customer.traits.plan == 'gold'"}])
def test_a_visitor_s_segment_that_is_not_declared_any_more_is_left(others: dict[str, str]) -> None:
    world = World(profile=rules(vip=IS_PRO))
    world.send(*pair("pro", "free"))
    world.profile = rules(**others)
    world.router = world.make_router()
    assert told_of_the_join(world, []) == [left("vip")]


def test_an_event_that_joins_three_leaves_what_any_of_them_was_in() -> None:
    conditions = {each: f"customer.traits.plan == '{each}'" for each in ("pro", "gold")}
    world = World(LISTENER, profile=rules(**conditions))
    world.send(identify(None, "a", plan="pro"))
    world.send(identify(None, "b", plan="gold", email="ada@example.com"))
    world.send(identify("ada", plan="free", at=START + MINUTE))
    known = len(world.told)
    at = START + 2 * MINUTE
    (routed,) = world.send(identify("ada", "a", email="ada@example.com", at=at))
    assert len(routed.merged) == 2
    assert told(world, known) == [left("pro"), left("gold")]


def test_a_trait_that_the_join_changed_is_told_once_by_the_word_of_who_remains() -> None:
    world = World(LISTENER)
    before = pair("pro", "free", user_first=True)
    assert told_of_the_join(world, before) == [changed(value="pro", previous="free")]
    assert "traits_before" not in (world.ada().profile or {})


def test_a_trait_that_the_join_took_away_is_told() -> None:
    world = World(LISTENER)
    user, _ = pair(None, "free", user_first=True)
    visitor = event("", number="v", type=identify().type, **_device(), at=START + MINUTE)
    assert told_of_the_join(world, [user, visitor]) == [changed(previous="free")]


def _device() -> dict[str, Any]:
    return {"user_id": None, "anonymous_id": "a", "traits": {"plan": None}}


@pytest.mark.parametrize(
    ("visitor", "user", "user_first"),
    [
        ("pro", "free", False),  # the user's word is the newer one: nothing changed for them
        ("pro", "pro", True),
        ("pro", None, True),  # told of the visitor
    ],
)
def test_no_trait_is_told_a_second_time(visitor: str, user: str | None, user_first: bool) -> None:
    world = World(LISTENER)
    assert told_of_the_join(world, pair(visitor, user, user_first=user_first)) == []


@pytest.mark.parametrize(
    ("heard", "kept"), [({"plan", "city"}, '{"plan":"free"}'), ({"city"}, None)]
)
def test_the_word_of_before_is_kept_of_traits_that_journeys_listen_to(
    heard: set[str], kept: str | None
) -> None:
    world = World()
    world.send(*pair("pro", "free", user_first=True), identify(city="Paris", at=START))
    winner, loser = world.ada(), world.person("a", ANONYMOUS_ID)
    operations = merge(
        winner, loser, by="user_id", event="e", now=START, rules=world.profile, heard=heard
    )
    world.store.transact(operations)
    assert (world.ada().profile or {}).get("traits_before") == kept
    world.send(signed_in())
    assert "traits_before" not in (world.ada().profile or {})


def test_a_call_that_joins_and_says_a_trait_is_told_as_one_change() -> None:
    world = World(LISTENER)
    world.send(*pair("pro", "free", user_first=True))
    known, at = len(world.told), START + 2 * MINUTE
    world.send(identify("ada", "a", plan="gold", at=at))
    assert told(world, known) == [changed(value="gold", previous="free")]


def test_a_call_that_says_again_what_was_before_the_join_tells_of_no_change() -> None:
    world = World(LISTENER, profile=rules(free="customer.traits.plan == 'free'"))
    world.send(*pair("pro", "free", user_first=True))
    known = len(world.told)
    world.send(identify("ada", "a", plan="free", at=START + 2 * MINUTE))
    assert told(world, known) == []
    assert list((world.ada().profile or {})["segments"]) == ["free"]


def test_of_two_joins_before_anything_is_told_the_word_before_the_first_one_counts() -> None:
    world = World(LISTENER)
    world.send(*pair("pro", "free", user_first=True))
    world.send(identify(None, "b", plan="free", email="ada@example.com", at=START + 2 * MINUTE))
    known, at = len(world.told), START + 3 * MINUTE
    (routed,) = world.send(identify("ada", "a", email="ada@example.com", at=at))
    assert len(routed.merged) == 2
    assert told(world, known) == []


def joined_world(store: MemoryStore) -> World:
    world = World(LISTENER, store=store, profile=rules(vip="customer.traits.plan == 'free'"))
    world.send(*pair("pro", "free", user_first=True))
    world.told.clear()
    return world


EXPECTED = [changed(value="pro", previous="free"), left("vip")]


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_whatever_crashes_a_join_is_told_of_once(after: bool, between: bool) -> None:
    """Also when another event of the person comes before the one that joins is applied."""
    for nth in itertools.count(1):
        store = MemoryStore()
        world = joined_world(store)
        crash = Crash(nth, after=after)
        world.router = world.make_router(CrashingStore(store, crash), crash)
        try:
            world.send(signed_in())
        except CrashError:
            world.executions.crash = Crash(0)
            world.router = world.make_router()
            world.send(*[visit("a", at=START + 3 * MINUTE)] * between, signed_in())
        else:
            break
        once = {each.fingerprint: each for each in world.told}
        assert [(each.name, each.properties) for each in once.values()] == EXPECTED, f"call {nth}"
    assert nth > 6
