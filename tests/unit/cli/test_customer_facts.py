"""What `stepwell customer` says in lines, and how it shows values: readably, in local time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stepwell.cli import http
from stepwell.cli.main import main
from stepwell.events.model import EventType
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from tests.support.memory_api import MemoryApi
from tests.support.world import event, identify

KEPT = {"purposes": ["service"], "keep_seconds": 30 * 86_400}
SIZE, REVENUE = parse("event.properties.size"), parse("event.properties.revenue")
RULES = ProfileRules(
    {
        "computed": [
            {"name": "last_order", "kind": "last", "event": "Order"},
            {"name": "last_size", "kind": "last", "event": "Order", "value": SIZE},
            {"name": "favourite", "kind": "most_frequent", "event": "Order", "value": SIZE},
            {"name": "hours", "kind": "histogram", "event": "Order"},
            {"name": "least", "kind": "min", "event": "Order", "value": REVENUE},
        ],
        "segments": [],
        "lists": [],
        "context": {
            "place": KEPT | {"precision_km": 1.0, "names": ["city", "country"]},
            "device": KEPT,
            "locale": KEPT,
        },
        "signals": {
            "signals": {"urgency": [{"name": "asks", "value": "high", "phrases": ["help"]}]}
        },
    }
)
CONTEXT = {
    "location": {"latitude": 52.5163, "longitude": 13.3777, "city": "Berlin", "country": "Germany"},
    "device": {"type": "ios", "model": "iPhone [17]"},
    "os": {"name": "iOS", "version": "26.1"},
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
}


MIDDLE = "latitude 52.52031 · longitude 13.38287"
"""Of the cell."""
DEVICE = "kind ios · model iPhone [17] · os iOS · os version 26.1"
Shown = Callable[..., str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """At noon UTC she says who she is; an hour later she orders, and so on."""
    api = MemoryApi(RULES)
    monkeypatch.setattr(http, "_once", api.answer)

    def send(name: str, number: str = "", **more: Any) -> None:
        api.send([event(name, number=number, user_id="ada", at=api.now, **more)])

    api.send([identify("ada", at=api.now, email="ada@example.com", context=CONTEXT)])
    traits = {"plan": "pro", "note": "\x1b[31m"}
    send("", "acme", type=EventType.GROUP, group_id="acme", traits=traits)
    for size, revenue in (("M", 5), ("L", 9), ("M", 7)):
        api.now += timedelta(hours=1)
        send("Order", f"{revenue}", properties={"size": size, "revenue": revenue})
    consent = {"purpose": "marketing", "channel": "sms", "status": "granted"}
    send("Consent Updated", properties=consent)
    send("Message Received", properties={"channel": "chat", "text": "help"})

    def shown(*words: str) -> str:
        assert main(["customer", "ada", *words]) == 0
        return capsys.readouterr().out

    return shown


def test_facts_are_lines_in_local_time(shown: Shown) -> None:
    said = shown()
    lines = said.splitlines()
    assert "(times of Europe/Berlin)" in lines[0]
    for line in (
        f"  place: city Berlin · country Germany · {MIDDLE} · said 2026-11-24 13:00",
        f"  device: {DEVICE} · said 2026-11-24 13:00",
        "  context_locale: locale de-DE · said 2026-11-24 13:00",
        "  email: ada@example.com",
        "  group acme: plan pro · note ?[31m",
        "  signal urgency: high, by asks 2026-11-24 16:00",
        "  consent marketing#sms: granted 2026-11-24 16:00",
    ):
        assert line in lines
    assert "T1" not in said
    assert "{" not in said


def test_computed_values_are_readable_and_in_local_time(shown: Shown) -> None:
    said = " ".join(shown().split())
    assert "last_order 2026-11-24 16:00 2026-11-24 16:00 (" in said
    assert "last_size M 2026-11-24 16:00 (" in said
    assert "favourite M (2) 2026-11-24 16:00 (" in said
    assert "hours 3 2026-11-24 16:00 (" in said
    assert "least 5 an earlier one, which is not kept any more" in said


def test_json_has_what_the_api_answered(shown: Shown) -> None:
    found = json.loads(shown("--json"))
    assert found["profile"]["device"]["at"] == "2026-11-24T12:00:00.000Z"
    assert found["computed"]["last_order"]["value"] == "2026-11-24T15:00:00.000Z"
    assert found["computed"]["least"]["not_kept"] is True
    assert found["computed"]["favourite"]["among"] == 3
