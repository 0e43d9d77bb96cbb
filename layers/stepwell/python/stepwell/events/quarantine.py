"""What the front door refused, as it lies in quarantine until somebody has looked at it.

    entries/date=<YYYY-MM-DD>/<hash>-<n>.jsonl.gz   n calls that one request was refused, by ingest
    states/<entry>.json                             a correction, or that a replay has begun
    closed/<entry>.json                             how it left: replayed or dismissed

An entry's id is `<YYYYMMDD>-<hash>-<index>`, so that it leads to its object, and what is open is
known from the names alone. The hash is that of the calls without what a resend changes: an SDK that
sends again writes the same object. Pure: no clock, no client.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from stepwell.events.body import EnvelopeError, Reason
from stepwell.events.calls import CALLS
from stepwell.events.envelope import Reader, Refused
from stepwell.events.model import Event, EventType, digest
from stepwell.events.registry import Registry
from stepwell.events.sources import ALL_TYPES
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

ENTRIES, STATES, CLOSED = "entries", "states", "closed"

_KEY = re.compile(rf"{ENTRIES}/date=(\d{{4}})-(\d\d)-(\d\d)/([0-9a-f]{{16}})-(\d+)\.jsonl\.gz")
_ID = re.compile(r"(\d{4})(\d\d)(\d\d)-([0-9a-f]{16})-(\d+)")
_IN_BATCH = re.compile(r"^batch\[\d+\]\.?")
_HASHED = 16


class QuarantineUnavailableError(Exception):
    """S3 did not take what was refused; the sender must send the call again."""


@value
class Entry:
    """A refused call. `call` is as it was sent, but for the write key; of a body that is no JSON it
    is None, and `body` has it in base64.

    `endpoint` is the call that it came as; `is_whole` tells a whole body from a call of a batch.
    `types` are those that its write key may send, and
    `event_id` names the event whenever it is replayed. `errors`: (path within the call, message).
    """

    id: str
    source: str
    received_at: datetime
    endpoint: str
    event_id: str
    call: Any
    body: str
    errors: tuple[tuple[str, str], ...]
    reason: str
    registry: str
    types: tuple[str, ...]
    is_whole: bool

    @property
    def name(self) -> str:
        """The event's name as far as it says one, else its kind."""
        call = self.call if isinstance(self.call, dict) else {}
        named = call.get("event") if call.get("type") in (None, EventType.TRACK) else None
        return named if isinstance(named, str) and named else str(call.get("type") or self.endpoint)

    @property
    def text(self) -> str | None:
        """The body that is no JSON, where it is text."""
        try:
            return base64.b64decode(self.body).decode() if self.body else None
        except UnicodeDecodeError:
            return None

    def document(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "received_at": to_text(self.received_at),
            "endpoint": self.endpoint,
            "event_id": self.event_id,
            **({"body": self.body} if self.body else {"call": self.call}),
            "errors": [{"field": path, "message": said} for path, said in self.errors],
            "reason": self.reason,
            "registry": self.registry,
            **({"types": list(self.types)} if self.types else {}),
            **({"whole": True} if self.is_whole else {}),
        }


@value
class Receipt:
    """What all that one request was refused has in common."""

    source: str
    types: frozenset[EventType]
    endpoint: str
    received_at: datetime
    registry: str


def is_kept(refused: Refused) -> bool:
    """What is too large is not: keeping it would be the way around the limits."""
    return refused.error.reason is not Reason.TOO_LARGE


def pack(
    refused: Sequence[Refused], receipt: Receipt, new_id: Callable[[], str]
) -> tuple[str, bytes, list[str]]:
    """The object's key and content, and the entries' ids. `new_id` is for calls without an id."""
    calls = [(each, _event_id(each.call, new_id)) for each in refused]
    hashed = [[_resent_alike(each), event_id] for each, event_id in calls]
    text = json.dumps([receipt.source, receipt.endpoint, hashed], sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:_HASHED]
    key = f"{ENTRIES}/date={receipt.received_at:%Y-%m-%d}/{name}-{len(calls)}.jsonl.gz"
    ids = [f"{receipt.received_at:%Y%m%d}-{name}-{index}" for index in range(len(calls))]
    types = () if receipt.types == ALL_TYPES else tuple(sorted(receipt.types))
    lines = (
        Entry(
            id=ids[index],
            source=receipt.source,
            received_at=receipt.received_at,
            endpoint=receipt.endpoint,
            event_id=event_id,
            call=_without_key(each.call),
            body=base64.b64encode(each.body).decode(),
            errors=tuple((_IN_BATCH.sub("", path), said) for path, said in each.error.problems),
            reason=each.error.reason.value,
            registry=receipt.registry,
            types=types,
            is_whole=not any(_IN_BATCH.match(path) for path, _ in each.error.problems),
        ).document()
        for index, (each, event_id) in enumerate(calls)
    )
    content = "".join(json.dumps(each) + "\n" for each in lines).encode()
    return key, gzip.compress(content, mtime=0), ids


