"""How old an event may be to start or wake anything (design: 24 hours; older ones only inform)."""

from __future__ import annotations

from datetime import datetime, timedelta

from stepwell.events.model import Event

MAX_AGE = timedelta(hours=24)


def is_fresh(event: Event, now: datetime) -> bool:
    return now - event.timestamp <= MAX_AGE
