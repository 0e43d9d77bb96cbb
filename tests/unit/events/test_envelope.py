import gzip
import json
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.body import MAX_BATCH_BYTES, EnvelopeError, Reason, read_document
from stepwell.events.envelope import (
    MAX_EVENT_BYTES,
    Reader,
    Received,
    call_named,
    happened_at,
    read_call,
)
from stepwell.events.model import Event, EventType, from_message, to_message

RECEIVED = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
MOMENTS = st.integers(946_684_800, 2_524_608_000).map(lambda t: datetime.fromtimestamp(t, UTC))


def read(kind: str, document: object) -> list[Event]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_call(kind, body, source="shop", received_at=RECEIVED, new_id=lambda: "made-up")


def receive(document: object, *types: EventType) -> Received:
    """What the API takes and refuses of a batch."""
    reader = Reader("shop", RECEIVED, lambda: "made-up", frozenset(types or EventType))
    return reader.read("batch", read_document(json.dumps(document).encode()))


def problems(kind: str, document: object) -> list[tuple[str, str]]:
    with pytest.raises(EnvelopeError) as refused:
        read(kind, document)
    return refused.value.problems


def test_a_track_call_becomes_an_event() -> None:
    (event,) = read(
        "track",
        {
            "messageId": "m1",
            "userId": "u1",
            "anonymousId": "a1",
            "event": "Product Added",
            "properties": {"price": 280},
            "context": {"timezone": "Europe/London"},
            "timestamp": "2026-11-24T21:13:59Z",
        },
    )
    assert event == Event(
        id="m1",
        source="shop",
        type=EventType.TRACK,
        name="Product Added",
        user_id="u1",
        anonymous_id="a1",
        properties={"price": 280},
        traits={},
        context={"timezone": "Europe/London"},
        timestamp=RECEIVED - timedelta(seconds=1),
        received_at=RECEIVED,
    )
    assert from_message(to_message(event)) == event


def test_an_identify_call_carries_traits_and_no_name() -> None:
    (event,) = read("identify", {"userId": 17, "traits": {"email": "ada@example.com"}})
    assert (event.type, event.name, event.user_id) == (EventType.IDENTIFY, "", "17")
    assert event.traits == {"email": "ada@example.com"}
    assert (event.id, event.timestamp) == ("made-up", RECEIVED)


def test_a_batch_shares_context_and_sent_at() -> None:
    events = read(
        "batch",
        {
            "sentAt": "2026-11-24T20:14:05Z",  # the sender's clock is an hour slow
            "context": {"locale": "en-GB"},
            "batch": [
                {"type": "track", "userId": "u", "event": "A", "timestamp": "2026-11-24T20:14:00Z"},
                {"type": "identify", "anonymousId": "a", "context": {}},
            ],
        },
    )
    assert events[0].timestamp == RECEIVED - timedelta(seconds=5)
    assert [event.context for event in events] == [{"locale": "en-GB"}, {}]


