"""A hold whose time is long over and that nobody decided: its execution is gone.

Its state machine decides a hold at its time limit, at the latest. Where it does not, and nobody was
told that it ended (EventBridge delivers that "best effort"), only this shows it: the next event
finds the slot still open. It costs nothing, and comes when it matters.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from stepwell.customers import slots
from stepwell.journeys.program import Hold
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text

OVERDUE = "past its time"
"""The reason of an enrollment that ended so, and what an alarm looks for in the router's log."""

GRACE = timedelta(days=7)
"""An execution may begin late: the commands queue keeps a start for four days."""


def is_overdue(hold: Hold, enrollment: Item, now: datetime) -> bool:
    """Whether the hold's open slot should have been decided long ago."""
    opened = from_text(enrollment[slots.opened(hold.id)])
    return now > opened + timedelta(seconds=hold.seconds) + GRACE
