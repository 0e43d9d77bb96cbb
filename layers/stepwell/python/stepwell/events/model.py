"""An accepted event, as it lies in the queue and as the router works with it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import Any

from stepwell.events.nobody import names_nobody
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

CONSENT_EVENT = "Consent Updated"
"""The event that changes a consent: {purpose, channel, status: granted | revoked}."""
PAGE_EVENT = "Page Viewed"
SCREEN_EVENT = "Screen Viewed"
"""The names under which journeys see page and screen calls, which have a page's name only."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No event happened before: local times and spans of earlier ones may be none that there are."""

_encoder = json.JSONEncoder(separators=(",", ":"))


class EventType(StrEnum):
    TRACK = "track"
    IDENTIFY = "identify"
    ALIAS = "alias"
    GROUP = "group"
    PAGE = "page"
    SCREEN = "screen"


@value
class Event:
    """One call of a sender.

    `timestamp` is when it happened by the sender's corrected clock, never later than `received_at`.
    `name` is empty for identify, alias and group: nothing in a journey happens by them. `traits`
    are the customer's, for a group call the group's.
    """

    id: str
    source: str
    type: EventType
    name: str
    user_id: str | None
    anonymous_id: str | None
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    timestamp: datetime
    received_at: datetime
    group_id: str | None = None
    """Of a group call: whose traits these are."""
    previous_id: str | None = None
    """Of an alias call: the id that the sender used before."""
    customer: str | None = None
    """Of what the engine itself tells: whose event it is, by the internal id. No call sets it. The
    other ids are then only for a router that does not know this customer: one that applies the
    archive to empty tables, where customers get new internal ids.
    """

    @property
    def sender(self) -> str:
        """Whose events stay in order: the user id, else the anonymous id. An id that names nobody
        is one of many people's.
        """
        if self.customer:
            return f"customer:{self.customer}"
        if self.user_id and not (self.anonymous_id and names_nobody(self.user_id)):
            return f"user:{self.user_id}"
        return f"anonymous:{self.anonymous_id}"

    @property
    def group(self) -> str:
        """The sender without its text, for the queue: ids of senders may be personal."""
        return digest(self.source, self.sender)

    @property
    def fingerprint(self) -> str:
        """The same for the same event of the same sender, however often it is sent."""
        return digest(self.source, self.sender, self.id)


def digest(*parts: str) -> str:
    """32 hexadecimal digits of a SHA-256 over parts that cannot run into each other."""
    text = ", ".join(map(encode_basestring_ascii, parts))  # as json.dumps writes them, but faster
    return hashlib.sha256(f"[{text}]".encode()).hexdigest()[:32]


def to_message(event: Event) -> str:
    """The event as a queue message's body."""
    document = {
        "id": event.id,
        "source": event.source,
        "type": event.type.value,
        "name": event.name,
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "properties": event.properties,
        "traits": event.traits,
        "context": event.context,
        "timestamp": to_text(event.timestamp),
        "received_at": to_text(event.received_at),
    }
    # Only where they say something: a router that is older than they are reads the others.
    if event.group_id is not None:
        document["group_id"] = event.group_id
    if event.previous_id is not None:
        document["previous_id"] = event.previous_id
    if event.customer is not None:
        document["customer"] = event.customer
    return _encoder.encode(document)


def from_message(body: str) -> Event:
    """Read what `to_message` wrote."""
    document = json.loads(body)
    return Event(
        **{
            **document,
            "type": EventType(document["type"]),
            "timestamp": max(from_text(document["timestamp"]), EARLIEST),
            "received_at": from_text(document["received_at"]),
        }
    )
