"""Runs the sweep at the moments at which somebody is due: its schedule on the stepped clock.

AWS runs it every five minutes, mostly in vain. Here it runs at those of these moments at which a
profile that was written says so, so that time neither stands still nor hurries from one empty run
to the next. `StepClock.run_until_idle` does not go on for it: customers may be due for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from infra.local.clock import StepClock
from stepwell.profile.sweeping import next_sweep
from stepwell.timestamps import from_text

FUNCTION = "-sweep"
"""How the function's name ends."""
TABLE = "-customers"


class Sweeps:
    """`run` invokes the function, has what it queued worked off, and answers what it answered."""

    def __init__(self, clock: StepClock, run: Callable[[], Any]) -> None:
        self._clock = clock
        self._run = run
        self._lock = threading.Lock()
        self._moments: set[datetime] = set()

    def on_put(self, table: str, item: dict[str, Any]) -> None:
        """Told of every item in DynamoDB's JSON."""
        if "due_at" in item and table.endswith(TABLE):
            self._set(from_text(item["due_at"]["S"]))

    def _set(self, moment: datetime) -> None:
        now = self._clock.now()
        moment = moment if moment > now else next_sweep(now)
        with self._lock:
            if moment in self._moments:
                return
            self._moments.add(moment)
        self._clock.call_at(moment, lambda: self._ring(moment), awaited=False)

    def _ring(self, moment: datetime) -> None:
        with self._lock:
            self._moments.discard(moment)
        answer = self._run()
        if isinstance(answer, dict) and answer.get("left"):
            self._set(moment)


def scheduled_event(now: str) -> dict[str, Any]:
    """What EventBridge gives a function by its schedule."""
    return {"source": "aws.events", "detail-type": "Scheduled Event", "time": now, "detail": {}}
