"""An event as conditions see it."""

from __future__ import annotations

from typing import Any

from stepwell.events.model import Event


def event_view(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "name": event.name,
        "type": event.type.value,
        "timestamp": event.timestamp,
        "properties": event.properties,
    }
