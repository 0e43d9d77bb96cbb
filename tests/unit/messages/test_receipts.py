"""Receipts as changes of a message's record and as events; in every order and twice."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.events.registry import Registry
from stepwell.messages.receipts import (
    EVENT_NAMES,
    MACHINE_EVENT_NAMES,
    Fate,
    Receipt,
    changes_by,
    event_of,
    first_moment,
)
from stepwell.timestamps import to_text

SCHEMAS = Path(__file__).parents[3] / "events" / "schemas"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MESSAGE = {
    "message": "c1-0123456789abcdef-7.suggest",
    "step": "suggest",
    "journey": "cart",
    "version": "v1",
    "execution": "c1-0123456789abcdef-7",
    "enrollment": "cart#one",
    "run": 7,
    "purpose": "marketing",
    "status": "sent",
    "answer": {"outcome": "sent"},
}


def receipt(fate: Fate = Fate.OPENED, minutes: int = 0, **more: Any) -> Receipt:
    at = NOON + timedelta(minutes=minutes)
    fields: dict[str, Any] = {"channel": "email", "at": at, "origin": "ses-1"}
    return Receipt(fate, **(fields | more))


def after(*receipts: Receipt) -> dict[str, Any]:
    message = dict(MESSAGE)
    for each in receipts:
        message |= changes_by(each, message)
    return message


def test_every_order_and_any_repetition_leave_the_same_record() -> None:
    told = [
        receipt(Fate.DELIVERED, 1),
        receipt(Fate.OPENED, 3),
        receipt(Fate.OPENED, 2),
        receipt(Fate.CLICKED, 4, link="https://shop.example/"),
        receipt(Fate.FAILED, 6, reason="bounce_permanent"),
        receipt(Fate.FAILED, 5, reason="bounce_transient"),
    ]
    states = {
        json.dumps(after(*order, *order[:2]), sort_keys=True)
        for order in itertools.permutations(told)
    }
    (state,) = states
    assert json.loads(state) == MESSAGE | {
        "delivered_at": to_text(NOON + timedelta(minutes=1)),
        "opened_at": to_text(NOON + timedelta(minutes=2)),
        "clicked_at": to_text(NOON + timedelta(minutes=4)),
        "failed_at": to_text(NOON + timedelta(minutes=5)),
        "failure": {"channel": "email", "reason": "bounce_transient"},
    }


def test_what_a_machine_does_is_no_open() -> None:
    message = after(receipt(by_machine=True), receipt(Fate.CLICKED, by_machine=True))
    assert {"opened_at", "clicked_at"}.isdisjoint(message)
    assert first_moment(message, Fate.OPENED, Fate.CLICKED) is None
    assert first_moment(after(receipt(minutes=1)), Fate.OPENED) == NOON + timedelta(minutes=1)
    event = event_of(receipt(by_machine=True), "c1", MESSAGE, NOON)
    assert event.name == "Message Opened By Machine"


def test_the_same_receipt_is_the_same_event_and_another_another() -> None:
    def event_id(each: Receipt) -> str:
        return event_of(each, "c1", MESSAGE, NOON + timedelta(days=1)).id

    assert event_id(receipt()) == event_id(receipt())
    others = [
        receipt(),
        receipt(minutes=1),
        receipt(by_machine=True),
        receipt(origin="ses-2"),
        receipt(Fate.DELIVERED),
        receipt(Fate.CLICKED, link="https://shop.example/a"),
        receipt(Fate.CLICKED, link="https://shop.example/b"),
    ]
    assert len({event_id(each) for each in others}) == len(others)
    assert event_id(receipt(Fate.DELIVERED)) == event_id(receipt(Fate.DELIVERED, 1))


def test_an_event_is_never_later_than_its_receipt() -> None:
    event = event_of(receipt(minutes=5), "c1", MESSAGE, NOON)
    assert event.timestamp == event.received_at == NOON


@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("by_machine", [False, True])
def test_every_event_is_what_the_registry_says(fate: Fate, by_machine: bool) -> None:
    if by_machine and fate not in MACHINE_EVENT_NAMES:
        return
    link = "https://shop.example/" if fate is Fate.CLICKED else None
    reason = "bounce_permanent" if fate in {Fate.FAILED, Fate.COMPLAINED} else None
    event = event_of(
        receipt(fate, by_machine=by_machine, link=link, reason=reason), "c1", MESSAGE, NOON
    )
    schemas = [json.loads(path.read_text()) for path in SCHEMAS.glob("message_*.json")]
    registry = Registry(
        {each["title"]: {1: each | {"additionalProperties": False}} for each in schemas}
    )
    assert set(EVENT_NAMES.values()) < set(registry.events)
    assert registry.problems(event.type, event.name, event.properties, event.context) == []
    assert registry.problems(event.type, event.name, {}, {})
