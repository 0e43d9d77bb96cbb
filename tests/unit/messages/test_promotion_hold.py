"""While somebody is frustrated, or has an open case, they are sent no promotion."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepwell.journeys.compiler.cel.parser import parse
from stepwell.messages.policies import Policies, load_policies, policies_document
from stepwell.messages.promotion_hold import PromotionHold
from stepwell.profile.rules import ProfileRules
from stepwell.timestamps import to_text
from tests.support.messages import NOON, World, message_program, shipped_policies
from tests.unit.messages.test_policies import problems

RULES = ProfileRules(
    {
        "segments": [
            {"name": "frustrated", "when": parse("customer.traits.mood == 'bad'")},
            {"name": "open_case", "when": parse("now < timestamp(customer.traits.case_until)")},
        ]
    }
)
BY = RULES.segments_version
HOLD = PromotionHold(("marketing",), ("frustrated", "open_case"))
SINCE = "2026-11-24T11:00:00.000Z"
POLICIES = """\
purposes: {marketing: {consent: required, capped: true, after_unknown_outcome: drop}}
promotion_hold: {purposes: [marketing], segments: [frustrated]}
"""


def policies() -> Policies:
    return shipped_policies(promotion_hold=HOLD, profile=RULES)


def held(**changes: Any) -> World:
    world = World(policies=policies(), **changes)
    world.put_profile(segments={"vip": SINCE, "open_case": SINCE}, segments_by=BY)
    return world


def test_a_promotion_is_suppressed_and_the_record_names_the_segment() -> None:
    world = held()
    answer = world.send()
    assert (answer["outcome"], answer["reason"]) == ("suppressed", "promotion_hold")
    (decision,) = world.decisions()
    assert decision["detail"] == "open_case"
    assert decision["rules"][1:] == [
        {"rule": "promotion_hold", "result": "held", "segments": {"open_case": SINCE}}
    ]
    assert world.sent() == []
    assert world.units() == []


def test_it_stays_suppressed_when_the_hold_is_over() -> None:
    world = held()
    world.send()
    world.put_profile(segments={})
    assert world.send()["outcome"] == "suppressed"


def test_other_purposes_are_sent_and_not_even_looked_at() -> None:
    world = held(program=message_program(purpose="service"))
    world.put_consents("sms", purpose="service")
    assert world.send()["outcome"] == "sent"
    assert "promotion_hold" not in [each["rule"] for each in world.decisions()[0]["rules"]]


@pytest.mark.parametrize("segments", [{}, {"vip": SINCE}, None])
def test_who_is_in_none_of_the_segments_gets_it(segments: dict[str, str] | None) -> None:
    world = World(policies=policies())
    world.put_profile(**({"segments": segments} if segments is not None else {}))
    assert world.send()["outcome"] == "sent"
    rule = world.decisions()[0]["rules"][1]
    assert rule == {"rule": "promotion_hold", "result": "free", "segments": {}}


def test_a_hold_that_begins_after_the_decision_stops_the_delivery() -> None:
    world = World(policies=policies())
    state = world.state()
    world.consent(state)
    world.cap(state)
    assert len(world.units()) == 1
    world.put_profile(segments={"frustrated": SINCE}, segments_by=BY)
    answer = world.deliver(state)["answer"]
    assert (answer["outcome"], answer["reason"]) == ("suppressed", "promotion_hold")
    assert world.decisions()[0]["detail"] == "frustrated"
    assert world.decisions()[0]["rules"][-1]["rule"] == "promotion_hold"
    assert world.sent() == []
    assert world.units() == []  # the cap's unit is free again


def test_who_left_or_entered_by_time_alone_is_found_at_the_decision() -> None:
    """The profile says so only at its next event, or when it is swept."""
    until = {"traits": json.dumps({"case_until": to_text(NOON), "first_name": "Ada"})}
    over = {"segments": {"open_case": SINCE}, "segments_by": BY, "due": to_text(NOON)}
    world = World(policies=policies())
    world.put_profile(**until, **over)
    assert world.send()["outcome"] == "sent"
    world = World(policies=policies(), now=NOON - timedelta(seconds=1))
    world.put_profile(**until, **over)
    assert world.send()["reason"] == "promotion_hold"


def test_who_is_in_by_definitions_that_are_new_is_held_at_once() -> None:
    world = World(policies=policies())
    world.put_profile(traits=json.dumps({"mood": "bad"}), segments={}, segments_by="earlier")
    assert world.send()["reason"] == "promotion_hold"
    assert world.decisions()[0]["rules"][1]["segments"] == {"frustrated": None}


def test_without_a_hold_in_the_policies_nobody_is_held() -> None:
    world = World(policies=replace(policies(), promotion_hold=PromotionHold()))
    world.put_profile(segments={"open_case": SINCE})
    assert world.send()["outcome"] == "sent"


def test_the_file_names_purposes_and_segments() -> None:
    document = policies_document(POLICIES)
    hold = load_policies(json.dumps(document)).promotion_hold
    assert hold == PromotionHold(("marketing",), ("frustrated",))
    assert "promotion_hold" not in policies_document(POLICIES.splitlines()[0])


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        (
            "[marketing], s",
            "[news], s",
            (2, "promotion_hold.purposes[0]", "there is no purpose news"),
        ),
        ("purposes: [marketing], ", "", (2, "promotion_hold.purposes", "is missing")),
        ("[frustrated]", "[]", (2, "promotion_hold.segments", "at least one")),
        ("segments", "segmnets", (2, "promotion_hold.segmnets", "did you mean segments?")),
    ],
)
def test_what_is_wrong_with_it_is_said(
    written: str, instead: str, problem: tuple[int, str, str]
) -> None:
    line, path, said = problem
    told = [
        (at, where)
        for at, where, text in problems(POLICIES.replace(written, instead))
        if said in text
    ]
    assert told == [(line, path)]
