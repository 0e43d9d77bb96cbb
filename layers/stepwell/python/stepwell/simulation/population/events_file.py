"""A file of real events: one Segment call (or batch of calls) a line, in the order of time.

`index_events` reads it once, refuses what is wrong, finds which ids belong to one customer, and
remembers of each call its place in the file only. `read_calls` reads the calls of one part again,
where it is played: so a million lines need some tens of bytes each, not their text.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stepwell.customers.contacts import country_of, plain_email, plain_phone
from stepwell.customers.identities import device_token
from stepwell.events.envelope import EnvelopeError, read_call
from stepwell.events.lines import check_type, read_object
from stepwell.events.model import Event, EventType
from stepwell.events.nobody import names_nobody
from stepwell.simulation.population.identities import Groups
from stepwell.simulation.years import YEARS
from stepwell.timestamps import from_text

SOURCE = "events file"
_MOST_PROBLEMS = 20
_PLACES = 4_096
"""A call's place is its line's offset times this, plus its index in a batch; a batch has fewer."""


class EventsFileError(Exception):
    """The file cannot be used; each of `problems` is `file:line: what is wrong; what to do`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


@dataclass(frozen=True, slots=True)
class Part:
    """Some groups of connected ids: `places` of their calls, in order; `first` is an id."""

    groups: int
    first: str
    places: array[int]


@dataclass(slots=True)
class Named:
    """An event's name in the file: the line that has it first, and how many calls have it."""

    line: int
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Index:
    """From the first call to the last one, or to the end of the period that was asked for; `names`
    are those of the tracked events.
    """

    start: datetime
    until: datetime
    parts: tuple[Part, ...]
    names: Mapping[str, Named]


@dataclass(frozen=True, slots=True)
class Call:
    """`at` is when it is sent."""

    at: datetime
    event: Event


# ---------------------------------------------------------------- the first reading


def index_events(path: str, days: int | None, size: int) -> Index:
    """Parts of `size` groups each, over the first `days` days. Raises EventsFileError."""
    if Path(path).exists() and not Path(path).is_file():
        raise EventsFileError([f"{path}: is no file; it is read twice, so a pipe will not do"])
    scan = _Scan(path)
    try:
        with Path(path).open("rb") as file:
            scan.read(file, None if days is None else timedelta(days=days))
    except OSError as error:
        raise EventsFileError([f"{path}: cannot be read: {error.strerror}"]) from error
    if scan.problems:
        raise EventsFileError(scan.problems)
    if scan.start is None or scan.last is None:
        said = "there are no calls in it; write one JSON object a line"
        raise EventsFileError([f"{path}: {said}"])
    return Index(scan.start, scan.last, tuple(_parts(scan, size)), scan.names)


