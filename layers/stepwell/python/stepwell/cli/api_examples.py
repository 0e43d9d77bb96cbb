"""Examples for the API's description: calls that are taken, and the answers that ingest gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stepwell.events.envelope import MAX_EVENT_BYTES, Refused
from stepwell.events.intake import Answer, Intake, QueueUnavailableError
from stepwell.events.model import Event, EventType
from stepwell.events.quarantine import Receipt, pack
from stepwell.events.sources import Source

Document = dict[str, Any]

_WHO = {"userId": "ada"}
_ORDER = {"order_id": "1001", "total": 59.9, "revenue": 59.9, "currency": "GBP"}

CALLS_OF: dict[str, dict[str, Document]] = {
    "track": {
        "event": {**_WHO, "event": "Order Completed", "messageId": "m-1", "properties": _ORDER},
        "consent": {
            **_WHO,
            "event": "Consent Updated",
            "properties": {"purpose": "marketing", "channel": "sms", "status": "granted"},
        },
        "visitor": {
            "anonymousId": "5f0c",
            "event": "Product Viewed",
            "timestamp": "2026-11-24T21:14:00.000Z",
            "sentAt": "2026-11-24T21:14:01.500Z",
            "writeKey": "the key of a page whose SDK sets no header",
        },
    },
    "identify": {
        "person": {
            **_WHO,
            "traits": {"email": "ada@example.com", "timezone": "Europe/London"},
            "context": {"device": {"type": "ios", "token": "a1b2c3"}},
        }
    },
    "alias": {"renamed": {**_WHO, "previousId": "visitor-5f0c"}},
    "group": {"company": {**_WHO, "groupId": "acme", "traits": {"plan": "pro"}}},
    "page": {"pricing": {**_WHO, "name": "Pricing", "category": "Plans"}},
    "screen": {"home": {**_WHO, "name": "Home"}},
}
BATCH: dict[str, Document] = {
    "two": {
        "sentAt": "2026-11-24T21:14:01.500Z",
        "batch": [
            {"type": "identify", **CALLS_OF["identify"]["person"]},
            {"type": "track", **CALLS_OF["track"]["event"]},
        ],
    }
}
REFUSED_BY_GATEWAY = {
    415: {
        "success": False,
        "code": "UNSUPPORTED_MEDIA_TYPE",
        "message": "Unsupported Media Type",
    },
    429: {
        "success": False,
        "code": "throttled",
        "message": "events cannot be taken just now, send them again",
    },
}


@dataclass(frozen=True, slots=True)
class _Queue:
    there: bool = True

    def send(self, events: Sequence[Event]) -> None:
        if events and not self.there:
            raise QueueUnavailableError


class _Quarantine:
    def keep(
        self, source: Source, endpoint: str, refused: Sequence[Refused], received_at: datetime
    ) -> list[str]:
        receipt = Receipt(source.name, source.types, endpoint, received_at, "")
        return pack(refused, receipt, lambda: "m")[2]


def answers() -> dict[str, Document]:
    """An answer of each kind that ingest gives itself, by the name it has in the description."""
    good, bad = {**_WHO, "event": "Order Completed"}, dict(_WHO)
    both = [{"type": "track", **call} for call in (good, bad, good)]
    large = {**good, "properties": {"text": "x" * MAX_EVENT_BYTES}}
    return {
        "Taken": _ask("track", good).body,
        "BatchTaken": _ask("batch", {"batch": both}).body,
        "Invalid": _ask("track", bad).body,
        "Unauthorized": _ask("track", good, source=None).body,
        "Forbidden": _ask("identify", bad).body,
        "TooLarge": _ask("track", large).body,
        "Unavailable": _ask("track", good, queue=_Queue(there=False)).body,
        "Settings": _load(WRITE_KEY),
        "NoSettings": _load("unknown"),
        "NoAddress": _load(WRITE_KEY, domain=""),
    }


WRITE_KEY = "YOUR_WRITE_KEY"
_SOURCE = Source("web", frozenset({EventType.TRACK}))


def _ask(
    name: str,
    call: Document,
    source: Source | None = _SOURCE,
    queue: _Queue = _Queue(),
) -> Answer:
    intake = Intake(lambda _: None, queue, lambda: "m", quarantine=_Quarantine())
    at = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
    return intake.accept(name, source=source, body=json.dumps(call).encode(), received_at=at)


def _load(key: str, *, domain: str = "events.example.com") -> Document:
    intake = Intake(lambda key: _SOURCE if key == WRITE_KEY else None, _Queue(), lambda: "m")
    path = f"/v1/projects/{key}/settings"
    return intake.browser_settings(key, domain=domain, path=path).body
