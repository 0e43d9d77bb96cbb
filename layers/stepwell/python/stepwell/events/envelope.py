"""The calls of Segment's HTTP tracking API, checked and turned into events: the envelope first,
then, where there is a registry, what the event is said to have.

A batch is read call by call: the good ones become events, the others are named with every problem
they have, so that a sender sees all at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from pydantic import ValidationError

from stepwell.events.body import (
    MAX_BATCH_BYTES,
    EnvelopeError,
    Reason,
    is_deeper,
    read_document,
)
from stepwell.events.calls import CALLS
from stepwell.events.model import EARLIEST, Event, EventType
from stepwell.events.registry import Registry
from stepwell.events.sources import ALL_TYPES
from stepwell.values import value

__all__ = ["MAX_BATCH_BYTES", "EnvelopeError", "Reason", "Received", "Refused", "read_call"]

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_EVENTS = 2_500
"""More would not be queued within the function's time, as each carries the batch's context."""
MAX_SHARED_BYTES = 8 * 1024 * 1024
"""Of what a batch says for all of its calls: it is checked, queued or kept with each of them, so
that half a megabyte would become a hundred.
"""
MAX_LEVELS = 32
"""How deep an event may be nested: far less than what conditions and JSON readers take."""

_measure = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_BATCH = "batch"
_NAMES = {
    **{name: name for name in (*CALLS, _BATCH)},
    **{name[0]: name for name in (*CALLS, _BATCH)},
    "import": _BATCH,
}
"""The last part of a path -> the call. SDKs for browsers and phones use first letters, older ones
`import`.
"""


@value
class Refused:
    """A call that does not count, as it was sent; `error` has the paths from the body's outside.

    Of a body that is no JSON `call` is None, and `body` has it.
    """

    call: Any
    error: EnvelopeError
    body: bytes = b""

    @classmethod
    def by(cls, error: EnvelopeError, call: Any, body: bytes = b"") -> Refused:
        """Without the error's traceback: it leads to whoever keeps this, in a circle that would
        hold the body until the garbage is collected, which may be many bodies later.
        """
        return cls(call, error.with_traceback(None), body)


@value
class Received:
    """What a body holds. `is_batch` tells a batch of one from a single call."""

    events: list[Event]
    refused: list[Refused]
    is_batch: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the calls of one source, received at one moment.

    `types` are those that the source may send; `new_id` names calls that have no `messageId`;
    `registry` is asked for when there is an event to hold to it.
    """

    source: str
    received_at: datetime
    new_id: Callable[[], str]
    types: frozenset[EventType] = ALL_TYPES
    registry: Callable[[], Registry] = Registry

    def read(self, kind: str, document: dict[str, Any]) -> Received:
        """The calls of a body. `kind` as `call_named` gives it.

        Raises EnvelopeError when the body is no batch; else every call is an event or refused.
        """
        if kind == _BATCH:
            return self._read_all(*_calls_of(document))
        return self._read_all([("", document | {"type": kind})], _ALONE, is_batch=False)

    def _read_all(
        self, calls: Iterable[tuple[str, Any]], shared: _Shared, *, is_batch: bool = True
    ) -> Received:
        received = Received([], [], is_batch)
        for path, call in calls:
            try:
                received.events.append(self._event(call, path, shared))
            except EnvelopeError as error:
                whole = shared.members | call if isinstance(call, dict) else call
                received.refused.append(Refused.by(error, whole))
        return received

    def _event(self, document: Any, path: str, shared: _Shared) -> Event:
        kind = _kind(document, path, shared)
        try:
            call = CALLS[kind].model_validate(shared.members | document)
        except ValidationError as error:
            raise EnvelopeError([_problem(path, dict(each)) for each in error.errors()]) from None
        if call.type not in self.types:
            said = f"this write key may not send {kind} calls"
            raise EnvelopeError([(_join(path, "type"), said)], reason=Reason.FORBIDDEN)
        fields = {"name": "", "properties": {}, "traits": {}} | call.content()
        if fields["name"]:
            self._check(call.type, fields, call.context, path)
        return Event(
            id=call.messageId or self.new_id(),
            source=self.source,
            type=call.type,
            user_id=call.userId,
            anonymous_id=call.anonymousId,
            context=call.context,
            timestamp=happened_at(
                call.originalTimestamp or call.timestamp,
                sent_at=call.sentAt,
                received_at=self.received_at,
            ),
            received_at=self.received_at,
            **fields,
        )

    def _check(
        self, kind: EventType, fields: dict[str, Any], context: dict[str, Any], path: str
    ) -> None:
        name, registry = fields["name"], self.registry()
        if name in registry.kept_back:
            said = f'"{name}" is told by Stepwell alone'
            raise EnvelopeError([(_join(path, "event"), said)], reason=Reason.FORBIDDEN)
        problems = registry.problems(kind, name, fields["properties"], context)
        if problems:
            raise EnvelopeError([(_join(path, field), said) for field, said in problems])