class _Scan:
    """The first reading: order, types and ids of all calls, and what is wrong with them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.start: datetime | None = None
        self.last: datetime | None = None
        self.groups = Groups()
        self.places = array("q")
        self.nodes = array("l")
        self.names: dict[str, Named] = {}
        self.problems: list[str] = []

    def read(self, file: Any, period: timedelta | None) -> None:
        offset = 0
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    ended = self._read_line(line, number, offset, period)
                except ValueError as error:
                    ended = False
                    self.problems.append(f"{self.path}:{number}: {error}")
                if ended or len(self.problems) >= _MOST_PROBLEMS:
                    return
            offset += len(line)

    def _read_line(self, line: bytes, number: int, offset: int, period: timedelta | None) -> bool:
        """Whether the period has ended before it. Raises ValueError saying what is wrong."""
        for index, call in enumerate(_calls(line)):
            at = _sent_at(call)
            if self.last is not None and at < self.last:
                raise ValueError(
                    "its timestamp is before that of the call above; sort the calls by timestamp"
                )
            self.start = self.start or at
            if period is not None and at >= self.start + period:
                self.last = self.start + period
                return True
            self.last = at
            self.places.append(offset * _PLACES + index)
            self.nodes.append(self.groups.join(_ids(call)))
            name = call.get("event")
            if call["type"] == EventType.TRACK and isinstance(name, str):
                self.names.setdefault(name, Named(number)).calls += 1
        return False


def _calls(line: bytes) -> list[dict[str, Any]]:
    """The call of a line, or those of its batch, each with what the batch says for all."""
    document = read_object(line)
    if "batch" not in document:
        return [document]
    batch = document["batch"]
    if not isinstance(batch, list) or not all(isinstance(each, dict) for each in batch):
        raise ValueError("`batch` is not a list of calls; write each as a JSON object")
    if len(batch) >= _PLACES:
        raise ValueError(f"the batch has {len(batch)} calls; the API takes at most 2,500")
    shared = {name: document[name] for name in ("sentAt", "context") if name in document}
    return [shared | each for each in batch]


def _sent_at(call: dict[str, Any]) -> datetime:
    check_type(call)
    if "timestamp" not in call:
        raise ValueError('timestamp is missing; add when it was sent: "2026-11-02T09:00:00Z"')
    try:
        at = from_text(call["timestamp"])
    except (ValueError, TypeError, OverflowError) as error:
        said = f"timestamp {call['timestamp']!r} is no time with a zone"
        raise ValueError(f"{said}; write it like 2026-11-02T09:00:00Z") from error
    if at.year not in YEARS:
        said = f"timestamp {call['timestamp']!r} is not in the years {YEARS[0]} to {YEARS[-1]}"
        raise ValueError(f"{said}; correct it, or leave the call out")
    return at


def _ids(call: dict[str, Any]) -> list[str]:
    """The ids that a call may join, each with its kind, as the API and the router read them."""
    given = [(kind, call.get(kind)) for kind in ("userId", "anonymousId")]
    ids = [f"{kind} {each}" for kind, each in given if each is not None and each != ""]
    if not ids:
        raise ValueError("userId or anonymousId is required; say whose event it is")
    named = [*ids, *_addresses(call)]
    if call["type"] == EventType.ALIAS and call.get("previousId"):
        named += [f"{kind} {call['previousId']}" for kind in ("userId", "anonymousId")]
    return [each for each in named if not names_nobody(each.partition(" ")[2])] or ids[:1]


def _addresses(call: dict[str, Any]) -> list[str]:
    traits, context = call.get("traits"), call.get("context")
    found = {"token": device_token(context) if isinstance(context, dict) else None}
    if call["type"] == EventType.IDENTIFY and isinstance(traits, dict):
        found["email"] = plain_email(traits.get("email"))
        found["phone"] = plain_phone(traits.get("phone"), country_of(traits))
    return [f"{kind} {text}" for kind, text in found.items() if text]


def _parts(scan: _Scan, size: int) -> Iterator[Part]:
    """Groups in the order of their first call, `size` a part."""
    order: dict[int, int] = {}
    firsts: list[str] = []
    places: list[array[int]] = []
    for place, node in zip(scan.places, scan.nodes, strict=True):
        root = scan.groups.root(node)
        group = order.setdefault(root, len(order))
        if group // size == len(places):
            places.append(array("q"))
            firsts.append(scan.groups.name(node))
        places[group // size].append(place)
    for number, each in enumerate(places):
        yield Part(min(size, len(order) - number * size), firsts[number], each)


# ---------------------------------------------------------------- the second reading


def read_calls(path: str, part: Part) -> Iterator[Call]:
    """The calls of a part, in order. Raises EventsFileError for one that the API would refuse."""
    with Path(path).open("rb") as file:
        offset, calls = -1, list[dict[str, Any]]()
        for place in part.places:
            wanted, index = divmod(place, _PLACES)
            if wanted != offset:
                offset = wanted
                file.seek(offset)
                calls = _calls(file.readline())
            yield _call(path, offset, index, calls[index])


def _call(path: str, offset: int, index: int, document: dict[str, Any]) -> Call:
    at = _sent_at(document)
    try:
        events = read_call(
            document["type"],
            json.dumps(document).encode(),
            source=SOURCE,
            received_at=at,
            new_id=lambda: f"call-{offset}-{index}",
        )
    except EnvelopeError as error:
        line = _line_number(path, offset)
        raise EventsFileError(
            [f"{path}:{line}: {field or 'the call'}: {text}" for field, text in error.problems]
        ) from error
    return Call(at, events[0])


def _line_number(path: str, offset: int) -> int:
    with Path(path).open("rb") as file:
        return file.read(offset).count(b"\n") + 1
