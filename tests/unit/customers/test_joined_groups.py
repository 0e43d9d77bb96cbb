"""Which group is the current one of two customers who become one: the one that was named last."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.customers.groups import current_group, groups_of
from stepwell.events.model import Event, EventType
from stepwell.events.told import TIME_PASSED, inside_event
from stepwell.storage.operations import Item, Update
from stepwell.timestamps import to_text
from tests.support.world import START, World, event, identify, visit

DAY = timedelta(days=1)
DEVICE = "phone"


def group(name: str, days: float, device: str | None = None, **traits: object) -> Event:
    """Of ada, or of a visitor on a device, received so many days after the start."""
    who = {"user_id": None, "anonymous_id": device} if device else {}
    more = {"type": EventType.GROUP, "group_id": name, "traits": traits}
    return event("", number=f"{name}-{days}-{device}", at=START + days * DAY, **more, **who)


def join(days: float) -> Event:
    return identify("ada", DEVICE, at=START + days * DAY)


def profile_of(world: World) -> Item:
    return world.ada().profile or {}


def forget_times(world: World, *customers: str) -> None:
    """As profiles were written before the time of the last group call was kept."""
    for each in customers:
        world.store.write(Update(keys.profile(each), remove=("groups_at",)))


def test_what_is_said_of_other_things_makes_no_group_the_newer_one() -> None:
    world = World()
    ada, _ = world.send(group("acme", 0), group("new", 60, DEVICE))
    at = START + 70 * DAY
    passed = inside_event("t", TIME_PASSED, ada.customer, {}, at=at, received_at=at)
    world.send(passed, event("Seen", at=at), join(80))
    assert current_group(profile_of(world)) == {"id": "new"}
    assert profile_of(world)["groups_at"] == to_text(START + 60 * DAY)


@pytest.mark.parametrize(("user", "visitor", "plan"), [(0, 1, "pro"), (1, 0, "free")])
def test_of_a_group_that_both_have_the_newer_word_counts(
    user: int, visitor: int, plan: str
) -> None:
    world = World()
    world.send(group("acme", user, plan="free"), group("acme", visitor, DEVICE, plan="pro"))
    world.send(event("Seen", at=START + 2 * DAY), join(3))
    assert groups_of(profile_of(world)) == {"acme": {"plan": plan}}


def test_who_has_no_group_gets_that_of_the_other() -> None:
    for first in (group("acme", 0), group("acme", 0, DEVICE)):
        world = World()
        world.send(event("Seen"), visit(DEVICE), first, join(1))
        assert current_group(profile_of(world)) == {"id": "acme"}
        assert profile_of(world)["groups_at"] == to_text(START)


def test_a_group_call_of_unknown_age_is_older_than_any() -> None:
    world = World()
    ada, _ = world.send(group("acme", 1), group("new", 0, DEVICE))
    forget_times(world, ada.customer)
    world.send(join(2))
    assert current_group(profile_of(world)) == {"id": "new"}


def test_of_two_of_unknown_age_that_of_who_was_written_last_counts() -> None:
    for user, visitor, newer in ((0, 1, "new"), (1, 0, "acme")):
        world = World()
        ada, other = world.send(group("acme", user), group("new", visitor, DEVICE))
        forget_times(world, ada.customer, other.customer)
        world.send(join(2))
        assert current_group(profile_of(world)) == {"id": newer}
        assert "groups_at" not in profile_of(world)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=6))
def test_customers_who_become_one_are_where_one_would_have_been(
    calls: list[tuple[str, bool]],
) -> None:
    """Some calls are ada's and some a visitor's, in order of receipt; of anybody, other calls
    follow.
    """
    world, one = World(), World()
    world.send(event("Seen"), visit(DEVICE))
    for number, (name, own) in enumerate(calls):
        world.send(group(name, number, None if own else DEVICE))
        one.send(group(name, number))
    world.send(event("Seen", number="2", at=START + 7 * DAY), join(8))
    assert current_group(profile_of(world)) == current_group(profile_of(one))
    assert profile_of(world)["groups_at"] == profile_of(one)["groups_at"]