@pytest.mark.parametrize(
    ("kind", "document", "field"),
    [
        ("track", {"userId": "u"}, "event"),
        ("track", {"userId": "u", "event": ""}, "event"),
        ("track", {"userId": "u", "event": 5}, "event"),
        ("track", {"event": "A"}, "userId"),
        ("track", {"event": "A", "userId": ""}, "userId"),
        ("track", {"event": "A", "userId": {"id": 1}}, "userId"),
        ("track", {"event": "A", "userId": "u", "properties": []}, "properties"),
        ("track", {"event": "A", "userId": "u", "timestamp": "yesterday"}, "timestamp"),
        ("track", {"event": "A", "userId": "u", "context": "x"}, "context"),
        ("identify", {"userId": "u", "traits": "x"}, "traits"),
        ("identify", {"traits": {}}, "userId"),
        ("batch", {}, "batch"),
        ("batch", {"batch": {}}, "batch"),
        ("batch", {"batch": ["x"]}, "batch[0]"),
        ("batch", {"batch": [{"userId": "u"}]}, "batch[0].type"),
        ("batch", {"batch": [{"type": "order", "userId": "u"}]}, "batch[0].type"),
        ("alias", {"userId": "u"}, "previousId"),
        ("alias", {"previousId": "p", "anonymousId": "a"}, "userId"),
        ("group", {"userId": "u"}, "groupId"),
        ("group", {"userId": "u", "groupId": ""}, "groupId"),
        ("page", {"name": "Home"}, "userId"),
        ("page", {"userId": "u", "name": 5}, "name"),
        ("screen", {"userId": "u", "properties": "x"}, "properties"),
        ("batch", {"batch": [{"type": [], "userId": "u"}]}, "batch[0].type"),
        (
            "track",
            {"event": "Consent Updated", "userId": "u", "properties": {"purpose": "marketing"}},
            "properties.channel",
        ),
        (
            "track",
            {
                "event": "Consent Updated",
                "userId": "u",
                "properties": {"purpose": "marketing", "channel": "sms", "status": "maybe"},
            },
            "properties.status",
        ),
    ],
)
def test_a_wrong_field_is_named(kind: str, document: object, field: str) -> None:
    assert [path for path, _ in problems(kind, document)] == [field]


