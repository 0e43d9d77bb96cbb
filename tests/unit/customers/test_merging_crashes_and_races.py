"""Joining two customers: a crash at every call, redeliveries, races."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest

from stepwell.customers import slots
from stepwell.customers.routing import Routed
from stepwell.events.model import Event
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.joins import DEVICE, PROGRAMS, arm_all, at_moment, consent, items
from tests.support.races import together
from tests.support.world import START, AskedStore, World, event, identify, visit


def story() -> list[Event]:
    """A visitor and a user, each under way, become one; both had begun the same journey."""
    minutes = iter(range(100))
    moments = (START + timedelta(minutes=each) for each in minutes)
    events = [
        visit("a", "Started", number="1"),
        visit("a", "Began", number="1"),
        consent("revoked", **DEVICE),
        event("Started", number="2"),
        consent("granted"),
        identify(None, "a", email="ada@example.com", city="London"),
        identify("ada", city="Paris"),
        event("Signed In", anonymous_id="a"),
        event("Acted"),
        visit("a", "Ordered", number="3"),
        event("Seen"),
    ]
    return [at_moment(each, moment) for each, moment in zip(events, moments, strict=False)]


def told(world: World) -> list[str]:
    """Everything that is stored, with the customers named by what they are."""
    person = world.ada()
    names = {person.customer: "ADA"}
    former = (person.profile or {}).get("former", [])
    names |= {each: f"FORMER {number}" for number, each in enumerate(former)}
    stored = items(world)
    lines = sorted(json.dumps([t, pk, sk, item], sort_keys=True) for t, pk, sk, item in stored)
    asked = sorted({json.dumps(call[:3]) for call in world.executions.calls if call[0] != "start"})
    asked += sorted({json.dumps(call[1:3]) for call in world.executions.of("start")})
    text = "\n".join([*lines, *asked])
    for customer, name in sorted(names.items(), reverse=True):
        text = text.replace(f"{customer}#", f"{name}#").replace(f'{customer}"', f'{name}"')
        text = text.replace(f"{customer}-", f"{name}-").replace(f"{customer}/", f"{name}/")
    return sorted(text.splitlines())


def calm() -> World:
    world = World(*PROGRAMS)
    for each in story():
        world.send(each)
        arm_all(world)
    return world


def count_calls() -> int:
    world, crash = World(*PROGRAMS), Crash(0)
    for each in story():
        world.make_router(CrashingStore(world.store, crash), crash).route(each, each.received_at)
        arm_all(world)
    return crash.calls


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_call_and_a_redelivery_give_the_same(after: bool) -> None:
    expected, calls = told(calm()), count_calls()
    assert calls > 40
    for number in range(1, calls + 1):
        world, crash = World(*PROGRAMS), Crash(number, after=after)
        for each in story():
            router = world.make_router(CrashingStore(world.store, crash), crash)
            try:
                router.route(each, each.received_at)
            except CrashError:
                world.executions.crash = Crash(0)
                world.make_router().route(each, each.received_at)
            world.executions.crash = Crash(0)
            arm_all(world)
        assert told(world) == expected, f"call {number}"


def test_all_events_again_change_nothing() -> None:
    world = calm()
    before = told(world)
    again = world.send(*story(), at=START + timedelta(hours=3))
    assert all(each.repeated for each in again)
    assert told(world) == before


def test_the_story_ends_as_it_should() -> None:
    world = calm()
    person = world.ada()
    assert person.traits == {"city": "Paris", "email": "ada@example.com"}
    assert person.consent_view() == {"marketing": {"sms": False}}
    ended = {
        (item["journey"], item["outcome"], item["reason"])
        for _, _, _, item in items(world)
        if item.get("status") == slots.ENDED
    }
    assert ended == {
        ("cart", "replaced", "merged"),
        ("cart", "exited", "Ordered"),
        ("again", "replaced", "merged"),
        ("other", "exited", "Ordered"),
    }


def test_who_remained_is_read_once_after_the_join() -> None:
    """Nothing of the join is awaited at their enrollments: it wrote none of them."""
    store = AskedStore()
    world = World(*PROGRAMS, store=store)
    world.send(visit("a", "Started", number="1"), event("Started", number="2"))
    store.asked.clear()
    world.send(event("Signed In", anonymous_id="a"))
    # Both to be joined; then by each of their two ids who remained, with whom they were.
    assert len(store.asked) == 2 + 5


# ------------------------------------------------------------------------- races


def race(world: World, *lanes: list[Event]) -> list[Routed]:
    routed: list[Routed] = []

    def run(lane: list[Event]) -> None:
        router = world.make_router()
        routed.extend(router.route(each, each.received_at) for each in lane)

    together(*(partial(run, lane) for lane in lanes))
    return routed


def test_events_of_both_while_they_become_one_are_all_applied_once() -> None:
    for turn in range(30):
        world = World(*PROGRAMS)
        world.send(visit("a", number="first"), event("Seen", number="first"))
        lanes = [
            [visit("a", "Started", number=f"v{n}") for n in range(3)],
            [event("Started", number=f"u{n}") for n in range(3)],
            [event("Signed In", number="join", anonymous_id="a")],
            [identify("ada", "a", number="join too", email="ada@example.com")],
        ]
        routed = race(world, *lanes)
        world.send(event("Seen", number="last"), event("Seen", number="very last"))
        person = world.ada()
        assert world.person("a", "anonymous_id").customer == person.customer, turn
        assert len(routed) == 8
        assert {each.repeated for each in routed} == {False}
        markers = [item for _, pk, _, item in items(world) if pk.startswith("EVENT#")]
        assert len(markers) == 12
        by_customer: dict[str, list[int]] = {}
        for item in markers:
            by_customer.setdefault(item["customer"], []).append(item["seq"])
        assert all(len(set(each)) == len(each) for each in by_customer.values())
        active = [
            name for _, name, item in person.all_enrollments() if item["status"] == slots.ACTIVE
        ]
        assert sorted(active) == ["again#one", "cart#one"], turn


def test_two_who_sign_in_on_one_device_at_once_are_two() -> None:
    for _ in range(30):
        world = World(*PROGRAMS)
        world.send(visit("a", number="first"))
        race(
            world,
            [event("Signed In", anonymous_id="a")],
            [event("Signed In", number="2", user_id="bob", anonymous_id="a")],
        )
        ada, bob = world.person("ada"), world.person("bob")
        assert ada.customer != bob.customer
        assert world.person("a", "anonymous_id").customer in (ada.customer, bob.customer)


def test_two_joins_that_meet_make_one_customer() -> None:
    """a is b by an email, b is c by a sign-in, both at once."""
    for _ in range(30):
        world = World(*PROGRAMS)
        world.send(identify(None, "a", email="x@example.com"), visit("b"), event("Seen"))
        race(
            world,
            [identify(None, "b", email="x@example.com")],
            [event("Signed In", anonymous_id="b")],
        )
        world.send(identify(None, "b", email="x@example.com", number="again"))
        assert world.person("a", "anonymous_id").customer == world.ada().customer
        assert world.person("x@example.com", "email").customer == world.ada().customer
