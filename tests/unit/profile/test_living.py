"""What events make of a living profile, by the router: traits, segments, lists and what is told."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from stepwell.events.told import SEGMENT_ENTERED, SEGMENT_LEFT, TIME_PASSED
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import customer_view
from stepwell.storage.memory import MemoryStore
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.world import START, World, event, identify, visit

COMPUTED = [
    {"name": "orders_30d", "kind": "count", "event": "Order", "within": 30 * 86_400},
    {"name": "spent", "kind": "sum", "event": "Order", "value": parse("event.properties.revenue")},
]


def rules(computed: list[dict[str, Any]] | None = None, **segments: str) -> ProfileRules:
    return ProfileRules(
        {
            "computed": COMPUTED if computed is None else computed,
            "segments": [{"name": name, "when": parse(when)} for name, when in segments.items()],
            "lists": ["beta"],
        }
    )


def order(number: str = "1", revenue: float = 100.0, **more: Any) -> Any:
    return event("Order", number=number, properties={"revenue": revenue}, **more)


def told(world: World) -> list[tuple[str, str]]:
    return [(each.name, each.properties["segment"]) for each in world.told]


def profile_of(world: World) -> dict[str, Any]:
    found = world.ada().profile
    assert found is not None
    return found


def computed(world: World) -> dict[str, Any]:
    view = customer_view(world.ada(), world.profile, START)
    found: dict[str, Any] = view["computed"].whole()
    return found


def test_an_event_is_counted_once_however_often_it_comes() -> None:
    world = World(profile=rules())
    world.send(order(), order(), order("2", 30.5), order())
    assert computed(world) == {"orders_30d": 2.0, "spent": 130.5}


def test_entering_and_leaving_are_told_once_and_again_on_redelivery() -> None:
    world = World(profile=rules(vip="customer.computed.spent >= 150.0"))
    world.send(order(), order("2"))
    assert told(world) == [(SEGMENT_ENTERED, "vip")]
    world.send(order("2"))  # redelivered: its teller may have died before it told
    assert told(world) == [(SEGMENT_ENTERED, "vip")] * 2
    first, again = world.told
    assert first == again
    routed = world.send(*world.told)
    assert [each.repeated for each in routed] == [False, True]
    world.send(order("3", -100.0))
    assert told(world)[2:] == [(SEGMENT_LEFT, "vip")]
    assert profile_of(world)["segments"] == {}


def test_a_segment_of_segments_follows_in_the_same_event() -> None:
    world = World(
        profile=rules(
            vip="customer.computed.spent >= 150.0",
            news="customer.segments.vip && customer.traits.likes == 'news'",
        )
    )
    world.send(identify(likes="news"), order(revenue=200.0))
    assert sorted(profile_of(world)["segments"]) == ["news", "vip"]
    world.send(identify(likes="quiet", number="2"))
    assert told(world)[-1] == (SEGMENT_LEFT, "news")


def test_time_alone_moves_a_customer_when_it_is_due() -> None:
    world = World(profile=rules(active="customer.computed.orders_30d >= 1.0"))
    world.send(order())
    profile = profile_of(world)
    later = START + timedelta(days=30)
    assert profile["due"].startswith(later.isoformat()[:16])
    assert profile["due_at"] >= profile["due"]
    assert profile["due_shard"].startswith("DUE#")
    customer = world.ada().customer
    swept = event(TIME_PASSED, number="due", at=later, customer=customer)
    world.send(swept, at=later)
    assert told(world) == [(SEGMENT_ENTERED, "active"), (SEGMENT_LEFT, "active")]
    assert not {"due", "due_at", "due_shard"} & profile_of(world).keys()


def test_lists_go_by_the_newest_word() -> None:
    world = World(profile=rules(testers="customer.lists.beta"))
    world.send(event("List Joined", properties={"list": "beta"}, at=START + timedelta(hours=2)))
    world.send(event("List Left", properties={"list": "beta"}, at=START))
    assert told(world) == [(SEGMENT_ENTERED, "testers")]
    (routed,) = world.send(event("List Joined", number="x", properties={"list": "gamma"}))
    assert routed.problems == ("List Joined: there is no such list",)


def test_joining_unites_what_was_counted() -> None:
    world = World(profile=rules(vip="customer.computed.spent >= 150.0"))
    at = START + timedelta(minutes=1)
    world.send(order(), visit("phone", "Order", properties={"revenue": 80.0}))
    assert told(world) == []
    world.send(identify(device="phone", at=at))
    assert computed(world) == {"orders_30d": 2.0, "spent": 180.0}
    assert told(world) == [(SEGMENT_ENTERED, "vip")]


def test_other_definitions_begin_anew_and_say_so() -> None:
    world = World(profile=rules(vip="customer.computed.spent >= 150.0"))
    world.send(order(revenue=200.0))
    changed = [*COMPUTED[:1], {"name": "spent", "kind": "max", "event": "Order", **_value()}]
    world.profile = rules(changed, vip="customer.computed.spent >= 250.0")
    world.router = world.make_router()
    assert customer_view(world.ada(), world.profile, START)["segments"]["vip"] is False
    world.send(order("2", 10.0))
    assert computed(world) == {"orders_30d": 2.0, "spent": 10.0}
    assert told(world)[-1] == (SEGMENT_LEFT, "vip")
    assert '"p":' in profile_of(world)["computed"]


def _value() -> dict[str, Any]:
    return {"value": parse("event.properties.revenue")}


@pytest.mark.parametrize("given", ["many", "x" * 65, 1e13, [1], None])
def test_a_value_that_cannot_be_kept_is_said_and_harms_nothing(given: Any) -> None:
    world = World(profile=rules())
    (routed,) = world.send(event("Order", properties={"revenue": given}))
    assert computed(world) == {"orders_30d": 1.0, "spent": 0.0}
    assert len(routed.problems) == 1
    assert "x" * 65 not in routed.problems[0]


@pytest.mark.parametrize("after", [False, True])
def test_whatever_crashes_a_change_is_told_and_applied_once(after: bool) -> None:
    for nth in itertools.count(1):
        store = MemoryStore()
        world = World(store=store, profile=rules(vip="customer.computed.spent >= 150.0"))
        crash = Crash(nth, after=after)
        world.router = world.make_router(CrashingStore(store, crash), crash)
        try:
            world.send(order(revenue=200.0))
        except CrashError:
            world.executions.crash = Crash(0)
            world.router = world.make_router()
            world.send(order(revenue=200.0))
        else:
            break
        assert computed(world)["spent"] == 200.0
        assert set(told(world)) == {(SEGMENT_ENTERED, "vip")}
        assert len({each.fingerprint for each in world.told}) == 1
    assert nth == 4  # reading, the transaction, telling
