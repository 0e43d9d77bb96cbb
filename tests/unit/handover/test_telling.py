"""What a destination is told: what is declared, cut to size, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from stepwell.handover.destinations import Destination, EventBus
from stepwell.handover.telling import LONGEST_VALUE, Reference, included, told

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
REFERENCE = Reference(
    customer="c1",
    enrollment="care#one",
    run=3,
    execution="c1-abc-3",
    version="v1",
    step="ask_a_human",
)
TRAITS = {"first_name": "Ada", "email": "ada@example.com", "age": 36, "vip": False, "plan": None}
PROFILE = {"seq": 3, "user_id": "ada", "zone": "Europe/London", "traits": json.dumps(TRAITS)}


def document(*include: str, **profile: Any) -> dict[str, Any]:
    destination = Destination("helpdesk", EventBus("default", "stepwell", "Hand-over"), include)
    found = told(
        REFERENCE,
        destination,
        reason="Somebody is stuck",
        person="c2",
        profile=PROFILE | profile,
        asked_at=NOW,
    )
    assert json.loads(found.text) == found.document
    return dict(found.document)


def test_by_default_there_are_ids_and_the_journeys_own_words_only() -> None:
    assert document() == {
        "id": "c1-abc-3-ask_a_human",
        "asked_at": "2026-11-24T21:14:00.000Z",
        "destination": "helpdesk",
        "reason": "Somebody is stuck",
        "customer": {"id": "c2"},
        "journey": "care",
        "version": "v1",
        "enrollment": "care#one",
        "execution": "c1-abc-3",
        "step": "ask_a_human",
    }


def test_what_is_declared_is_told_as_far_as_it_is_known() -> None:
    fields = ("user_id", "zone", "locale", "traits.first_name", "traits.age", "traits.vip")
    assert document(*fields, "traits.plan", "traits.phone")["customer"] == {
        "id": "c2",
        "user_id": "ada",
        "zone": "Europe/London",
        "traits": {"first_name": "Ada", "age": 36, "vip": False},
    }


def test_a_trait_cannot_take_the_place_of_an_id() -> None:
    traits = json.dumps({"id": "mine", "user_id": "eve"})
    found = document("traits.id", "traits.user_id", traits=traits)["customer"]
    assert found == {"id": "c2", "traits": {"id": "mine", "user_id": "eve"}}


def test_what_is_long_is_cut_off() -> None:
    traits = json.dumps({"story": "x" * 5000, "list": list(range(5000)), "short": [1, 2]})
    fields = ("traits.story", "traits.list", "traits.short")
    found = included({"traits": traits}, fields)["traits"]
    assert {len(found[name]) for name in ("story", "list")} == {LONGEST_VALUE}
    assert found["short"] == [1, 2]


def test_signals_are_told_with_what_made_them_and_without_the_senders_id() -> None:
    urgency = {"value": "high", "at": "2026-11-24T21:13:00.000Z", "rule": "asap", "event": "m1"}
    found = document(signals={"urgency": urgency, "odd": "none"})["signals"]
    assert found == {"urgency": {"value": "high", "at": "2026-11-24T21:13:00.000Z", "rule": "asap"}}
