"""Events that the engine itself tells of a customer.

Those that another event causes, such as `Segment Entered`, are sent after that one was applied, and
again when it comes again; as their ids are made of its fingerprint, they are applied once. What
it has changed carries its times: what is too old to start anything tells of nothing that starts
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from stepwell.events.model import Event, EventType, digest
from stepwell.values import value

_SOURCE = "stepwell"

SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"
TRAIT_CHANGED = "Trait Changed"
SIGNAL_DETECTED = "Signal Detected"
TIME_PASSED = "Time Passed"
"""Told when a moment has come at which time alone may have changed a segment."""


OF_THE_ENGINE = frozenset(
    {
        *(SEGMENT_ENTERED, SEGMENT_LEFT, TRAIT_CHANGED, SIGNAL_DETECTED, TIME_PASSED),
        *("Message Delivered", "Message Failed", "Message Complained", "Message Replied"),
        *("Message Opened", "Message Opened By Machine", "Message Dismissed"),
        *("Message Clicked", "Message Clicked By Machine"),
    }
)
"""What apps may not send: a page's key is public, and journeys go by these."""


@value
class Told:
    """One event to tell; `about` is what tells it from others of its name by the same cause.
    `by_time`: time has done it, and the event that it was found with is no more than that.
    """

    name: str
    about: str
    properties: dict[str, Any] = field(hash=False)
    by_time: bool = False

    def document(self) -> list[Any]:
        said = [self.name, self.about, self.properties]
        return [*said, True] if self.by_time else said


def told_event(told: Told, cause: Event, customer: str) -> Event:
    """The event, of the same person at the same time as its cause; what time has done is of now,
    however late an event it was found with.
    """
    return inside_event(
        f"told-{digest(cause.fingerprint, told.name, told.about)}",
        told.name,
        customer,
        told.properties,
        at=cause.received_at if told.by_time else cause.timestamp,
        received_at=cause.received_at,
        user_id=cause.user_id,
        anonymous_id=cause.anonymous_id,
    )


def inside_event(
    event_id: str,
    name: str,
    customer: str,
    properties: Mapping[str, Any],
    *,
    at: datetime,
    received_at: datetime,
    user_id: str | None = None,
    anonymous_id: str | None = None,
) -> Event:
    """An event of the engine about a customer, known by the internal id.

    `user_id` and `anonymous_id` matter only when the archive is applied to empty tables; without
    them it is nobody's there.
    """
    return Event(
        id=event_id,
        source=_SOURCE,
        type=EventType.TRACK,
        name=name,
        user_id=user_id,
        anonymous_id=anonymous_id,
        properties=dict(properties),
        traits={},
        context={},
        timestamp=at,
        received_at=received_at,
        customer=customer,
    )
