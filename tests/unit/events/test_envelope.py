import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.envelope import EnvelopeError, happened_at, read_call
from stepwell.events.model import Event, EventType, from_message, to_message

RECEIVED = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
MOMENTS = st.integers(946_684_800, 2_524_608_000).map(lambda t: datetime.fromtimestamp(t, UTC))


def read(kind: str, document: object) -> list[Event]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_call(kind, body, source="shop", received_at=RECEIVED, new_id=lambda: "made-up")


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
        ("batch", {"batch": [{"type": "alias", "userId": "u"}]}, "batch[0].type"),
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
    with pytest.raises(EnvelopeError) as refused:
        read("track", big)
    assert refused.value.too_large
    with pytest.raises(EnvelopeError) as refused:
        read("batch", b" " * 501 * 1024)
    assert refused.value.too_large
    with pytest.raises(EnvelopeError) as refused:
        read("batch", {"batch": [{}] * 2_501})
    assert refused.value.too_large
    assert refused.value.problems == [("batch", "more than 2500 calls")]


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
        assert problems("track", body) == [("", "nested deeper than 32 levels")]


@pytest.mark.parametrize(
    "times",
    [
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": "0001-01-01T00:00:00Z", "sentAt": "9999-12-31T23:59:59Z"},
    ],
)
def test_a_time_before_all_calendars_is_only_very_old(times: dict[str, str]) -> None:
    (event,) = read("track", {"userId": "u", "event": "A", **times})
    assert event.timestamp == datetime.min.replace(tzinfo=UTC)
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
