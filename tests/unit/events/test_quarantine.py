"""What is refused, as it lies in quarantine: which calls, under which names, what is still open."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any

import pytest

from stepwell.events.body import EnvelopeError
from stepwell.events.envelope import Refused
from stepwell.events.model import EventType
from stepwell.events.quarantine import (
    Entry,
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