def call_named(name: str) -> str | None:
    """The call that the last part of a path names, `t` as well as `track`; None for no call's."""
    return _NAMES.get(name)


def names_of(kind: str) -> list[str]:
    """The last parts of the paths that name a call, its own name first."""
    return [name for name, named in _NAMES.items() if named == kind]


def read_call(
    kind: str, body: bytes, *, source: str, received_at: datetime, new_id: Callable[[], str]
) -> list[Event]:
    """The events of one call to `/v1/<kind>`. Raises EnvelopeError with the problems of all calls.

    For what is written by people, where all has to be right; the API takes what is good.
    """
    received = Reader(source, received_at, new_id).read(kind, read_document(body))
    if received.refused:
        raise EnvelopeError([each for one in received.refused for each in one.error.problems])
    return received.events


@dataclass(frozen=True, slots=True)
class _Shared:
    """What a batch says for each call that does not say it itself, measured once for all."""

    members: dict[str, Any]
    sizes: dict[str, int]

    def added(self, document: dict[str, Any]) -> int:
        """How many bytes longer a call becomes by it."""
        return sum(size for name, size in self.sizes.items() if name not in document)


_ALONE = _Shared({}, {})


def _calls_of(document: dict[str, Any]) -> tuple[list[tuple[str, Any]], _Shared]:
    """Each call of a batch with its path; and what the batch says for all."""
    batch = document.get(_BATCH)
    if not isinstance(batch, list):
        _refuse(_BATCH, "a list of calls is required")
    if len(batch) > MAX_BATCH_EVENTS:
        said = f"more than {MAX_BATCH_EVENTS} calls"
        raise EnvelopeError([(_BATCH, said)], reason=Reason.TOO_LARGE)
    shared: dict[str, Any] = {
        name: document[name] for name in ("sentAt", "context") if name in document
    }
    if is_deeper(shared, MAX_LEVELS):
        _refuse("context", f"nested deeper than {MAX_LEVELS} levels")
    if _bytes(shared) > MAX_EVENT_BYTES:  # it counts for each call, and is queued with each
        said = f"larger than {MAX_EVENT_BYTES} bytes"
        raise EnvelopeError([("context", said)], reason=Reason.TOO_LARGE)
    if _bytes(shared) * len(batch) > MAX_SHARED_BYTES:
        said = f"more than {MAX_SHARED_BYTES} bytes, once for each of {len(batch)} calls"
        raise EnvelopeError([("context", said)], reason=Reason.TOO_LARGE)
    calls = [(f"batch[{index}]", call) for index, call in enumerate(batch)]
    # A member's size is that of an object with it alone, less the braces and with a comma.
    return calls, _Shared(shared, {name: _bytes({name: shared[name]}) - 1 for name in shared})


def _kind(document: Any, path: str, shared: _Shared) -> str:
    """The call's type, once it is known to be an object of bearable size."""
    if not isinstance(document, dict):
        _refuse(path, "must be an object")
    if is_deeper(document, MAX_LEVELS):
        _refuse(path, f"nested deeper than {MAX_LEVELS} levels")
    if _bytes(document) + shared.added(document) > MAX_EVENT_BYTES:
        said = f"larger than {MAX_EVENT_BYTES} bytes"
        raise EnvelopeError([(path, said)], reason=Reason.TOO_LARGE)
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in CALLS:
        _refuse(_join(path, "type"), f"must be one of {', '.join(CALLS)}")
    return kind


def happened_at(
    claimed: datetime | None, *, sent_at: datetime | None, received_at: datetime
) -> datetime:
    """When an event happened by our clock (Segment's rule), never later than its receipt.

    The sender's clock may be wrong: `sent_at` was read on the same clock as `claimed` and is really
    about `received_at`, so their difference corrects it. What claims to be older than computers
    count is of 1970: the zero of some languages is the year 1.
    """
    if claimed is None:
        return received_at
    age = (sent_at or received_at) - claimed
    try:
        return max(received_at.astimezone(UTC) - max(age, timedelta(0)), EARLIEST)
    except OverflowError:
        return EARLIEST


def _bytes(document: dict[str, Any]) -> int:
    """In UTF-8, as SDKs count: escaped, letters of most languages would be two or three times as
    long.
    """
    return len(_measure.encode(document).encode())


def _refuse(path: str, text: str) -> NoReturn:
    raise EnvelopeError([(path, text)])


def _problem(path: str, error: dict[str, Any]) -> tuple[str, str]:
    field = "".join(
        f"[{part}]" if isinstance(part, int) else str(part) for part in error["loc"][:1]
    )
    text = str(error["msg"]).removeprefix("Value error, ")
    if not field and text.startswith("userId"):
        field = "userId"
    elif not field and text.startswith("properties."):
        field, _, text = text.partition(": ")
    return _join(path, field), text


def _join(path: str, field: str) -> str:
    return ".".join(part for part in (path, field) if part)
