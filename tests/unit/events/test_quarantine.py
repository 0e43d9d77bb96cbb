"""What is refused, as it lies in quarantine: which calls, under which names, what is still open."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from stepwell.events.body import MAX_BATCH_BYTES, EnvelopeError, Reason
from stepwell.events.envelope import Refused
from stepwell.events.intake import Answer, Intake
from stepwell.events.model import Event, EventType
from stepwell.events.quarantine import (
    Entry,
    QuarantineUnavailableError,
    Receipt,
    events_of,
    location,
    pack,
    still_open,
    unpack,
)
from stepwell.events.registry import Registry
from stepwell.events.sources import ALL_TYPES, Source
from stepwell.timestamps import from_text

NOW = from_text("2026-11-24T21:14:00Z")
BAD = {"type": "track", "userId": "ada", "messageId": "m-1", "properties": {"price": 1}}
SHOP = Source("shop", frozenset({EventType.TRACK}))


def receipt(**changes: Any) -> Receipt:
    given: dict[str, Any] = {
        "source": "shop",
        "types": ALL_TYPES,
        "endpoint": "batch",
        "received_at": NOW,
        "registry": "abc",
    }
    return Receipt(**{**given, **changes})


def refused(call: Any, path: str = "batch[3].event") -> Refused:
    return Refused(call, EnvelopeError([(path, "Field required")]))


def packed(
    *calls: Any, path: str = "batch[3].event", **changes: Any
) -> tuple[str, bytes, list[str]]:
    numbers = iter(range(100))
    return pack(
        [refused(each, path) for each in calls], receipt(**changes), lambda: f"new-{next(numbers)}"
    )


def entries(*calls: Any, **changes: Any) -> list[Entry]:
    key, content, _ = packed(*calls, **changes)
    return list(unpack(key, content))


def test_an_entry_says_all_that_is_known() -> None:
    [entry] = entries(BAD)
    assert (entry.source, entry.received_at, entry.endpoint) == ("shop", NOW, "batch")
    assert (entry.event_id, entry.call, entry.reason, entry.registry) == (
        "m-1",
        BAD,
        "invalid",
        "abc",
    )
    assert entry.errors == (("event", "Field required"),), "the path begins in the call"
    assert entry.id.startswith("20261124-")
    key, _, [entry_id] = packed(BAD)
    assert entry_id == entry.id
    assert key.startswith(location(entry_id) or "?")
    assert key.endswith("-1.jsonl.gz")


def test_a_resend_writes_the_same_object() -> None:
    first = packed(BAD | {"sentAt": "2026-11-24T21:13:00Z"}, BAD)
    later = packed(
        BAD | {"sentAt": "2026-11-24T21:20:00Z"}, BAD, received_at=NOW + timedelta(minutes=7)
    )
    assert first[0] == later[0]
    assert first[2] == later[2]


@pytest.mark.parametrize(
    "changes", [{"source": "web"}, {"endpoint": "track"}, {"received_at": NOW + timedelta(days=1)}]
)
def test_other_requests_write_other_objects(changes: dict[str, Any]) -> None:
    assert packed(BAD, **changes)[0] != packed(BAD)[0]
    assert packed(BAD | {"userId": "bob"})[0] != packed(BAD)[0]


def test_without_an_id_every_call_is_a_new_event() -> None:
    call = {"type": "track", "userId": "ada"}
    one = pack([refused(call)], receipt(), lambda: "one")
    assert pack([refused(call)], receipt(), lambda: "other")[0] != one[0]
    [entry] = unpack(one[0], one[1])
    assert entry.event_id == "one"


@pytest.mark.parametrize("odd", [["m"], {"a": 1}, "m" * 300, 3.5, True])
def test_an_odd_id_is_always_the_same_event(odd: Any) -> None:
    ids = {entries({"messageId": odd})[0].event_id for _ in range(3)}
    assert len(ids) == 1
    assert 0 < len(ids.pop()) <= 256


def test_write_keys_are_not_kept() -> None:
    _, content, _ = packed(BAD | {"writeKey": "secret"})
    assert b"secret" not in gzip.decompress(content)
    assert packed(BAD | {"writeKey": "secret"})[0] == packed(BAD)[0]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"\x00", "né".encode()])
def test_a_body_that_is_no_json_comes_back(body: bytes) -> None:
    one = Refused(None, EnvelopeError([("", "the body is not valid JSON")]), body)
    key, content, _ = pack([one], receipt(endpoint="track"), lambda: "new")
    [entry] = unpack(key, content)
    assert entry.call is None
    try:
        assert entry.text == body.decode()
    except UnicodeDecodeError:
        assert entry.text is None


@pytest.mark.parametrize("content", [b"", b"x", gzip.compress(b"{}\n", mtime=0)])
def test_what_is_no_object_of_the_quarantine_is_refused(content: bytes) -> None:
    key, _, _ = packed(BAD)
    with pytest.raises(ValueError, match="no object of the quarantine"):
        list(unpack(key, content))
    with pytest.raises(ValueError, match="no object of the quarantine"):
        list(unpack("entries/other", packed(BAD)[1]))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ({"type": "track", "event": "Seen"}, "Seen"),
        ({"event": "Seen"}, "Seen"),
        ({"type": "page", "event": "Seen"}, "page"),
        ({"type": "track", "event": 3}, "track"),
        (7, "batch"),
    ],
)
def test_an_entry_has_a_name_to_look_for(call: Any, name: str) -> None:
    assert entries(call)[0].name == name


# ---------------------------------------------------------------- read again


def test_events_are_read_as_they_would_have_been() -> None:
    call = BAD | {
        "event": "Seen",
        "timestamp": "2026-11-24T20:00:00Z",
        "sentAt": "2026-11-24T20:10:00Z",
    }
    [entry] = entries(call)
    [event] = events_of(entry, call, Registry())
    assert (event.id, event.source, event.received_at) == ("m-1", "shop", NOW)
    assert event.timestamp == NOW - timedelta(minutes=10)


def test_events_without_ids_get_the_same_ones_each_time() -> None:
    body = {"batch": [{"type": "track", "userId": "a", "event": "Seen"}] * 3}
    [entry] = entries({"batch": 3}, path="batch")
    read = [[each.id for each in events_of(entry, body, Registry())] for _ in range(2)]
    assert read[0] == read[1] == ["new-0", "new-0-1", "new-0-2"]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (None, ""),
        ([], ""),
        ({"userId": "a", "event": "Seen", "type": "tracks"}, "type"),
        ({"userId": "a", "type": "track"}, "event"),
    ],
)
def test_what_is_still_wrong_is_said(call: Any, field: str) -> None:
    [entry] = entries(BAD)
    with pytest.raises(EnvelopeError) as caught:
        events_of(entry, call, Registry())
    assert field in {path for path, _ in caught.value.problems}


SEEN = {"type": "track", "userId": "ada", "event": "Seen"}


@pytest.mark.parametrize("batch", [[], [SEEN], 3])
def test_a_call_of_a_batch_is_no_batch_whatever_it_has(batch: Any) -> None:
    """Read as a batch it would be no event, or another one, and leave as if it were right."""
    [entry] = entries(BAD | {"batch": batch})
    with pytest.raises(EnvelopeError, match="event: "):
        events_of(entry, entry.call, Registry())
    with pytest.raises(EnvelopeError, match="type: "):
        events_of(entry, {"batch": batch, "userId": "ada"}, Registry())
    [event] = events_of(entry, entry.call | {"event": "Seen"}, Registry())
    assert (event.id, event.name) == ("m-1", "Seen")


@pytest.mark.parametrize(
    ("path", "endpoint", "call", "field"),
    [
        ("batch", "batch", {"batch": []}, "batch"),
        ("batch", "batch", {"batch": [], "type": "track"}, "batch"),
        ("context", "batch", {"batch": [{"type": "track"}]}, "batch[0].event"),
        ("", "batch", {"userId": "ada"}, "batch"),
        ("", "track", {"type": "batch", "batch": [SEEN]}, "type"),
        ("", "track", {"batch": []}, "event"),
    ],
)
def test_of_a_whole_body_there_has_to_come_an_event(
    path: str, endpoint: str, call: Any, field: str
) -> None:
    [entry] = entries({"batch": 3}, path=path, endpoint=endpoint)
    with pytest.raises(EnvelopeError) as caught:
        events_of(entry, call, Registry())
    assert field in {path for path, _ in caught.value.problems}


def test_a_whole_body_is_read_as_what_it_came_as() -> None:
    [batch] = entries({"batch": 3}, path="context")
    assert len(events_of(batch, {"batch": [SEEN, SEEN]}, Registry())) == 2
    assert len(events_of(batch, SEEN, Registry())) == 1
    [track] = entries({"userId": 3}, path="", endpoint="track")
    assert len(events_of(track, {"userId": "ada", "event": "Seen"}, Registry())) == 1


def test_a_call_that_its_write_key_may_not_send_stays_refused() -> None:
    [entry] = entries(BAD, types=frozenset({EventType.PAGE}))
    assert entry.types == ("page",)
    with pytest.raises(EnvelopeError, match="may not send track"):
        events_of(entry, BAD | {"event": "Seen"}, Registry())
    assert events_of(entry, {"type": "page", "userId": "ada"}, Registry())
    assert events_of(entry, BAD | {"event": "Seen"}, Registry(), any_type=True)


# ---------------------------------------------------------------- what is open


def test_what_is_open_is_known_by_names_alone() -> None:
    first, _, ids = packed(BAD, BAD | {"userId": "bob"}, received_at=NOW)
    later, _, [other] = packed(BAD, received_at=NOW + timedelta(days=1))
    written = [(first, NOW), (later, NOW + timedelta(days=1)), ("entries/else", NOW)]
    now = NOW + timedelta(days=2)
    assert still_open(written, [], now) == (3, timedelta(days=2))
    closed = [f"closed/{each}.json" for each in ids]
    assert still_open(written, closed[:1], now) == (2, timedelta(days=2))
    assert still_open(written, closed, now) == (1, timedelta(days=1))
    assert still_open(written, [*closed, f"closed/{other}.json"], now) == (0, timedelta())
    assert still_open([], ["closed/nonsense.json"], now) == (0, timedelta())


# ---------------------------------------------------------------- at the door


class Room:
    """A quarantine that remembers, or that is not there."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.kept: list[tuple[str, str, Refused]] = []
        self.is_there = is_there

    def keep(
        self, source: Source, endpoint: str, refused: Sequence[Refused], received_at: datetime
    ) -> list[str]:
        if not self.is_there:
            raise QuarantineUnavailableError
        self.kept += [(source.name, endpoint, each) for each in refused]
        return [f"id-{number}" for number in range(len(refused))]


