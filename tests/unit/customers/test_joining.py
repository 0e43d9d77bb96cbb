"""Which customer an event belongs to, whom it joins, and what bounds a wrong join."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.customers.identity_rules import (
    ANONYMOUS_ID,
    DEVICE_TOKEN,
    EMAIL,
    PHONE,
    IdentityRules,
)
from stepwell.events.model import EventType
from stepwell.storage.operations import TableName
from tests.support.joins import limited
from tests.support.programs import entry, program
from tests.support.world import START, AskedStore, World, alias, event, identify, visit


def refusals(world: World, customer: str) -> set[tuple[str, str]]:
    """(kind, why) of what is recorded as named and not joined."""
    items = world.store.query(
        TableName.RECORDS, keys.partition(customer), prefix=keys.NOT_JOINED_PREFIX
    )
    return {(each["kind"], each["why"]) for each in items}


# ------------------------------------------------------------------------- what joins


def test_a_visitor_who_signs_in_as_somebody_known_becomes_them() -> None:
    world = World()
    visitor, known = world.send(visit("a"), event("Seen"))
    assert visitor.customer != known.customer
    joined, later = world.send(
        event("Signed In", anonymous_id="a"), visit("a", "Seen", number="later")
    )
    assert joined.customer == later.customer == known.customer
    assert joined.merged == (visitor.customer,)
    assert world.ada().profile is not None
    assert (world.ada().profile or {})["anonymous_ids"] == ["a"]
    assert (world.ada().profile or {})["former"] == [visitor.customer]


def test_visitors_who_tell_one_email_are_one_and_become_the_user_who_tells_it() -> None:
    world = World()
    (first,) = world.send(identify(None, "a", email="Ada@Example.com"))
    (second,) = world.send(identify(None, "b", email=" ada@example.COM"))
    assert second.customer == first.customer
    (known,) = world.send(event("Seen"))
    (told,) = world.send(identify("ada", email="ada@example.com"))
    assert told.customer == known.customer
    assert told.merged == (first.customer,)


def test_a_visitor_who_tells_a_user_s_address_is_not_taken_for_them() -> None:
    """Everybody can write it, and would get the user's messages by naming a phone of their own."""
    world = World()
    (known,) = world.send(identify("ada", email="ada@example.com", phone="+447700900123"))
    (stranger,) = world.send(
        identify(None, "a", email="ada@example.com", phone="+447700900456", number="2")
    )
    assert stranger.customer != known.customer
    assert (world.ada().profile or {})["addresses"]["sms"] == "+447700900123"
    assert refusals(world, stranger.customer) == {("email", "unproven")}
    (later,) = world.send(event("Signed In", anonymous_id="a"))
    assert (later.customer, later.merged) == (known.customer, (stranger.customer,))


