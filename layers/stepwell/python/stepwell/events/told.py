"""Events that the engine tells of a customer because of another event, such as `Segment Entered`.

They are sent after the event that caused them was applied, and again when that one comes again; as
their ids are made of its fingerprint, they are applied once. They carry its times: what is too old
to start anything tells of nothing that starts anything.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from stepwell.events.model import Event, EventType, digest
from stepwell.values import value

SOURCE = "stepwell"

SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"
TRAIT_CHANGED = "Trait Changed"
SIGNAL_DETECTED = "Signal Detected"
TIME_PASSED = "Time Passed"
"""Told when a moment has come at which time alone may have changed a segment."""


@value
class Told:
    """One event to tell; `about` is what tells it from others of its name by the same cause."""

    name: str
    about: str
    properties: dict[str, Any] = field(hash=False)

    def document(self) -> list[Any]:
        return [self.name, self.about, self.properties]


def told_event(told: Told, cause: Event, customer: str) -> Event:
    """The ids of the cause matter only when the archive is applied to empty tables."""
    return Event(
        id=f"told-{digest(cause.fingerprint, told.name, told.about)}",
        source=SOURCE,
        type=EventType.TRACK,
        name=told.name,
        user_id=cause.user_id,
        anonymous_id=cause.anonymous_id,
        properties=told.properties,
        traits={},
        context={},
        timestamp=cause.timestamp,
        received_at=cause.received_at,
        customer=customer,
    )
