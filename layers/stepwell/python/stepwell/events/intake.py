"""The front door: who is calling, is the call well formed, is every event of it queued."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from stepwell.events.envelope import EnvelopeError, read_call
from stepwell.events.model import Event


class QueueUnavailableError(Exception):
    """The queue did not take all events; the sender must send the call again."""


class Queue(Protocol):
    def send(self, events: Sequence[Event]) -> None:
        """Queue all events in their order. Raises QueueUnavailableError."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Intake:
    """`find_source(write_key)` gives the source's name, or None for an unknown key."""

    find_source: Callable[[str], str | None]
    queue: Queue
    new_id: Callable[[], str]

    def accept(
        self, kind: str, *, authorization: str | None, body: bytes, received_at: datetime
    ) -> Answer:
        """Answer one call. 200 means that each of its events is queued; anything else that none
        counts.

        After a 503 some may be queued already; the sender's retry carries the same ids, so they are
        applied once.
        """
        write_key = basic_user(authorization)
        source = self.find_source(write_key) if write_key else None
        if source is None:
            return _refused(401, [("Authorization", "a known write key as the user is required")])
        try:
            events = read_call(
                kind, body, source=source, received_at=received_at, new_id=self.new_id
            )
        except EnvelopeError as error:
            return _refused(413 if error.too_large else 400, error.problems)
        try:
            self.queue.send(events)
        except QueueUnavailableError:
            return _refused(503, [("", "events cannot be taken just now, send them again")])
        return Answer(200, {"success": True})


def basic_user(authorization: str | None) -> str | None:
    """The user of an HTTP basic authentication header (RFC 7617), or None."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:  # not base64, not UTF-8, or not even ASCII
        return None
    return text.partition(":")[0] or None


def _refused(status: int, problems: list[tuple[str, str]]) -> Answer:
    errors = [{"field": path, "message": text} for path, text in problems]
    message = "; ".join(f"{path}: {text}" if path else text for path, text in problems)
    return Answer(status, {"success": False, "message": message, "errors": errors})
