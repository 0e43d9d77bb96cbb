"""The front door: who is calling, is the call well formed, is every event of it queued."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from stepwell.events.body import MAX_BATCH_BYTES, EnvelopeError, Reason, read_document
from stepwell.events.browser_settings import read_address, settings_document
from stepwell.events.envelope import Reader, Received, Refused, call_named
from stepwell.events.model import Event
from stepwell.events.quarantine import QuarantineUnavailableError, is_kept
from stepwell.events.registry import Registry, RegistryUnavailableError
from stepwell.events.sources import Source

MAX_ERRORS = 100
"""How many problems an answer lists; its counts tell of all."""
LONGEST_TEXT = 300

_STATUS = {Reason.INVALID: 400, Reason.TOO_LARGE: 413, Reason.FORBIDDEN: 403}


class QueueUnavailableError(Exception):
    """The queue did not take all events; the sender must send the call again."""


class Queue(Protocol):
    def send(self, events: Sequence[Event]) -> None:
        """Queue all events in their order. Raises QueueUnavailableError."""


class Quarantine(Protocol):
    def keep(
        self, source: Source, endpoint: str, refused: Sequence[Refused], received_at: datetime
    ) -> list[str]:
        """Keep what one request was refused; the ids under which it lies. Raises
        QuarantineUnavailableError.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Intake:
    """`find_source(write_key)` gives the source, or None for an unknown key.

    `registry` is what events are held to; it may raise RegistryUnavailableError. `quarantine` keeps
    what is refused of a known source; without one nothing is kept.
    """

    find_source: Callable[[str], Source | None]
    queue: Queue
    new_id: Callable[[], str]
    registry: Callable[[], Registry] = Registry
    quarantine: Quarantine | None = None

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

        200: every event is queued; of a batch those that are good, with the others named and kept.
        Anything else: none counts. After a 503 some may be kept or queued already; the sender's
        retry carries the same ids, so they are kept and applied once.
        """
        kind = call_named(name)
        if kind is None:
            return _refused(404, "not_found", [("", f"there is no call {name[:20]!r}")])
        document = None
        try:
            document = read_document(body, encoding=encoding)
            source = source or self._named_in(document)
            if source is None:
                return unknown_key()
            reader = Reader(source.name, received_at, self.new_id, source.types, self.registry)
            received = reader.read(kind, document)
        except EnvelopeError as error:
            unread = body if document is None else b""
            received = Received([], [Refused.by(error, document, unread)], is_batch=False)
        except RegistryUnavailableError:
            return _unavailable()
        try:
            kept = self._keep(source, kind, received, received_at)
            if received.events:
                self.queue.send(received.events)
        except (QueueUnavailableError, QuarantineUnavailableError):
            return _unavailable()
        return _answer(received, kept)

    def _keep(
        self, source: Source | None, kind: str, received: Received, received_at: datetime
    ) -> list[str] | None:
        """The ids of what is in quarantine now; None where there is none for this call."""
        if source is None or self.quarantine is None:
            return None
        refused = [
            each for each in received.refused if is_kept(each) and len(each.body) <= MAX_BATCH_BYTES
        ]
        return self.quarantine.keep(source, kind, refused, received_at) if refused else []

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


def _answer(received: Received, kept: Sequence[str] | None) -> Answer:
    """`kept` are the ids of what is in quarantine; a single call is told its own."""
    counts: dict[str, Any] = {}
    if received.is_batch:
        counts = {"accepted": len(received.events), "rejected": len(received.refused)}
    if kept is not None and (received.is_batch or kept):
        counts["quarantined"] = len(kept)
    if kept and not received.is_batch:
        counts["quarantine_id"] = kept[0]
    problems = _problems(received)
    if received.events or not received.refused:
        return Answer(200, {"success": True, **counts, **_errors(problems)})
    reasons = {each.error.reason for each in received.refused}
    reason = reasons.pop() if len(reasons) == 1 else Reason.INVALID
    return _refused(_STATUS[reason], reason, problems, counts)


def _problems(received: Received) -> list[tuple[str, str]]:
    return [problem for each in received.refused for problem in each.error.problems]


def _errors(problems: Sequence[tuple[str, str]]) -> dict[str, Any]:
    listed = [{"field": _cut(path), "message": _cut(text)} for path, text in problems[:MAX_ERRORS]]
    return {"errors": listed} if listed else {}


def _cut(text: str) -> str:
    """A path has names in it that the sender chose."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _unavailable() -> Answer:
    said = "events cannot be taken just now, send them again"
    return _refused(503, "unavailable", [("", said)])


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
    listed = [(_cut(path), _cut(text)) for path, text in problems[:MAX_ERRORS]]
    message = "; ".join(f"{path}: {text}" if path else text for path, text in listed)
    body = {"success": False, "code": str(code), "message": message, **(counts or {})}
    return Answer(status, {**body, **_errors(problems)})
