"""The zone of the context: the one that was said last, in whatever order, and to whom of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.customers.profiles import OwnIds, apply_to_profile
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.events.told import TIME_PASSED, inside_event
from stepwell.profile.rules import ProfileRules
from stepwell.simulation.never.knowledge import Known
from stepwell.storage.operations import Item, Update
from stepwell.timestamps import to_text
from tests.support.world import START, World, event, identify, visit

DAY = timedelta(days=1)
BERLIN, TOKYO, PARIS = "Europe/Berlin", "Asia/Tokyo", "Europe/Paris"
NEVER = ProfileRules({"context": {"zone": False}})
DEVICE = "phone"


def said(zone: str, days: float = 0, *, late: float = 0, device: str | None = None) -> Event:
    """Of ada, or of a visitor on a device, so many days after the start; received `late` days
    later.
    """
    at = START + days * DAY
    who = {"user_id": None, "anonymous_id": device} if device else {}
    call = event("Seen", number=f"{zone}-{days}-{device}", at=at, context={"timezone": zone}, **who)
    return replace(call, received_at=at + late * DAY)


def join(days: float) -> Event:
    """The visitor on the device signs in as ada, by a call that says no zone."""
    return identify("ada", DEVICE, at=START + days * DAY)


def passed(world: World, days: float) -> Event:
    at = START + days * DAY
    return inside_event("t", TIME_PASSED, world.ada().customer, {}, at=at, received_at=at)


def profile_of(world: World) -> Item:
    return world.ada().profile or {}


def forget_times(world: World, customer: str) -> None:
    """As a profile was written before the time of the zone was kept."""
    world.store.write(Update(keys.profile(customer), remove=("context_zone_at",)))


def test_late_event_does_not_bring_an_older_zone_back() -> None:
    world = World()
    world.send(said(BERLIN, 20), said(TOKYO, 0, late=20))
    assert profile_of(world)["context_zone"] == BERLIN
    assert profile_of(world)["context_zone_at"] == to_text(START + 20 * DAY)


def test_zone_of_an_unknown_age_is_older_than_any() -> None:
    world = World()
    (sent,) = world.send(said(BERLIN))
    forget_times(world, sent.customer)
    world.send(event())
    assert profile_of(world)["context_zone"] == BERLIN
    world.send(said(TOKYO, -1, late=1))
    assert profile_of(world)["context_zone"] == TOKYO


def test_no_zone_is_no_word() -> None:
    world = World()
    world.send(said(BERLIN), said("Mars/Olympus", 1), said("", 2))
    assert profile_of(world)["context_zone"] == BERLIN
    assert profile_of(world)["context_zone_at"] == to_text(START)


def test_what_the_engine_tells_makes_nobodys_zone_newer() -> None:
    world = World()
    world.send(said(BERLIN), said(TOKYO, 60, device=DEVICE))
    world.send(passed(world, 70), join(80))
    assert profile_of(world)["context_zone"] == TOKYO


@pytest.mark.parametrize("days", [0, 2])
def test_a_join_asks_when_the_zone_was_said_not_who_spoke_last(days: int) -> None:
    world = World()
    world.send(said(BERLIN, days), said(TOKYO, 1, device=DEVICE))
    world.send(event("Seen", number="ada", at=START + 3 * DAY), join(4))
    newer = BERLIN if days > 1 else TOKYO
    assert profile_of(world)["context_zone"] == newer
    assert profile_of(world)["context_zone_at"] == to_text(START + max(days, 1) * DAY)


def test_of_two_zones_of_unknown_age_a_join_takes_that_of_who_was_written_last() -> None:
    for user, visitor, newer in ((0, 1, BERLIN), (1, 0, TOKYO)):
        world = World()
        ada, other = world.send(said(TOKYO, user), said(BERLIN, visitor, device=DEVICE))
        forget_times(world, ada.customer)
        forget_times(world, other.customer)
        world.send(join(2))
        assert profile_of(world)["context_zone"] == newer
        assert "context_zone_at" not in profile_of(world)


def test_a_join_takes_a_zone_of_known_age_before_one_that_was_written_since() -> None:
    world = World()
    ada, _ = world.send(said(BERLIN, 1), said(TOKYO, 0, device=DEVICE))
    forget_times(world, ada.customer)
    world.send(join(2))
    assert profile_of(world)["context_zone"] == TOKYO
    assert profile_of(world)["context_zone_at"] == to_text(START)


def test_a_join_brings_no_zone_back_that_is_not_to_be_kept() -> None:
    world = World()
    world.send(said(BERLIN), said(TOKYO, 1, device=DEVICE))
    world.router = replace(world.router, profile=NEVER)
    world.send(join(2))
    assert not {"context_zone", "context_zone_at"} & profile_of(world).keys()


# ------------------------------------------------------------------------- properties

WORDS = st.lists(
    st.tuples(st.sampled_from((BERLIN, TOKYO, PARIS)), st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda word: word[:2],
)


def newest(words: Sequence[tuple[str, int, bool]]) -> tuple[str, str]:
    """Of words of one moment the zone with the greatest name."""
    zone, days, _ = max(words, key=lambda word: (word[1], word[0]))
    return zone, to_text(START + days * DAY)


def zone_of(profile: Item) -> tuple[str, str]:
    return profile["context_zone"], profile["context_zone_at"]


@given(WORDS)
def test_any_order_gives_the_same_zone(words: list[tuple[str, int, bool]]) -> None:
    profile: Item | None = None
    for seq, (zone, days, _) in enumerate(words):
        known = Snapshot("c", profile=profile)
        profile = apply_to_profile(known, said(zone, days), seq, [], OwnIds("ada"))
    assert zone_of(profile or {}) == newest(words)


@given(WORDS)
def test_customers_who_become_one_are_where_one_would_have_been(
    words: list[tuple[str, int, bool]],
) -> None:
    """Some is said by ada and some by a visitor, in any order. What is sent is judged by the same
    zone, by a reckoning of its own.
    """
    world, known = World(), {True: Known(), False: Known()}
    world.send(event("Seen", number="ada"), visit(DEVICE))
    for zone, days, own in words:
        told = said(zone, days, late=9, device=None if own else DEVICE)
        world.send(told)
        known[own].learn(told)
    world.send(join(20))
    known[True].unite(known[False])
    assert zone_of(profile_of(world)) == newest(words)
    assert [zone.key for zone in known[True].zones()] == [newest(words)[0]]