def test_every_problem_of_a_batch_is_named() -> None:
    calls = [
        {"type": "track", "userId": "u"},
        {"type": "track", "userId": "u", "event": "A"},
        {"type": "identify"},
    ]
    found = problems("batch", {"batch": calls})
    assert [path for path, _ in found] == ["batch[0].event", "batch[2].userId"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'"x"',
        b"1",
        b'{"n": NaN}',
        b'{"n": Infinity}',
        b'{"n": 1e999}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    ((field, text),) = problems("track", body)
    assert field == ""
    assert "JSON" in text


def test_sizes_are_limited() -> None:
    big = {"userId": "u", "event": "A", "properties": {"text": "x" * 33_000}}
    received = receive({"batch": [{"type": "track", **big}]})
    assert [each.error.reason for each in received.refused] == [Reason.TOO_LARGE]
    with pytest.raises(EnvelopeError) as refused:
        read("batch", b" " * 501 * 1024)
    assert refused.value.reason is Reason.TOO_LARGE
    with pytest.raises(EnvelopeError) as refused:
        read("batch", {"batch": [{}] * 2_501})
    assert refused.value.reason is Reason.TOO_LARGE
    assert refused.value.problems == [("batch", "more than 2500 calls")]


def test_a_context_that_leaves_no_room_for_its_calls_is_refused_once() -> None:
    """It counts for each of the calls: reading it for each would take minutes."""
    with pytest.raises(EnvelopeError) as refused:
        receive({"context": {"text": "x" * 400_000}, "batch": [{}] * 2_500})
    assert refused.value.reason is Reason.TOO_LARGE
    assert [path for path, _ in refused.value.problems] == ["context"]


def test_sizes_are_counted_in_utf_8() -> None:
    """As SDKs count before they send: an escaped letter would be twice as long as this one."""
    text = "語" * (MAX_EVENT_BYTES // 3 - 100)
    assert read("track", {"userId": "u", "event": "A", "properties": {"text": text}})
    long = {"type": "track", "userId": "u", "event": "A", "properties": {"text": text + "語" * 100}}
    assert receive({"batch": [long]}).refused


# ------------------------------------------------------------------------- the other calls


@pytest.mark.parametrize(("kind", "name"), [("page", "Page Viewed"), ("screen", "Screen Viewed")])
def test_a_page_or_screen_is_an_event_with_its_name_as_a_property(kind: str, name: str) -> None:
    seen = {"url": "https://example.com/", "name": "other"}
    call = {"anonymousId": "a", "name": "Home", "category": "Shop", "properties": seen}
    (event,) = read(kind, call)
    assert (event.type, event.name) == (EventType(kind), name)
    assert event.properties == {**seen, "name": "Home", "category": "Shop"}
    (event,) = read(kind, {"anonymousId": "a", "name": None, "properties": seen})
    assert event.properties == seen


def test_a_group_call_carries_its_id_and_traits() -> None:
    (event,) = read("group", {"userId": "u", "groupId": 12, "traits": {"plan": "pro"}})
    assert (event.type, event.name) == (EventType.GROUP, "")
    assert (event.group_id, event.traits) == ("12", {"plan": "pro"})
    assert from_message(to_message(event)) == event


def test_an_alias_carries_the_id_before() -> None:
    (event,) = read("alias", {"userId": "u", "previousId": "a"})
    assert (event.type, event.name, event.user_id) == (EventType.ALIAS, "", "u")
    assert event.previous_id == "a"
    assert from_message(to_message(event)) == event


def test_a_message_holds_only_fields_that_say_something() -> None:
    """A router that is older than group and alias calls reads the others."""
    (event,) = read("track", {"userId": "u", "event": "A"})
    assert not {"group_id", "previous_id"} & json.loads(to_message(event)).keys()


def test_empty_ids_of_mobile_sdks_are_none() -> None:
    call = {"userId": "", "anonymousId": "a", "messageId": "", "event": "A"}
    (event,) = read("track", call)
    assert (event.user_id, event.anonymous_id, event.id) == (None, "a", "made-up")


def test_fields_that_nobody_knows_are_ignored() -> None:
    more = {"integrations": {"All": True}, "_metadata": {"bundled": []}, "writeKey": "k", "x": 1}
    assert read("track", {"userId": "u", "event": "A"} | more) == read(
        "track", {"userId": "u", "event": "A"}
    )


@pytest.mark.parametrize(
    ("name", "call"),
    [
        *[(each, each) for each in ("track", "identify", "alias", "group", "page", "screen")],
        *[("t", "track"), ("i", "identify"), ("a", "alias"), ("g", "group"), ("p", "page")],
        *[("s", "screen"), ("b", "batch"), ("batch", "batch"), ("import", "batch")],
        *[("x", None), ("", None), ("Track", None)],
    ],
)
def test_calls_have_long_and_short_names(name: str, call: str | None) -> None:
    assert call_named(name) == call


# ------------------------------------------------------------------------- batches


def test_the_good_calls_of_a_batch_are_taken_and_the_others_named() -> None:
    calls = [
        {"type": "track", "userId": "u", "event": "A"},
        {"type": "track", "userId": "u"},
        "x",
        {"type": "identify", "userId": "u"},
        {"type": "identify", "traits": {}},
    ]
    received = receive({"batch": calls})
    assert [event.type for event in received.events] == [EventType.TRACK, EventType.IDENTIFY]
    assert [each.call for each in received.refused] == [calls[1], calls[2], calls[4]]
    paths = [path for each in received.refused for path, _ in each.error.problems]
    assert paths == ["batch[1].event", "batch[2]", "batch[4].userId"]


def test_a_source_sends_only_what_it_may() -> None:
    calls = [{"type": "track", "userId": "u", "event": "A"}, {"type": "identify", "userId": "u"}]
    received = receive({"batch": calls}, EventType.TRACK)
    assert [event.name for event in received.events] == ["A"]
    (refused,) = received.refused
    assert refused.error.reason is Reason.FORBIDDEN
    assert [path for path, _ in refused.error.problems] == ["batch[1].type"]


# ------------------------------------------------------------------------- packed bodies


def test_a_gzipped_body_is_unpacked() -> None:
    body = gzip.compress(b'{"a": 1}')
    assert read_document(body, encoding="GZIP") == {"a": 1}
    assert read_document(b'{"a": 1}', encoding="gzip") == {"a": 1}  # API Gateway did it already
    assert read_document(b'{"a": 1}', encoding="identity") == {"a": 1}
    assert read_document(zlib.compress(b'{"a": 1}'), encoding="deflate") == {"a": 1}
    assert read_document(b'{"a": 1}', encoding="deflate") == {"a": 1}


@pytest.mark.parametrize(
    ("body", "encoding", "field"),
    [
        (b"{}", "br", "Content-Encoding"),
        (gzip.compress(b"{}", mtime=0), "gzip, gzip", "Content-Encoding"),
        (zlib.compress(b"{}")[:-4], "deflate", ""),
        (b"{}" + zlib.compress(b"{}"), "deflate", ""),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip", ""),
        (gzip.compress(b"{}", mtime=0)[:12], "gzip", ""),
        (b"\x1f\x8bxxxxxxxxxx", "gzip", ""),
        (gzip.compress(b"{}", mtime=0), None, ""),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused(
    body: bytes, encoding: str | None, field: str
) -> None:
    with pytest.raises(EnvelopeError) as refused:
        read_document(body, encoding=encoding)
    assert [path for path, _ in refused.value.problems] == [field]
    assert refused.value.reason is Reason.INVALID


def test_a_packed_bomb_is_not_unpacked_past_the_limit() -> None:
    bomb = gzip.compress(b" " * 200_000_000, compresslevel=1)
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with pytest.raises(EnvelopeError) as refused:
        read_document(bomb, encoding="gzip")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.reason is Reason.TOO_LARGE
    assert most < 5 * MAX_BATCH_BYTES


def test_ids_cannot_run_into_each_other() -> None:
    def event(user: str | None, anonymous: str | None, message: str) -> Event:
        document: dict[str, Any] = {"event": "A", "messageId": message}
        document |= {"userId": user} if user else {}
        document |= {"anonymousId": anonymous} if anonymous else {}
        return read("track", document)[0]

    assert event("x", None, "1").group != event(None, "x", "1").group
    assert event("x", "y", "1").group == event("x", "z", "1").group
    assert event("x", None, "1").fingerprint != event("y", None, "1").fingerprint
    assert event("x", None, "1").fingerprint == event("x", None, "1").fingerprint


def test_half_a_character_is_replaced_wherever_it_is() -> None:
    body = rb"""{"userId": "u\ud83d", "event": "A",
        "properties": {"k\ud83d": "\ud83d\ude00 \ud83d!"},
        "context": {"device": {"token": "\udc00"}}}"""
    (event,) = read("track", body)
    assert event.user_id == "u\ufffd"
    assert event.properties == {"k\ufffd": "\U0001f600 \ufffd!"}
    assert event.context == {"device": {"token": "\ufffd"}}


@pytest.mark.parametrize(("levels", "taken"), [(30, True), (31, False), (900, False)])
def test_nesting_is_limited(levels: int, taken: bool) -> None:
    value = b"[" * levels + b"]" * levels
    body = b'{"userId": "u", "event": "A", "properties": {"v": ' + value + b"}}"
    if taken:
        assert read("track", body)
    else:
        deep = "the body is nested deeper than 100" if levels > 100 else "nested deeper than 32"
        assert problems("track", body) == [("", f"{deep} levels")]


@pytest.mark.parametrize(
    "times",
    [
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": "0001-01-01T00:00:00Z", "sentAt": "9999-12-31T23:59:59Z"},
    ],
)
def test_a_time_before_all_calendars_is_only_very_old(times: dict[str, str]) -> None:
    (event,) = read("track", {"userId": "u", "event": "A", **times})
    assert event.timestamp == datetime(1970, 1, 1, tzinfo=UTC)
    assert from_message(to_message(event)) == event


def test_a_time_after_all_calendars_is_its_receipt() -> None:
    times = {"timestamp": "9999-12-31T23:59:59-14:00", "sentAt": "0001-01-01T00:00:00+14:00"}
    (event,) = read("track", {"userId": "u", "event": "A", **times})
    assert event.timestamp == RECEIVED


@given(
    claimed=MOMENTS,
    age=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_a_wrong_clock_is_corrected_by_sent_at(claimed: datetime, age: timedelta) -> None:
    corrected = happened_at(claimed, sent_at=claimed + age, received_at=RECEIVED)
    assert corrected == RECEIVED - age


@given(MOMENTS)
def test_no_event_is_later_than_its_receipt(claimed: datetime) -> None:
    assert happened_at(claimed, sent_at=None, received_at=RECEIVED) <= RECEIVED