def unpack(key: str, content: bytes) -> Iterator[Entry]:
    """The entries of an object. Raises ValueError when it is none that `pack` made."""
    found = _KEY.fullmatch(key)
    if not found:
        raise ValueError(f"{key} is no object of the quarantine")
    year, month, day, name, count = found.groups()
    try:
        lines = gzip.decompress(content).splitlines()
        if len(lines) != int(count):
            raise ValueError(f"{key} is no object of the quarantine: it holds {len(lines)} lines")
        for index, line in enumerate(lines):
            yield _read(f"{year}{month}{day}-{name}-{index}", json.loads(line))
    except (OSError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"{key} is no object of the quarantine: {error!r}") from error


def _read(entry_id: str, document: dict[str, Any]) -> Entry:
    return Entry(
        id=entry_id,
        source=document["source"],
        received_at=from_text(document["received_at"]),
        endpoint=document["endpoint"],
        event_id=document["event_id"],
        call=document.get("call"),
        body=document.get("body", ""),
        errors=tuple((each["field"], each["message"]) for each in document["errors"]),
        reason=document["reason"],
        registry=document["registry"],
        types=tuple(document.get("types", ())),
        is_whole=document.get("whole", False),
    )


def events_of(
    entry: Entry, call: Any, registry: Registry, *, any_type: bool = False
) -> list[Event]:
    """The events of an entry, at least one, read now as ingest reads them, from its source and of
    its time.

    `call` is the entry's own or its correction; with `any_type` also one that its write key could
    not send. Raises EnvelopeError with all that is wrong.
    """
    if not isinstance(call, dict):
        raise EnvelopeError([("", "the call is no JSON object")])
    _check_numbers(call)
    kind = _kind(entry, call)
    reader = Reader(
        entry.source,
        entry.received_at,
        _ids(entry.event_id),
        ALL_TYPES if any_type or not entry.types else frozenset(map(EventType, entry.types)),
        lambda: registry,
    )
    received = reader.read(kind, call)
    if received.refused:
        raise EnvelopeError([each for one in received.refused for each in one.error.problems])
    if not received.events:  # it would leave, and nothing would come of it
        raise EnvelopeError([("batch", "there is no call in it")])
    return received.events


def _check_numbers(call: dict[str, Any]) -> None:
    """Raises EnvelopeError for a correction that was kept when these were still taken."""
    try:
        json.dumps(call, allow_nan=False)
    except ValueError:
        said = "the call has NaN or infinity, which is no JSON"
        raise EnvelopeError([("", said)]) from None


def _kind(entry: Entry, call: dict[str, Any]) -> str:
    """A call of a batch is never a batch itself, whatever else it has: ingest reads it as one call.

    Raises EnvelopeError.
    """
    kind = call.get("type")
    if entry.is_whole and entry.endpoint == "batch" and ("batch" in call or kind is None):
        return "batch"
    if entry.is_whole and kind is None:
        return entry.endpoint
    if not isinstance(kind, str) or kind not in CALLS:
        raise EnvelopeError([("type", f"must be one of {', '.join(CALLS)}")])
    return kind


def _ids(event_id: str) -> Callable[[], str]:
    """Always the same ids, so that a second replay is known as such."""
    numbers = iter(range(1_000_000))

    def new_id() -> str:
        number = next(numbers)
        return event_id if number == 0 else f"{event_id}-{number}"

    return new_id


def location(entry_id: str) -> str | None:
    """How the key of an entry's object begins; None for what is no id."""
    found = _ID.fullmatch(entry_id)
    if not found:
        return None
    year, month, day, name, _ = found.groups()
    return f"{ENTRIES}/date={year}-{month}-{day}/{name}-"


def day_folder(day: date) -> str:
    return f"{ENTRIES}/date={day}/"


def still_open(
    entries: Iterable[tuple[str, datetime]], closed: Iterable[str], now: datetime
) -> tuple[int, timedelta]:
    """How many entries are open and how old the oldest is, by the names of objects alone.

    `entries` are keys, each with the time of its writing.
    """
    left: dict[str, int] = {}
    for key in closed:
        location_ = location(key.removeprefix(f"{CLOSED}/").removesuffix(".json"))
        if location_:
            left[location_] = left.get(location_, 0) + 1
    count, oldest = 0, timedelta()
    for key, written in entries:
        found = _KEY.fullmatch(key)
        if not found:
            continue
        here = int(found[5]) - left.get(f"{key.rpartition('-')[0]}-", 0)
        if here > 0:
            count, oldest = count + here, max(oldest, now - written)
    return count, oldest


def _event_id(call: Any, new_id: Callable[[], str]) -> str:
    """The sender's own, however odd it is; else a new one, for then every call is a new event."""
    given = call.get("messageId") if isinstance(call, dict) else None
    if given is None or given == "":
        return new_id()
    return (
        str(given)
        if isinstance(given, str | int) and len(str(given)) <= 256
        else digest(json.dumps(given))
    )


def _resent_alike(refused: Refused) -> Any:
    """What is the same when an SDK sends a call again: `sentAt` is not."""
    if refused.body:
        return hashlib.sha256(refused.body).hexdigest()
    call = _without_key(refused.call)
    if not isinstance(call, dict):
        return call
    return {name: each for name, each in call.items() if name != "sentAt"}


def _without_key(call: Any) -> Any:
    """Write keys are kept nowhere in clear, those in a batch's calls neither."""
    if not isinstance(call, dict):
        return call
    plain = {name: each for name, each in call.items() if name != "writeKey"}
    if isinstance(plain.get("batch"), list):
        plain["batch"] = [_without_key(each) for each in plain["batch"]]
    return plain
