"""The front door: who is calling, is the call well formed, is every event of it queued."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from stepwell.events.body import EnvelopeError, Reason, read_document
from stepwell.events.browser_settings import read_address, settings_document
from stepwell.events.envelope import Reader, Received, call_named
from stepwell.events.model import Event
from stepwell.events.sources import Source

MAX_ERRORS = 100
"""How many problems an answer lists; its counts tell of all."""

_STATUS = {Reason.INVALID: 400, Reason.TOO_LARGE: 413, Reason.FORBIDDEN: 403}


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
    """`find_source(write_key)` gives the source, or None for an unknown key."""

    find_source: Callable[[str], Source | None]
    queue: Queue
    new_id: Callable[[], str]

    def accept(
        self,
        name: str,
        *,
        source: Source | None,
        body: bytes,
        received_at: datetime,
        encoding: str | None = None,
    ) -> Answer:
        """Answer one call; `name` is the last part of its path, `encoding` its Content-Encoding.

        `source` is the one that the API's authorizer found by the call's header. Without one the
        body has to name it; with one, a write key in the body counts for nothing.

        200: every event is queued; of a batch those that are good, with the others named. Anything
        else: none counts. After a 503 some may be queued already; the sender's retry carries the
        same ids, so they are applied once.
        """
        kind = call_named(name)
        if kind is None:
            return _refused(404, "not_found", [("", f"there is no call {name[:20]!r}")])
        try:
            document = read_document(body, encoding=encoding)
            source = source or self._named_in(document)
            if source is None:
                return unknown_key()
            reader = Reader(source.name, received_at, self.new_id, source.types)
            received = reader.read(kind, document)
        except EnvelopeError as error:
            return _refused(_STATUS[error.reason], error.reason, error.problems)
        return self._queue(received)

    def browser_settings(self, write_key: str, *, domain: str, path: str) -> Answer:
        """What the SDK for browsers asks for first; `domain` and `path` are those of the request.

        A revoked key has no settings, so that a page that was forgotten sends nothing.
        """
        if self.find_source(write_key) is None:
            return _refused(404, "not_found", [("", "there is no such write key")])
        address = read_address(domain, path)
        if address is None:
            return _refused(400, "invalid", [("", "no SDK can send to the address of this call")])
        return Answer(200, settings_document(write_key, address))

    def _named_in(self, document: Mapping[str, Any]) -> Source | None:
        """SDKs that cannot set headers, and older ones, have the write key in the body."""
        key = document.get("writeKey")
        return self.find_source(key) if isinstance(key, str) and key else None

    def _queue(self, received: Received) -> Answer:
        if received.refused and not received.events:
            return _none_is_good(received)
        try:
            self.queue.send(received.events)
        except QueueUnavailableError:
            said = "events cannot be taken just now, send them again"
            return _refused(503, "unavailable", [("", said)])
        if not received.is_batch:
            return Answer(200, {"success": True})
        return Answer(200, {"success": True, **_counts(received), **_errors(_problems(received))})


def _none_is_good(received: Received) -> Answer:
    reasons = {each.error.reason for each in received.refused}
    reason = reasons.pop() if len(reasons) == 1 else Reason.INVALID
    counts = _counts(received) if received.is_batch else {}
    return _refused(_STATUS[reason], reason, _problems(received), counts)


def _counts(received: Received) -> dict[str, Any]:
    return {"accepted": len(received.events), "rejected": len(received.refused)}


def _problems(received: Received) -> list[tuple[str, str]]:
    return [problem for each in received.refused for problem in each.error.problems]


def _errors(problems: Sequence[tuple[str, str]]) -> dict[str, Any]:
    listed = [{"field": path, "message": text} for path, text in problems[:MAX_ERRORS]]
    return {"errors": listed} if listed else {}


def unknown_key() -> Answer:
    """The gateway says the same of a header, by the template's gateway response."""
    said = "a known write key as the user is required, or as `writeKey` in the body"
    return _refused(401, "unauthorized", [("Authorization", said)])


def _refused(
    status: int,
    code: str,
    problems: Sequence[tuple[str, str]],
    counts: Mapping[str, Any] | None = None,
) -> Answer:
    """`code` and `message` are what Segment's SDK for Python looks for in a refusal."""
    listed = problems[:MAX_ERRORS]
    message = "; ".join(f"{path}: {text}" if path else text for path, text in listed)
    body = {"success": False, "code": str(code), "message": message, **(counts or {})}
    return Answer(status, {**body, **_errors(problems)})
