"""Two customers become one: traits, consents, caps, and what is left of the other."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.customers.identity_rules import IdentityRules
from stepwell.customers.snapshot import load_snapshot
from stepwell.customers.traits import Traits, read_traits, said
from stepwell.events.model import Event
from stepwell.storage.operations import Put, TableName
from stepwell.timestamps import to_text
from tests.support.world import START, AskedStore, World, event, identify, visit


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def consent(status: str, minutes: float, channel: str = "sms", **who: Any) -> Event:
    properties = {"purpose": "marketing", "channel": channel, "status": status}
    number = f"{status}-{minutes}-{sorted(who.items())}"
    return event("Consent Updated", number=number, properties=properties, at=at(minutes), **who)


DEVICE: dict[str, Any] = {"user_id": None, "anonymous_id": "a"}


def joined(world: World) -> str:
    """Signs the visitor with device `a` in as ada; who they were."""
    (routed,) = world.send(event("Signed In", number="join", anonymous_id="a", at=at(60)))
    (former,) = routed.merged
    return former


def test_the_newest_word_on_each_trait_counts() -> None:
    world = World()
    world.send(
        identify("ada", plan="free", city="London", at=at(0), number="1"),
        identify(None, "a", plan="pro", city="Paris", size="M", at=at(1), number="2"),
        identify("ada", city="Leeds", at=at(2), number="3"),
    )
    joined(world)
    assert world.ada().traits == {"plan": "pro", "city": "Leeds", "size": "M"}


def test_of_two_words_of_one_moment_that_of_who_remains_counts() -> None:
    world = World()
    world.send(identify(None, "a", plan="pro", number="1"), identify("ada", plan="free"))
    joined(world)
    assert world.ada().traits == {"plan": "free"}


def test_a_trait_that_was_removed_since_does_not_come_back() -> None:
    world = World()
    world.send(
        identify(None, "a", plan="pro", at=at(0), number="1"),
        identify("ada", plan="free", at=at(1), number="2"),
        identify("ada", plan=None, at=at(2), number="3"),
    )
    joined(world)
    assert world.ada().traits == {}


def test_an_identify_call_that_comes_late_does_not_replace_a_newer_word() -> None:
    world = World()
    world.send(identify(plan="pro", at=at(10), number="1"))
    late = identify(plan="free", city="London", at=at(0), number="2")
    world.router.route(late, at(11))
    assert world.ada().traits == {"plan": "pro", "city": "London"}


@pytest.mark.parametrize(
    ("visitor", "user", "stays"),
    [
        ("revoked", "granted", "revoked"),
        ("granted", "revoked", "revoked"),
        ("granted", "granted", "granted"),
        ("granted", None, "granted"),
        ("revoked", None, "revoked"),
        (None, "granted", "granted"),
    ],
)
@pytest.mark.parametrize("visitor_first", [True, False])
def test_of_two_answers_the_stricter_one_counts(
    visitor: str | None, user: str | None, stays: str, visitor_first: bool
) -> None:
    world = World()
    order = (0, 1) if visitor_first else (1, 0)
    world.send(visit("a", number="0"), event("Seen"))
    for status, minutes, who in ((visitor, order[0], DEVICE), (user, order[1], {})):
        if status:
            world.send(consent(status, minutes, **who))
    joined(world)
    grant = (world.ada().consents or {})["grants"]["marketing#sms"]
    assert grant["status"] == stays


def test_an_answer_after_the_join_counts_as_any_later_one() -> None:
    world = World()
    world.send(consent("revoked", 0, **DEVICE), consent("granted", 1))
    joined(world)
    world.send(consent("granted", 70))
    assert world.ada().consent_view() == {"marketing": {"sms": True}}


def unit(message: str, minutes: float, state: str = "confirmed") -> dict[str, str]:
    moment = to_text(at(minutes))
    return {"message": message, "at": moment, "channel": "sms", "purpose": "m", "state": state}


def test_cap_units_are_united_by_message_and_found_from_the_other_id() -> None:
    world = World()
    visitor, ada = world.send(visit("a"), event("Seen"))
    ours = {"version": 4, "units": [unit("one", 0), unit("two", 5, "reserved")]}
    theirs = {"version": 9, "units": [unit("two", 6), unit("three", 1)]}
    world.store.write(Put(keys.caps(ada.customer), ours))
    world.store.write(Put(keys.caps(visitor.customer), theirs))
    joined(world)
    united = world.store.get(keys.caps(ada.customer)) or {}
    assert united["version"] == 5
    assert united["units"] == [unit("one", 0), unit("three", 1), unit("two", 6)]
    pointer = world.store.get(keys.caps(visitor.customer)) or {}
    assert (pointer["merged_into"], pointer["version"]) == (ada.customer, 10)


def test_a_join_waits_for_a_cap_that_is_reserved_meanwhile() -> None:
    """The units are read with the customer and written on the condition that they are as read."""
    world = World()
    visitor, ada = world.send(visit("a"), event("Seen"))
    transact, done = world.store.transact, list[int]()

    def meanwhile(operations: Any) -> None:
        if not done:
            done.append(1)
            item = {"version": 1, "units": [unit("late", 59)]}
            world.store.write(Put(keys.caps(visitor.customer), item))
        transact(operations)

    world.store.transact = meanwhile  # type: ignore[method-assign]
    joined(world)
    units = (world.store.get(keys.caps(ada.customer)) or {})["units"]
    assert [each["message"] for each in units] == ["late"]


def test_what_is_left_of_the_other_is_a_pointer_without_anything_personal() -> None:
    world = World()
    world.send(identify(None, "a", email="ada@example.com", first_name="Ada"), event("Seen"))
    former = joined(world)
    left = load_snapshot(world.store, former).profile or {}
    assert left["merged_into"] == world.ada().customer
    assert set(left) == {
        *("pk", "sk", "merged_into", "winner_seq", "winner_consents"),
        *("seq", "touched", "created_at", "updated_at"),
    }
    records = world.store.query(
        TableName.RECORDS, keys.partition(world.ada().customer), prefix=keys.MERGED_PREFIX
    )
    assert [(each["customer"], each["by"]) for each in records] == [(former, "anonymous_id")]


def test_addresses_devices_groups_and_places_are_united() -> None:
    world = World()

    def device(name: str) -> dict[str, Any]:
        return {"device": {"token": name}, "timezone": "Europe/Paris"}

    world.send(
        identify(None, "a", phone="+447700900123", context=device("t1"), at=at(1)),
        identify("ada", email="ada@example.com", timezone="Europe/London", at=at(0)),
        event("Seen", context={"device": {"token": "t2"}}),
    )
    joined(world)
    profile = world.ada().profile or {}
    assert profile["addresses"] == {
        "email": "ada@example.com",
        "sms": "+447700900123",
        "push": ["t1", "t2"],
    }
    assert (profile["zone"], profile["context_zone"]) == ("Europe/London", "Europe/Paris")


def test_a_chain_of_joins_leads_to_who_remained() -> None:
    world = World()
    first, second = world.send(
        identify(None, "a", email="ada@example.com", at=at(0)), visit("b", at=at(1))
    )
    world.send(identify(None, "b", email="ada@example.com", number="2", at=at(2)))
    (ada,) = world.send(event("Seen", at=at(3)))
    (last,) = world.send(event("Signed In", anonymous_id="b", at=at(4)))
    assert last.customer == ada.customer
    assert last.merged == (first.customer,)
    assert world.person("a", "anonymous_id").customer == ada.customer
    (device,) = world.send(visit("b", number="9", at=at(5)))
    assert device.customer == ada.customer
    assert set((world.ada().profile or {})["former"]) == {first.customer, second.customer}


def test_identities_of_the_other_are_moved_when_they_are_named_next() -> None:
    store = AskedStore()
    world = World(store=store, rules=IdentityRules(trusts_addresses=True))
    world.send(identify(None, "a", email="ada@example.com"), event("Seen"))
    former, own = joined(world), keys.partition(world.ada().customer)
    store.asked.clear()
    world.send(identify(None, "b", email="ada@example.com", at=at(70)))
    assert store.asked == [keys.partition(former), own]
    store.asked.clear()
    world.send(identify(None, "b", email="ada@example.com", at=at(71), number="2"))
    assert store.asked == [own]


# ------------------------------------------------------------------------- properties

_times = st.integers(0, 5)
_words = st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 1, 2]), max_size=3)
_said = st.lists(st.tuples(_times, _words), max_size=5)


def told(calls: list[tuple[int, dict[str, Any]]]) -> Traits:
    traits = read_traits(None)
    for minutes, words in calls:
        traits = read_traits({**traits.united(said(words, at(minutes))).items()})
    return traits


@given(_said)
def test_traits_do_not_depend_on_the_order_in_which_they_are_told(
    calls: list[tuple[int, dict[str, Any]]],
) -> None:
    """Apart from words of one moment, of which the one that comes last counts."""
    distinct = list({minutes: (minutes, words) for minutes, words in calls}.values())
    results = {
        tuple(sorted(told(list(each)).values.items())) for each in itertools.permutations(distinct)
    }
    assert len(results) == 1


@given(_said, _said)
def test_customers_who_become_one_know_what_one_would_have_known(
    ours: list[tuple[int, dict[str, Any]]], theirs: list[tuple[int, dict[str, Any]]]
) -> None:
    """Split at random, the words of distinct moments give the same traits when they are united."""
    moments: dict[int, tuple[dict[str, Any], bool]] = {}
    for calls, own in ((ours, True), (theirs, False)):
        for minutes, words in calls:
            moments.setdefault(minutes, (words, own))
    all_words = [(minutes, words) for minutes, (words, _) in moments.items()]
    split = [
        told([(minutes, words) for minutes, (words, own) in moments.items() if own is which])
        for which in (False, True)
    ]
    assert split[0].united(split[1]).values == told(sorted(all_words)).values


@given(_said)
def test_traits_are_read_as_they_were_written(calls: list[tuple[int, dict[str, Any]]]) -> None:
    traits = told(calls)
    assert read_traits(dict(traits.items())) == traits
