"""Whatever the order of events at the router was, the archive gives the traits that it kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.events.model import Event
from stepwell.events.told import TIME_PASSED
from stepwell.profile.recomputing import Settled
from tests.support.fakes import plain_hasher
from tests.support.recomputing import RULES, forget, in_receipt_order, recomputation, settle, values
from tests.support.world import START, World, alias, event, identify, visit

USERS, DEVICES = st.sampled_from(("ada", "bob")), st.sampled_from("abc")
MINUTES = st.integers(0, 5 * 24 * 60)
CALLS = st.one_of(
    st.tuples(st.just("order"), USERS, st.integers(-3, 6)),
    st.tuples(st.just("order"), USERS, st.integers(-3, 6)),
    st.tuples(st.just("visit"), DEVICES, st.integers(-3, 6)),
    st.tuples(st.just("visit"), DEVICES, st.integers(-3, 6)),
    st.tuples(st.just("seen"), USERS, st.just(0)),
    st.tuples(st.just("login"), USERS, DEVICES),
    st.tuples(st.just("alias"), st.just("ada"), st.just("eve")),
    st.tuples(st.just("passed"), USERS, st.just(0)),
)
STORIES = st.lists(
    st.tuples(CALLS, MINUTES, st.integers(0, 600), st.booleans()), min_size=25, max_size=90
)


def told(
    number: int, call: tuple[str, str, Any], happened: int, late: int, world: World
) -> Event | None:
    kind, who, what = call
    at = START + timedelta(minutes=happened)
    more = {"at": at, "received_at": at + timedelta(minutes=late)}
    name = str(number)
    match kind:
        case "order":
            return event("Order", number=name, user_id=who, properties={"x": what}, **more)
        case "visit":
            order = visit(who, "Order", number=name, properties={"x": what}, at=at)
            return later(order, more["received_at"])
        case "seen":
            return event("Seen", number=name, user_id=who, **more)
        case "login":
            return later(identify(who, what, number=name, at=at), more["received_at"])
        case "alias":
            return later(alias(who, what), more["received_at"])
    found = world.store.get(keys.identity("user_id", plain_hasher("user_id", who)))
    customer = found["customer"] if found else None
    if customer is None:
        return None
    return event(TIME_PASSED, number=name, user_id=None, customer=customer, **more)


def later(one: Event, at: datetime) -> Event:
    return replace(one, received_at=at)


@settings(max_examples=20)
@given(STORIES, st.randoms(use_true_random=False))
def test_the_archive_gives_what_the_router_kept(given: list[Any], random: Any) -> None:
    world = World(profile=RULES)
    archive: list[Event] = []
    stories = list(enumerate(given))
    random.shuffle(stories)  # groups overtake each other
    for number, (call, happened, late, again) in stories:
        one = told(number, call, happened, late, world)
        if one is None:
            continue
        world.send(one)
        archive.append(one)
        if again:
            archive.append(one)
            world.send(random.choice(archive))
    found = recomputation(world)
    for one in in_receipt_order(archive):
        found.take([one])
    until = START + timedelta(days=6)
    kept = values(world, RULES, until)
    assert settle(found, world) == Settled(already=len(kept))
    forget(world)
    found = recomputation(world)
    found.take(in_receipt_order(archive))
    assert settle(found, world) == Settled(written=len(kept))
    assert values(world, RULES, until) == kept