def test_where_addresses_are_trusted_a_visitor_who_tells_a_known_one_is_who_has_it() -> None:
    world = World(rules=IdentityRules(trusts_addresses=True))
    (known,) = world.send(identify("ada", email="Ada@Example.com"))
    (visitor,) = world.send(visit("a"))
    (told,) = world.send(identify(None, "a", email=" ada@example.COM"))
    assert told.customer == known.customer
    assert told.merged == (visitor.customer,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"phone": "+44 7700 900123"}, {"phone": "+447700900123"}),
        ({"phone": "07700 900123", "country": "GB"}, {"phone": "+447700900123"}),
        ({"phone": "(212) 555-0123", "address": {"country": "us"}}, {"phone": "+12125550123"}),
    ],
)
def test_phone_numbers_are_one_in_whatever_form_they_come(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    world = World()
    (visitor,) = world.send(identify(None, "a", **second))
    (told,) = world.send(identify("ada", None, **first))
    assert told.customer == visitor.customer
    assert (world.ada().profile or {})["addresses"]["sms"] == second["phone"]


def test_an_alias_joins_the_visitor_to_the_user() -> None:
    world = World()
    visitor, known = world.send(visit("a"), event("Seen"))
    (aliased,) = world.send(alias("ada", "a"))
    assert aliased.customer == known.customer
    assert aliased.merged == (visitor.customer,)


def test_an_alias_that_comes_before_the_visitor_s_events_counts_for_them_too() -> None:
    world = World()
    (aliased,) = world.send(alias("ada", "a"))
    (late,) = world.send(visit("a"))
    assert late.customer == aliased.customer


def test_an_alias_of_somebody_to_themselves_says_nothing() -> None:
    """As Segment's SDK for browsers sends it after an identify call."""
    world = World()
    (ada,) = world.send(alias("ada", "ada"))
    (visitor,) = world.send(visit("ada"))
    assert visitor.customer != ada.customer
    assert "previous_ids" not in (world.ada().profile or {})


def test_an_alias_renames_a_user_and_events_under_both_ids_are_theirs() -> None:
    world = World()
    (before,) = world.send(event("Seen", user_id="ada@example.com"))
    renamed, old, new = world.send(
        alias("ada", "ada@example.com"),
        event("Seen", number="2", user_id="ada@example.com"),
        event("Seen", number="3"),
    )
    assert before.customer == renamed.customer == old.customer == new.customer
    profile = world.ada().profile or {}
    assert (profile["user_id"], profile["previous_ids"]) == ("ada", ["ada@example.com"])


def test_an_alias_makes_two_users_one_and_the_new_id_stays() -> None:
    world = World()
    old, new = world.send(event("Seen", user_id="old"), event("Seen"))
    (aliased,) = world.send(alias("ada", "old"))
    assert aliased.customer == new.customer
    assert aliased.merged == (old.customer,)
    profile = world.ada().profile or {}
    assert (profile["user_id"], profile["previous_ids"]) == ("ada", ["old"])


def test_one_call_may_join_three_customers() -> None:
    world = World()
    visitor, reader, known = world.send(
        visit("a"), identify(None, "b", email="ada@example.com"), event("Seen")
    )
    (joined,) = world.send(identify("ada", "a", email="ada@example.com"))
    assert joined.customer == known.customer
    assert set(joined.merged) == {visitor.customer, reader.customer}
    for text, kind in (("a", ANONYMOUS_ID), ("b", ANONYMOUS_ID), ("ada@example.com", EMAIL)):
        assert world.person(text, kind).customer == known.customer


def test_of_two_visitors_the_older_one_remains() -> None:
    world = World()
    first, second = world.send(
        identify(None, "a", email="ada@example.com"),
        visit("b", at=START + timedelta(minutes=1)),
    )
    (joined,) = world.send(identify(None, "b", email="ada@example.com"))
    assert joined.customer == first.customer
    assert joined.merged == (second.customer,)


# ------------------------------------------------------------------------- what does not


def test_two_users_with_one_email_stay_two_and_each_is_written_to() -> None:
    world = World()
    ada, bob = world.send(
        identify("ada", email="home@example.com"), identify("bob", email="home@example.com")
    )
    assert ada.customer != bob.customer
    assert bob.problems == ()
    assert world.person("home@example.com", EMAIL).customer == ada.customer
    assert (world.person("bob").profile or {})["addresses"] == {"email": "home@example.com"}
    assert refusals(world, bob.customer) == {("email", "other_user")}


def test_a_shared_kind_joins_nobody() -> None:
    world = World(rules=IdentityRules(shared=frozenset({EMAIL})))
    ada, visitor = world.send(
        identify("ada", email="desk@example.com"), identify(None, "a", email="desk@example.com")
    )
    assert ada.customer != visitor.customer
    assert refusals(world, visitor.customer) == set()
    with pytest.raises(AssertionError):
        world.person("desk@example.com", EMAIL)


def test_a_device_on_which_a_second_person_signs_in_stays_with_the_first() -> None:
    world = World()
    ada, bob, device = world.send(
        event("Seen", anonymous_id="a"),
        event("Seen", user_id="bob", number="2", anonymous_id="a"),
        visit("a", number="3"),
    )
    assert device.customer == ada.customer != bob.customer
    assert "anonymous_ids" not in (world.person("bob").profile or {})
    assert refusals(world, bob.customer) == {("anonymous_id", "other_user")}


def test_who_is_known_to_be_somebody_else_is_not_looked_up_again() -> None:
    store = AskedStore()
    world = World(store=store)
    world.send(
        event("Seen", anonymous_id="a"),
        event("Seen", user_id="bob", number="2", anonymous_id="a"),
        event("Seen", user_id="bob", number="3", anonymous_id="a"),
    )
    store.asked.clear()
    (bob,) = world.send(event("Seen", user_id="bob", number="4", anonymous_id="a"))
    assert store.asked == [keys.partition(bob.customer)]


@pytest.mark.parametrize("text", ["null", "undefined", "NULL ", "0000-00", "[object Object]", "-1"])
def test_an_id_that_names_nobody_joins_nobody(text: str) -> None:
    world = World()
    first, second = world.send(
        event("Seen", user_id=text, anonymous_id="a"),
        event("Seen", user_id=text, anonymous_id="b", number="2"),
    )
    assert first.customer != second.customer
    assert first.problems == ("user_id: names nobody, not used",)
    assert "user_id" not in (world.person("a", ANONYMOUS_ID).profile or {})
    assert refusals(world, first.customer) == {("user_id", "blocked")}
    (again,) = world.send(event("Seen", user_id=text, anonymous_id="a", number="3"))
    assert again.problems == ()


def test_an_event_of_nobody_makes_no_customer_and_says_so() -> None:
    world = World()
    (nobody,) = world.send(event("Seen", user_id="undefined"))
    assert nobody.customer == ""
    assert len(nobody.problems) == 1
    assert world.store.query(TableName.CUSTOMERS, keys.partition("")) == []


def test_blocked_values_of_the_project_join_nobody() -> None:
    world = World(rules=IdentityRules(blocked=frozenset({"desk@example.com"})))
    ada, visitor = world.send(
        identify("ada", email="Desk@example.com"), identify(None, "a", email="desk@example.com")
    )
    assert ada.customer != visitor.customer
    assert ada.problems == ("email: names nobody, not used",)


# ------------------------------------------------------------------------- limits


def test_devices_past_the_limit_are_recorded_and_stay_strangers() -> None:
    world = World(rules=limited(anonymous_id=2))
    routed = world.send(
        *(event("Seen", number=str(n), anonymous_id=f"device-{n}") for n in range(4))
    )
    assert len({each.customer for each in routed}) == 1
    # One case, however many devices: it is recorded and told once.
    limit = "anonymous_id: not joined, limit"
    assert [each.problems for each in routed[2:]] == [(limit,), ()]
    (stranger,) = world.send(visit("device-3"))
    assert stranger.customer != routed[0].customer
    assert refusals(world, routed[0].customer) == {("anonymous_id", "limit")}


def test_a_limit_counts_within_its_time() -> None:
    world = World(rules=limited(anonymous_id=1))
    world.send(event("Seen", anonymous_id="a"))
    day = START + timedelta(days=1)
    early, late = world.send(
        event("Seen", number="2", anonymous_id="b", at=day - timedelta(seconds=1)),
        event("Seen", number="3", anonymous_id="c", at=day),
    )
    assert (early.problems != (), late.problems) == (True, ())


def test_two_customers_who_would_have_too_many_devices_stay_two() -> None:
    world = World(rules=limited(anonymous_id=2))
    visitor, _, ada = world.send(
        visit("a"), event("Seen", anonymous_id="b"), event("Seen", number="2", anonymous_id="c")
    )
    (refused,) = world.send(event("Signed In", anonymous_id="a"))
    assert (refused.customer, refused.merged) == (ada.customer, ())
    assert refused.problems == ("anonymous_id: not joined, limit",)
    assert world.person("a", ANONYMOUS_ID).customer == visitor.customer


def test_customers_with_too_much_to_write_in_one_transaction_stay_two() -> None:
    many = [program(f"j{n}", entry=entry("Started")) for n in range(20)]
    other = [program(f"k{n}", entry=entry("Began")) for n in range(20)]
    world = World(*many, *other)
    visitor, ada = world.send(visit("a", "Started"), event("Began"))
    (refused,) = world.send(event("Signed In", anonymous_id="a"))
    assert refused.merged == ()
    assert refused.problems == ("anonymous_id: not joined, too_many_enrollments",)
    assert refusals(world, ada.customer) == {("anonymous_id", "too_many_enrollments")}
    world.send(event("Ordered", number="a"), visit("a", "Ordered"))
    (joined,) = world.send(event("Signed In", number="2", anonymous_id="a"))
    assert joined.merged == (visitor.customer,)


# ------------------------------------------------------------------------- devices


def token(text: str) -> dict[str, Any]:
    return {"device": {"type": "ios", "token": text}}


def test_a_device_belongs_to_who_used_it_last() -> None:
    world = World()
    ada, bob = world.send(
        event("Seen", context=token("t1")), event("Seen", user_id="bob", context=token("t1"))
    )
    assert ada.customer != bob.customer
    assert (world.ada().profile or {})["addresses"] == {}
    assert (world.person("bob").profile or {})["addresses"] == {"push": ["t1"]}
    world.send(event("Seen", number="2", context=token("t1")))
    assert (world.person("bob").profile or {})["addresses"] == {}
    assert world.person("t1", DEVICE_TOKEN).customer == ada.customer


def test_a_device_that_moves_does_not_undo_an_event_that_comes_between() -> None:
    world = World()
    world.send(event("Seen", context=token("t1")))
    seq = world.ada().seq
    world.send(event("Seen", user_id="bob", context=token("t1")))
    assert world.ada().seq == seq + 1
    (next_,) = world.send(event("Seen", number="2"))
    assert next_.seq == seq + 2


def test_a_token_of_nobody_is_no_address() -> None:
    world = World()
    world.send(event("Seen", context=token("null")))
    assert (world.ada().profile or {}).get("addresses", {}) == {}


def test_a_phone_that_is_none_is_kept_as_it_was_sent_and_identifies_nobody() -> None:
    world = World()
    ada, bob = world.send(identify("ada", phone="ask me"), identify(None, "a", phone="ask me"))
    assert ada.customer != bob.customer
    assert (world.ada().profile or {})["addresses"] == {"sms": "ask me"}
    with pytest.raises(AssertionError):
        world.person("ask me", PHONE)


def test_an_old_event_takes_no_device_back() -> None:
    world = World()
    world.send(event("Seen", context=token("t1")))
    bob = event("Seen", user_id="bob", number="2", context=token("t1"))
    world.send(bob)
    late = event("Seen", number="3", context=token("t1"))
    world.router.route(late, START + timedelta(days=3))
    assert (world.person("bob").profile or {})["addresses"] == {"push": ["t1"]}
    assert (world.ada().profile or {})["addresses"] == {}


def test_a_token_that_the_project_blocks_is_no_address() -> None:
    world = World(rules=IdentityRules(blocked=frozenset({"kiosk"})))
    world.send(event("Seen", context=token("kiosk")))
    assert (world.ada().profile or {}).get("addresses", {}) == {}


def test_an_alias_of_ids_that_name_nobody_is_told_once() -> None:
    world = World()
    nobody: dict[str, Any] = {"previous_id": "null", "anonymous_id": "null"}
    (routed,) = world.send(event("", type=EventType.ALIAS, **nobody))
    assert refusals(world, routed.customer) == {("user_id", "blocked"), ("anonymous_id", "blocked")}


def test_the_device_that_an_alias_calls_from_is_listed() -> None:
    world = World()
    ids: dict[str, Any] = {"previous_id": "a", "anonymous_id": "a"}
    world.send(event("", type=EventType.ALIAS, **ids))
    profile = world.ada().profile or {}
    assert (profile["anonymous_ids"], profile["previous_ids"]) == (["a"], ["a"])


def test_visitors_with_a_user_id_of_nobody_have_an_order_and_ids_of_their_own() -> None:
    first = event("Seen", user_id="null", anonymous_id="a")
    second = event("Seen", user_id="null", anonymous_id="b")
    assert first.group != second.group
    assert first.fingerprint != second.fingerprint
    assert first.group == visit("a").group
