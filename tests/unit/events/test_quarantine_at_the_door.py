"""What the API refuses is kept in quarantine, and the answer says under which id."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from stepwell.events.body import MAX_BATCH_BYTES, Reason
from stepwell.events.envelope import Refused
from stepwell.events.intake import Answer, Intake
from stepwell.events.model import Event, EventType
from stepwell.events.quarantine import QuarantineUnavailableError, Receipt, pack
from stepwell.events.sources import ALL_TYPES, Source
from stepwell.timestamps import from_text

NOW = from_text("2026-11-24T21:14:00Z")
SHOP = Source("shop", frozenset({EventType.TRACK}))


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
    receipt = Receipt("shop", ALL_TYPES, "batch", NOW, registry="abc")
    _, content, _ = pack([kept], receipt, lambda: "new")
    assert b"KEY" not in gzip.decompress(content)


def test_a_body_that_is_deeper_than_all_is_kept_as_it_came() -> None:
    room = Room()
    body = b'{"batch": "x", "a": ' + b"[" * 946 + b"]" * 946 + b"}"
    answer, _ = accept(room, "batch", body)
    assert (answer.status, answer.body["quarantined"]) == (400, 1)
    [(_, _, kept)] = room.kept
    assert (kept.call, kept.body) == (None, body)
