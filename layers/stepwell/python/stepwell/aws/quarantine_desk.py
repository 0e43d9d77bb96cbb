"""What operators do about refused calls: check, correct, replay, dismiss.

An entry leaves in three writes: that its replay begins, the events into the queue, that it left.
Whoever crashes between them does it again: the events keep their ids, the source they came from and
the time of their receipt, so that the router applies them once. From the first write on the call
stays as it is, for another one would be another event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from stepwell.aws.quarantine import DISMISSED, QuarantineBucket, QuarantineError, State
from stepwell.customers.routing import MARKER_KEPT
from stepwell.events.body import EnvelopeError
from stepwell.events.model import Event
from stepwell.events.quarantine import Entry, events_of
from stepwell.events.registry import Registry
from stepwell.timestamps import from_text, to_text

AGAIN_WITHIN = MARKER_KEPT - timedelta(days=4)
"""How long a replay that broke off may be done again: the queue may take four days to deliver."""

Problems = Sequence[tuple[str, str]]


class Queue(Protocol):
    def send(self, events: Sequence[Event]) -> None:
        """Raises QueueUnavailableError."""


@dataclass(frozen=True)
class QuarantineDesk:
    """`registry` is the deployed one, which ingest holds events to; `by` is who does it all."""

    bucket: QuarantineBucket
    queue: Queue
    registry: Callable[[], Registry]
    by: str

    def problems(self, entry: Entry, call: Any) -> Problems:
        """What is wrong with a call now, as ingest would say it; empty for a good one."""
        try:
            events_of(entry, call, self.registry())
        except EnvelopeError as error:
            return error.problems
        return ()

    def fix(
        self, entry: Entry, correct: Callable[[Any], Any], changes: Sequence[str], now: datetime
    ) -> Problems:
        """Keep the correction beside the original, if nothing is wrong with it any more.

        `correct` makes it from the last one, or from what was sent. Raises QuarantineError for an
        entry that left, or that a replay may have sent already.
        """
        state = self.bucket.state(entry.id)
        self._check_open(entry, state)
        if state.sending:
            said = f"{entry.id}: its replay began at {state.sending} and may have got through; "
            raise QuarantineError(f"{said}replay it again as it is, or dismiss it")
        call = correct(state.call if state.is_fixed else entry.call)
        problems = self.problems(entry, call)
        if not problems:
            state.call, state.is_fixed = call, True
            fixed = {"what": "corrected", **self._signed(now), "changes": list(changes)}
            state.history.append({**fixed, "call": call})
            self.bucket.put_state(entry.id, state)
        return problems

    def replay(self, entry: Entry, now: datetime) -> Problems:
        """Send what the entry holds now through the events queue; what is still wrong is not sent.

        Raises QuarantineError, QueueUnavailableError and what botocore raises.
        """
        state = self.bucket.state(entry.id)
        self._check_open(entry, state)
        if state.sending and now > from_text(state.sending) + AGAIN_WITHIN:
            said = f"{entry.id}: its replay began at {state.sending}, so long ago that the router "
            raise QuarantineError(f"{said}may have forgotten that it applied it; dismiss it")
        call = state.call if state.is_fixed else entry.call
        try:
            events = events_of(entry, call, self.registry())
        except EnvelopeError as error:
            return error.problems
        if not state.sending:
            state.sending = to_text(now)
            state.history.append({"what": "replay began", **self._signed(now)})
            self.bucket.put_state(entry.id, state)
        self.queue.send(events)
        left = {"what": "replayed", **self._signed(now), "events": [each.id for each in events]}
        self.bucket.close(entry.id, left)
        return ()

    def dismiss(self, entry: Entry, reason: str, now: datetime) -> None:
        """Close an entry that nothing can be made of. Raises QuarantineError.

        The state is written first, over what was read, so that nobody replays it meanwhile.
        """
        state = self.bucket.state(entry.id)
        left = {"what": DISMISSED, **self._signed(now), "reason": reason}
        if not (state.closed is None and state.is_dismissed):  # else an earlier try broke off
            self._check_open(entry, state)
            state.history.append(left)
            self.bucket.put_state(entry.id, state)
        self.bucket.close(entry.id, left)

    def _check_open(self, entry: Entry, state: State) -> None:
        if state.closed is not None:
            how, at, by = (state.closed[each] for each in ("what", "at", "by"))
            raise QuarantineError(f"{entry.id} was {how} at {at} by {by}")
        if state.is_dismissed:
            by = state.history[-1]["by"]
            raise QuarantineError(f"{entry.id} is being dismissed by {by}; dismiss it to end that")

    def _signed(self, now: datetime) -> dict[str, str]:
        return {"at": to_text(now), "by": self.by}
