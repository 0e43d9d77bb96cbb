"""How events lie in the archive: names, bytes, order. The bucket itself: integration tests."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.archive import Archived, in_order, minute_of, pack, unpack
from stepwell.events.model import Event, EventType, to_message

NOW = datetime(2026, 11, 24, 21, 14, 7, tzinfo=UTC)
EVENT = Event(
    id="m-1",
    source="shop",
    type=EventType.TRACK,
    name="Order Completed",
    user_id="ada",
    anonymous_id=None,
    properties={"total": 59.9, "note": "two\nlines ü \u2028"},
    traits={},
    context={},
    timestamp=NOW,
    received_at=NOW,
)


def packed(*events: Event) -> dict[str, bytes]:
    return dict(pack((to_message(each), str(n)) for n, each in enumerate(events)))


def test_a_batch_is_one_object_a_minute_of_receipt() -> None:
    later = replace(EVENT, id="m-2", received_at=NOW + timedelta(minutes=50))
    same = replace(EVENT, id="m-3", received_at=NOW + timedelta(seconds=50))
    keys = [key.rpartition("-")[0] for key in packed(EVENT, later, same)]
    assert keys == [
        "events/date=2026-11-24/hour=21/14",
        "events/date=2026-11-24/hour=22/04",
    ]


def test_the_name_of_an_object_says_its_minute() -> None:
    [key] = packed(EVENT)
    assert key.endswith(".jsonl.gz")
    assert minute_of(key) == NOW.replace(second=0)
    assert minute_of("events/date=2026-11-24/readme.txt") is None
    assert minute_of("readme") is None


def test_bodies_lie_as_they_were_received() -> None:
    body = to_message(EVENT).replace(":", " : ").replace("59.9", "5.990e1")
    body = body.replace(" : 14 : 07", ":14:07")  # spaces stand around no colon of a time
    [content] = dict(pack([(body, "7")])).values()
    assert gzip.decompress(content).decode() == f'{{"sequence":"7","event":{body}}}\n'


def test_a_line_is_an_event_whatever_its_body_has_between_and_in_its_texts() -> None:
    body = json.dumps(json.loads(to_message(EVENT)), indent=1, ensure_ascii=False)
    [content] = dict(pack([(body, "7")])).values()
    assert list(unpack(content)) == [Archived(EVENT, 7)]


def test_the_same_batch_is_the_same_object_and_another_one_is_not() -> None:
    assert packed(EVENT) == packed(EVENT)
    assert packed(EVENT).keys() != packed(replace(EVENT, id="m-2")).keys()


def test_what_is_no_event_is_left_to_the_dead_letter_queue() -> None:
    bodies = ["{", "[]", "{}", '{"id": "x"}', to_message(EVENT)]
    [content] = dict(pack((each, "") for each in bodies)).values()
    assert list(unpack(content)) == [Archived(EVENT, 0)]


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8b",
        b"text",
        gzip.compress(b"{}", mtime=0),
        gzip.compress(b"[1]", mtime=0),
        gzip.compress(b"x", mtime=0)[:-9],
    ],
)
def test_what_is_no_object_of_the_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not an object of the archive: "):
        list(unpack(content))


@given(
    st.dictionaries(st.text(), st.none() | st.text() | st.floats(allow_nan=False) | st.integers())
)
def test_every_event_comes_back_equal(properties: dict[str, object]) -> None:
    event = replace(EVENT, properties=properties)
    [content] = packed(event).values()
    assert list(unpack(content)) == [Archived(event, 0)]


def test_events_are_read_as_they_were_received_each_once() -> None:
    second = replace(EVENT, id="m-2")
    again = replace(EVENT, received_at=NOW + timedelta(seconds=1))
    found = in_order([Archived(again, 1), Archived(second, 12), Archived(EVENT, 9)])
    assert found == [EVENT, second]
