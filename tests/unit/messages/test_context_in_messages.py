"""A message says where its customer is only for the purposes that are declared, at its own time."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from stepwell.profile.rules import ProfileRules
from stepwell.timestamps import to_text
from tests.support.messages import NOON, World, message_program, shipped_policies

TEMPLATE = {"sms": {"body": "Lunch in {{ customer.place.city }}, as of {{ customer.place.at }}"}}
DAY = timedelta(days=1)


def world(*purposes: str, known_since: timedelta = DAY) -> World:
    """A marketing message to a customer in Berlin, of whom that is known for some time."""
    at = to_text(NOON - known_since)
    place = {"purposes": purposes, "keep_seconds": 2 * 86_400, "names": ["city"]}
    found = World(
        program=message_program(template=TEMPLATE, channels=["sms"]),
        policies=shipped_policies(profile=ProfileRules({"context": {"place": place}})),
    )
    found.put_profile(place=json.dumps({"city": "Berlin", "at": at}))
    return found


def test_message_of_a_declared_purpose_says_the_place() -> None:
    sending = world("service", "marketing")
    assert sending.send()["outcome"] == "sent"
    (outgoing,) = sending.sent()
    assert outgoing.content == {"body": "Lunch in Berlin, as of 2026-11-23T12:00:00.000Z"}


@pytest.mark.parametrize(
    "sending",
    [
        pytest.param(world("service"), id="of another purpose"),
        pytest.param(world("marketing", known_since=2 * DAY), id="when it is forgotten"),
    ],
)
def test_message_that_may_not_say_it_fails(sending: World) -> None:
    answer = sending.send()
    assert (answer["outcome"], answer["reason"]) == ("failed", "missing_variable")
    assert sending.sent() == []
    assert "Berlin" not in json.dumps(sending.decisions())