class Line:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def send(self, events: Sequence[Event]) -> None:
        self.events += events


def accept(room: Room, name: str, body: Any, source: Source | None = SHOP) -> tuple[Answer, Line]:
    line = Line()
    intake = Intake({"local": SHOP}.get, line, lambda: "new", quarantine=room)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return intake.accept(name, source=source, body=content, received_at=NOW), line


def test_a_bad_call_is_kept_and_told_its_id() -> None:
    room = Room()
    answer, _ = accept(room, "t", {"userId": "ada"})
    assert answer.status == 400
    assert answer.body["errors"] == [{"field": "event", "message": "Field required"}]
    assert (answer.body["quarantined"], answer.body["quarantine_id"]) == (1, "id-0")
    [(source, endpoint, kept)] = room.kept
    assert (source, endpoint, kept.call) == ("shop", "track", {"userId": "ada", "type": "track"})


def test_of_a_batch_the_good_are_queued_and_the_bad_are_kept() -> None:
    room = Room()
    good = {"type": "track", "userId": "ada", "event": "Seen"}
    calls = [good, {"type": "track"}, {"type": "identify", "userId": "ada"}, 7]
    huge = good | {"properties": {"text": "x" * 40_000}}
    answer, line = accept(room, "batch", {"batch": [*calls, huge]})
    assert answer.status == 200
    counts = {name: answer.body[name] for name in ("accepted", "rejected", "quarantined")}
    assert counts == {"accepted": 1, "rejected": 4, "quarantined": 3}
    assert len(line.events) == 1
    reasons = [kept.error.reason for _, _, kept in room.kept]
    assert reasons == [Reason.INVALID, Reason.FORBIDDEN, Reason.INVALID]


