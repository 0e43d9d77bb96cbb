"""Who is in an audience now: by the rules given, not by what was found when an event came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell.conditions.tree import Tree
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.audience import (
    LISTS,
    SEGMENTS,
    Audience,
    UnknownAudienceError,
    members_of_page,
    needed_segments,
    shown_member,
)
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import TableName
from tests.support.world import START, World, event, identify

COMPUTED = [
    {"name": "orders_30d", "kind": "count", "event": "Order", "within": 30 * 86_400},
    {"name": "last_order", "kind": "last", "event": "Order"},
]


def rules(**segments: str) -> ProfileRules:
    trees: list[tuple[str, Tree]] = [(name, parse(when)) for name, when in segments.items()]
    return ProfileRules(
        {
            "computed": COMPUTED,
            "segments": [{"name": name, "when": tree} for name, tree in trees],
            "lists": ["beta"],
        }
    )


def members(world: World, audience: Audience, **later: Any) -> list[str]:
    items = world.store.named(TableName.CUSTOMERS, "PROFILE")  # type: ignore[attr-defined]
    found = members_of_page(audience, items, world.store, START + timedelta(**later))
    return [str(each.profile and each.profile.get("user_id")) for each in found]


def test_time_counts_though_no_event_came() -> None:
    world = World(profile=rules(active="customer.computed.orders_30d >= 1.0"))
    world.send(event("Order"), event("Order", user_id="bob", at=START + timedelta(days=10)))
    active = Audience(SEGMENTS, "active", world.profile)
    assert members(world, active, days=10) == ["ada", "bob"]
    assert members(world, active, days=31) == ["bob"]


def test_other_rules_than_those_of_the_last_event_count_at_once() -> None:
    world = World(profile=rules(pros='customer.traits.plan == "pro"'))
    world.send(identify("ada", plan="pro"), identify("bob", plan="free"))
    other = rules(pros='customer.traits.plan == "free"', both="customer.segments.pros")
    assert members(world, Audience(SEGMENTS, "pros", other)) == ["bob"]
    assert members(world, Audience(SEGMENTS, "both", other)) == ["bob"]


def test_segments_of_segments_are_found_anew() -> None:
    world = World(
        profile=rules(
            active="customer.computed.orders_30d >= 1.0", quiet="!customer.segments.active"
        )
    )
    world.send(event("Order"))
    quiet = Audience(SEGMENTS, "quiet", world.profile)
    assert members(world, quiet) == []
    assert members(world, quiet, days=31) == ["ada"]


def test_consents_are_read_where_a_segment_reads_them() -> None:
    world = World(
        profile=rules(
            asked="customer.consents.marketing.sms",
            both="customer.segments.asked",
            plain="has(customer.traits.plan)",
        )
    )
    consent = {"purpose": "marketing", "channel": "sms", "status": "granted"}
    world.send(event("Consent Updated", properties=consent), identify("bob", plan="pro"))
    assert members(world, Audience(SEGMENTS, "asked", world.profile)) == ["ada"]
    assert members(world, Audience(SEGMENTS, "both", world.profile)) == ["ada"]
    assert not Audience(SEGMENTS, "plain", world.profile).reads_consents


def test_a_list_has_who_joined_it() -> None:
    world = World(profile=rules())
    world.send(
        event("List Joined", properties={"list": "beta"}),
        event("List Joined", user_id="bob", properties={"list": "beta"}),
        event("List Left", user_id="bob", properties={"list": "beta"}, at=START.replace(hour=22)),
    )
    assert members(world, Audience(LISTS, "beta", world.profile)) == ["ada"]


def test_who_became_part_of_another_counts_once() -> None:
    world = World(profile=rules(all_of_them="!has(customer.traits.plan)"))
    world.send(
        event("Seen", user_id=None, anonymous_id="a"),
        event("Seen", number="2"),
        event("Signed In", anonymous_id="a", at=START + timedelta(hours=1)),
    )
    assert members(world, Audience(SEGMENTS, "all_of_them", world.profile)) == ["ada"]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (SEGMENTS, "beta", "there is no segment 'beta'; there are: pros"),
        (LISTS, "pros", "there is no list 'pros'; there are: beta"),
        ("traits", "plan", "there is no list 'plan'; there are: none"),
    ],
)
def test_an_unknown_audience_is_said_with_those_that_there_are(
    kind: str, name: str, said: str
) -> None:
    with pytest.raises(UnknownAudienceError) as raised:
        Audience(kind, name, rules(pros="true"))
    assert str(raised.value) == said


def test_only_what_a_segment_follows_from_is_looked_at() -> None:
    found = rules(
        a="true", b="customer.segments.a", c="true", d="customer.segments.b && customer.traits.x"
    )
    assert [each.name for each in needed_segments(found, "d")] == ["a", "b", "d"]
    assert [each.name for each in needed_segments(found, "c")] == ["c"]
    whole = rules(a="true", b='"a" in customer.segments')
    assert [each.name for each in needed_segments(whole, "b")] == ["a", "b"]


def test_a_member_is_shown_with_the_traits_asked_for_alone() -> None:
    world = World(profile=rules(pros='customer.traits.plan == "pro"'))
    world.send(identify("ada", plan="pro", email="ada@example.com"))
    pros = Audience(SEGMENTS, "pros", world.profile)
    assert shown_member(pros, world.ada(), ()) == {
        "customer": world.ada().customer,
        "user_id": "ada",
        "anonymous_id": None,
        "since": "2026-11-24T21:14:00.000Z",
    }
    assert shown_member(pros, world.ada(), ["plan", "size"])["traits"] == {"plan": "pro"}
