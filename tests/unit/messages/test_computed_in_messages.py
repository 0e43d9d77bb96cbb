"""A message may say what is computed of its customer, as apps would have said it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from tests.support import world as events
from tests.support.messages import NOON, World, message_program, shipped_policies

RULES = ProfileRules(
    {
        "computed": [
            {"name": "orders", "kind": "count", "event": "Order"},
            {"name": "recent", "kind": "count", "event": "Order", "within": 86_400},
            {
                "name": "spent",
                "kind": "sum",
                "event": "Order",
                "value": parse("event.properties.x"),
            },
            {"name": "first_order", "kind": "first", "event": "Order"},
            {"name": "colour", "kind": "last", "event": "Seen", "value": parse("event.id")},
            {"name": "hours", "kind": "histogram", "event": "Order"},
            {"name": "share", "kind": "ratio", "of": "recent", "to": "orders"},
        ]
    }
)


def world(body: str) -> World:
    """A message to somebody who ordered for 2.5 two days ago, and for as much half a day ago."""
    times = [NOON - timedelta(days=2), NOON - timedelta(hours=12)]
    kept = events.World(profile=RULES)
    kept.send(
        *(
            events.event("Order", number=str(number), at=at, received_at=at, properties={"x": 2.5})
            for number, at in enumerate(times)
        )
    )
    profile = kept.ada().profile
    assert profile is not None
    found = World(
        program=message_program(template={"sms": {"body": body}}, channels=["sms"]),
        policies=shipped_policies(profile=RULES),
    )
    found.put_profile(computed=profile["computed"])
    return found


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ customer.computed.orders }} orders", "2 orders"),
        ("{{ customer.computed.recent }} today", "1 today"),
        ("{{ customer.computed.spent }} in all", "5 in all"),
        ("{{ customer.computed.share }} of them", "0.5 of them"),
        ("since {{ customer.computed.first_order }}", "since 2026-11-22T12:00:00.000Z"),
        ("since {{ customer.computed.first_order | date: '%B' }}", "since November"),
        ("{{ customer.computed.hours.by_hour | join: '' }}", "1" + "0" * 11 + "1" + "0" * 11),
        ("{% if customer.computed.orders > 1 %}Again!{% endif %}", "Again!"),
        ("{{ customer.computed.colour | default: 'none' }}", "none"),
        ("{{ customer.traits.first_name }}", "Ada"),
    ],
)
def test_message_says_it(body: str, text: str) -> None:
    sending = world(body)
    assert sending.send()["outcome"] == "sent"
    (outgoing,) = sending.sent()
    assert outgoing.content == {"body": text}


@pytest.mark.parametrize("name", ["colour", "nothing"])
def test_message_of_what_has_no_value_fails_and_names_it(name: str) -> None:
    sending = world(f"{{{{ customer.computed.{name} }}}}")
    answer: Any = sending.send()
    assert (answer["outcome"], answer["reason"]) == ("failed", "missing_variable")
    (decision,) = sending.decisions()
    assert decision["rules"][-1]["detail"] == f"body: customer.computed.{name}"


def test_windows_are_those_of_the_moment_of_sending() -> None:
    sending = world("{{ customer.computed.recent }}")
    sending.now = NOON + timedelta(days=1)
    assert sending.send()["outcome"] == "sent"
    assert [each.content for each in sending.sent()] == [{"body": "0"}]