@pytest.mark.parametrize(
    ("name", "body", "call"),
    [
        ("track", b"{", None),
        ("track", b"[1]", None),
        ("batch", {"batch": 3}, {"batch": 3}),
        ("identify", {"userId": "ada"}, {"userId": "ada", "type": "identify"}),
    ],
)
def test_bodies_that_are_no_calls_are_kept_too(name: str, body: Any, call: Any) -> None:
    room = Room()
    answer, _ = accept(room, name, body)
    assert answer.status in (400, 403)
    assert answer.body["quarantined"] == 1
    [(_, endpoint, kept)] = room.kept
    assert (endpoint, kept.call) == (name, call)
    assert kept.body == (body if call is None else b"")


@pytest.mark.parametrize(
    ("name", "body", "source", "status"),
    [
        ("track", b"{", None, 400),
        ("track", {"userId": "ada"}, None, 401),
        ("track", {"userId": "ada", "writeKey": "another"}, None, 401),
        (
            "track",
            {"userId": "a", "event": "e", "properties": {"x": "x" * 40_000}},
            SHOP,
            413,
        ),
        ("track", b" " * (MAX_BATCH_BYTES + 1), SHOP, 413),
        ("batch", {"batch": [{}] * 2_501}, SHOP, 413),
        ("sneeze", {"userId": "ada"}, SHOP, 404),
    ],
)
def test_what_is_too_large_or_of_nobody_is_not_kept(
    name: str, body: Any, source: Source | None, status: int
) -> None:
    room = Room()
    answer, _ = accept(room, name, body, source)
    assert answer.status == status
    assert room.kept == []
    assert "quarantined" not in answer.body


