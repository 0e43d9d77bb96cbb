"""How accepted events lie in the archive: which object, which bytes, in which order they are read.

An object holds events of one minute of receipt, as gzip'd JSON Lines: each line has the message's
`sequence` in the queue and, unchanged, its body. Its name has the hash of its lines, so that a
batch that comes again writes the same object again. Pure: no clock, no client.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from stepwell.events.model import Event, from_message
from stepwell.values import value

FOLDER = "events"
_NAME = f"{FOLDER}/date=%Y-%m-%d/hour=%H/%M-"


@value
class Archived:
    """An accepted event, and its number in the queue, which orders events of one moment."""

    event: Event
    sequence: int


def minute_prefix(event: Event) -> str:
    """How the names of the objects begin that may have the event; a batch has one such object."""
    return event.received_at.strftime(_NAME)


def pack(messages: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """The objects, as (key, content), for messages given as (body, sequence number or "").

    A body that is no event is left out: the router fails on it, and the dead-letter queue keeps it.
    """
    by_minute: dict[str, list[str]] = {}
    for body, sequence in messages:
        try:
            prefix = minute_prefix(from_message(body))
        except (ValueError, KeyError, TypeError):
            continue
        one_line = body.replace("\r", " ").replace("\n", " ")  # between tokens: no text has them
        line = f'{{"sequence":"{sequence}","event":{one_line}}}\n'
        by_minute.setdefault(prefix, []).append(line)
    for prefix, lines in by_minute.items():
        content = "".join(lines).encode()
        name = hashlib.sha256(content).hexdigest()[:32]
        # Without the time of packing: the same lines are the same bytes.
        yield f"{prefix}{name}.jsonl.gz", gzip.compress(content, mtime=0)


def unpack(content: bytes) -> Iterator[Archived]:
    """The events of an object. Raises ValueError when it is none that `pack` made."""
    try:
        for line in gzip.decompress(content).splitlines():
            document = json.loads(line)
            event = from_message(json.dumps(document["event"]))
            yield Archived(event, int(document["sequence"] or 0))
    except (OSError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"not an object of the archive: {error!r}") from error


def in_order(archived: Iterable[Archived]) -> list[Event]:
    """Events as they were received, each once; of one that was sent again, the first."""
    events: dict[str, Event] = {}
    for each in sorted(archived, key=lambda one: (one.event.received_at, one.sequence)):
        events.setdefault(each.event.fingerprint, each.event)
    return list(events.values())


def minute_of(key: str) -> datetime | None:
    """The minute, in UTC, of an object's key; None for a key that is not of the archive."""
    try:
        return datetime.strptime(f"{key[: key.rindex('-') + 1]} +0000", f"{_NAME} %z")
    except ValueError:
        return None
