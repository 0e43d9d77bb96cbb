"""What operators do about refused calls: check, correct, replay, dismiss.

An entry leaves in three writes: that its replay begins, the events into the queue, that it left.
Whoever crashes between them does it again: the events keep their ids, the source they came from and
the time of their receipt, so that the router applies them once. From the first write on the call
stays as it is, for another one would be another event. Every attempt writes over the state that it
read, so that of a replay and a dismissal at once one does not begin, or says what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from stepwell.aws.quarantine import DISMISSED, REPLAYED, QuarantineBucket, QuarantineError, State
from stepwell.customers.routing import MARKER_KEPT
from stepwell.events.body import EnvelopeError
from stepwell.events.model import Event
from stepwell.events.quarantine import Entry, events_of
from stepwell.events.registry import Registry
from stepwell.timestamps import from_text, to_text

AGAIN_WITHIN = MARKER_KEPT - timedelta(days=4)
"""How long what may be applied already may be sent: the queue may take four days to deliver.

It counts from the receipt too, for the app may have sent the same id again, and rightly.
"""

Problems = Sequence[tuple[str, str]]


class Queue(Protocol):
    def send(self, events: Sequence[Event]) -> None:
        """Raises QueueUnavailableError."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What an operator says knowingly: `old` of an entry that was received so long ago that the
    router may have forgotten its id, `any_type` of a call that its write key could not send.
    """

    old: bool = False
    any_type: bool = False


_NONE = Consent()


@dataclass(frozen=True)
class QuarantineDesk:
    """`registry` is the deployed one, which ingest holds events to; `by` is who does it all."""

    bucket: QuarantineBucket
    queue: Queue
    registry: Callable[[], Registry]
    by: str

    def problems(self, entry: Entry, call: Any, consent: Consent = _NONE) -> Problems:
        """What is wrong with a call now, as ingest would say it; empty for a good one."""
        try:
            self._events(entry, call, consent)
        except EnvelopeError as error:
            return error.problems
        return ()

    def fix(
        self,
        entry: Entry,
        correct: Callable[[Any], Any],
        changes: Sequence[str],
        now: datetime,
        consent: Consent = _NONE,
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
        problems = self.problems(entry, call, consent)
        if not problems:
            state.call, state.is_fixed = call, True
            fixed = {"what": "corrected", **self._signed(now), "changes": list(changes)}
            state.history.append({**fixed, "call": call})
            self.bucket.put_state(entry.id, state)
        return problems

    def replay(self, entry: Entry, now: datetime, consent: Consent = _NONE) -> Problems:
        """Send what the entry holds now through the events queue; what is still wrong is not sent.

        Raises QuarantineError, QueueUnavailableError and what botocore raises.
        """
        state = self.bucket.state(entry.id)
        self._check_open(entry, state)
        call = state.call if state.is_fixed else entry.call
        try:
            events = self._events(entry, call, consent)
        except EnvelopeError as error:
            return error.problems
        _check_age(entry, state, now, consent)
        state.sending = state.sending or to_text(now)
        began = {"what": "replay began", **self._signed(now)}
        said = [name for name, is_said in asdict(consent).items() if is_said]
        state.history.append(began | ({"even_if": said} if said else {}))
        self.bucket.put_state(entry.id, state)
        self.queue.send(events)
        left = {"what": REPLAYED, **self._signed(now), "events": [each.id for each in events]}
        first = self.bucket.close(entry.id, left)
        if first["what"] != REPLAYED:
            said_so = f"{entry.id} was sent, but {_how(first)} meanwhile and stays recorded as that"
            raise QuarantineError(said_so)
        return ()

    def dismiss(self, entry: Entry, reason: str, now: datetime) -> str:
        """Close an entry that nothing can be made of. When its replay began, which may have got
        through; empty when none did. Raises QuarantineError.

        The state is written first, over what was read, so that nobody replays it meanwhile.
        """
        state = self.bucket.state(entry.id)
        left = {"what": DISMISSED, **self._signed(now), "reason": reason}
        if state.sending:
            left["replay_began"] = state.sending
        if not (state.closed is None and state.is_dismissed):  # else an earlier try broke off
            self._check_open(entry, state)
            state.history.append(left)
            self.bucket.put_state(entry.id, state)
        first = self.bucket.close(entry.id, left)
        if first["what"] != DISMISSED:
            raise QuarantineError(f"{entry.id} {_how(first)} meanwhile")
        return state.sending

    def _events(self, entry: Entry, call: Any, consent: Consent) -> list[Event]:
        return events_of(entry, call, self.registry(), any_type=consent.any_type)

    def _check_open(self, entry: Entry, state: State) -> None:
        if state.closed is not None:
            raise QuarantineError(f"{entry.id} {_how(state.closed)}")
        if state.is_dismissed:
            by = state.history[-1]["by"]
            raise QuarantineError(f"{entry.id} is being dismissed by {by}; dismiss it to end that")

    def _signed(self, now: datetime) -> dict[str, str]:
        return {"at": to_text(now), "by": self.by}


def _how(closed: dict[str, Any]) -> str:
    return f"was {closed['what']} at {closed['at']} by {closed['by']}"


def _check_age(entry: Entry, state: State, now: datetime, consent: Consent) -> None:
    """Raises QuarantineError for what the router could apply a second time."""
    if state.sending and now > from_text(state.sending) + AGAIN_WITHIN:
        said = f"{entry.id}: its replay began at {state.sending}, so long ago that the router "
        raise QuarantineError(f"{said}may have forgotten that it applied it; dismiss it")
    if not consent.old and now > entry.received_at + AGAIN_WITHIN:
        said = f"{entry.id}: received at {to_text(entry.received_at)}, so long ago that the router "
        raise QuarantineError(
            f"{said}may have forgotten an event of the same id, sent again rightly or kept twice; "
            "dismiss it, or replay it with --even-if-old if there was none"
        )