def test_gzip_that_is_none_is_kept_up_to_the_limit_of_a_call() -> None:
    room, line = Room(), Line()
    intake = Intake(lambda _: Source("shop"), line, lambda: "new", quarantine=room)
    for body, kept in ((b"\x1f\x8bx", 1), (b"\x1f\x8b" + b"x" * MAX_BATCH_BYTES, 0)):
        answer = intake.accept("track", source=SHOP, body=body, received_at=NOW, encoding="gzip")
        assert answer.status == 400
        assert answer.body.get("quarantined", 0) == kept


def test_what_cannot_be_kept_is_sent_again() -> None:
    """And nothing of it is queued before: a resend without ids would be applied twice."""
    good = {"type": "track", "userId": "ada", "event": "Seen"}
    answer, line = accept(Room(is_there=False), "batch", {"batch": [good, {}]})
    assert answer.status == 503
    assert line.events == []
    assert accept(Room(is_there=False), "batch", {"batch": [good]})[0].status == 200


def test_no_write_key_is_kept_also_of_a_batch_s_calls() -> None:
    room = Room()
    call = {"userId": "ada", "writeKey": "KEY"}
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    answer, _ = accept(room, "batch", {"batch": [call], "context": deep, "writeKey": "KEY"})
    assert answer.status == 400
    [(_, _, kept)] = room.kept
    _, content, _ = pack([kept], receipt(), lambda: "new")
    assert b"KEY" not in gzip.decompress(content)


def test_a_body_that_is_deeper_than_all_is_kept_as_it_came() -> None:
    room = Room()
    body = b'{"batch": "x", "a": ' + b"[" * 946 + b"]" * 946 + b"}"
    answer, _ = accept(room, "batch", body)
    assert (answer.status, answer.body["quarantined"]) == (400, 1)
    [(_, _, kept)] = room.kept
    assert (kept.call, kept.body) == (None, body)
