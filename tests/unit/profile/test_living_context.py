"""Context on its way: from an event through the router into views, segments, joined customers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from stepwell.customers.identity_rules import ANONYMOUS_ID
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import customer_view
from stepwell.timestamps import to_text
from tests.support.world import START, World, event, identify, visit

DAY = timedelta(days=1)
NEAR = "distance_km(customer.place, 52.52, 13.405) < 5.0"
DECLARED: dict[str, Any] = {
    "place": {"purposes": ["service"], "keep_seconds": 30 * 86_400, "precision_km": 1.0,
              "names": ["city"]},
    "device": {"purposes": ["service"], "keep_seconds": 86_400},
}  # fmt: skip
RULES = ProfileRules({"context": DECLARED, "segments": [{"name": "near", "when": parse(NEAR)}]})
BERLIN = {"location": {"latitude": 52.5163, "longitude": 13.3777, "city": "Berlin"}}
POTSDAM = {"location": {"latitude": 52.3906, "longitude": 13.0645, "city": "Potsdam"}}


def living(rules: ProfileRules = RULES) -> World:
    world = World()
    world.router = replace(world.router, profile=rules)
    return world


def seen(world: World, at: Any = START) -> dict[str, Any]:
    return customer_view(world.ada(), RULES, at).whole()


def place_of(world: World) -> Any:
    return seen(world)["place"]["city"]


def test_event_tells_the_place_that_conditions_see() -> None:
    world = living()
    world.send(event(context=BERLIN))
    assert seen(world)["place"] == {
        "latitude": 52.52031,
        "longitude": 13.38287,
        "city": "Berlin",
        "at": START,
    }
    assert "device" not in seen(world)


def test_late_event_does_not_bring_an_older_place_back() -> None:
    world = living()
    late = event(number="2", context=BERLIN, at=START - DAY, received_at=START)
    world.send(event(number="1", context=POTSDAM), late)
    assert place_of(world) == "Potsdam"


def kept(world: World) -> dict[str, Any]:
    return dict(world.ada().profile or {})


def test_segment_follows_the_place_and_its_being_forgotten() -> None:
    world, moment = living(), START + 30 * DAY
    world.send(event(context=BERLIN))
    assert kept(world)["segments"].keys() == {"near"}
    assert kept(world)["due"] == to_text(moment)
    assert seen(world, moment - timedelta(milliseconds=1))["segments"] == {"near": True}
    assert seen(world, moment)["segments"] == {"near": False}
    world.send(event(number="2", at=moment))
    assert kept(world)["segments"] == {}
    assert not {"place", "due"} & kept(world).keys()


def test_segment_is_left_by_going_away() -> None:
    world = living()
    world.send(event(context=BERLIN))
    world.send(event(number="2", context=POTSDAM, at=START + DAY))
    assert kept(world)["segments"] == {}


def test_segment_is_as_the_declaration_is_now() -> None:
    world = living()
    world.send(event(context=BERLIN))
    names_only = DECLARED | {"place": {**DECLARED["place"], "precision_km": None}}
    other = ProfileRules({**RULES.document, "context": names_only})
    assert customer_view(world.ada(), RULES, START).whole()["segments"] == {"near": True}
    assert customer_view(world.ada(), other, START).whole()["segments"] == {"near": False}


def test_joined_customers_have_the_newer_place() -> None:
    for first, second, expected in ((BERLIN, POTSDAM, "Potsdam"), (POTSDAM, BERLIN, "Berlin")):
        world = living()
        world.send(
            event(number="1", context=first, at=START - DAY),
            visit("phone", number="2", context=second),
        )
        assert world.person("phone", ANONYMOUS_ID).customer != world.ada().customer
        world.send(identify("ada", "phone", at=START + timedelta(minutes=1)))
        assert world.person("phone", ANONYMOUS_ID).customer == world.ada().customer
        assert place_of(world) == expected


def test_zone_that_is_never_kept_is_not() -> None:
    never = ProfileRules({"context": {"zone": False}})
    world = World()
    world.send(event(number="1", context={"timezone": "Europe/Berlin"}))
    assert kept(world)["context_zone"] == "Europe/Berlin"
    world.router = replace(world.router, profile=never)
    world.send(event(number="2", context={"timezone": "Europe/Berlin"}))
    assert not {"context_zone", "context_zone_at"} & kept(world).keys()
