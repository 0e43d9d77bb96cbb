"""What a batch says for all of its calls, and ids that are numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stepwell.events.body import EnvelopeError, Reason
from stepwell.events.envelope import MAX_EVENT_BYTES, MAX_LEVELS, Reader, Received

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)


def read_batch(call: dict[str, Any], **shared: Any) -> Received:
    return Reader("shop", NOW, str).read("batch", {"batch": [call], **shared})


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("shared", [{}, {"context": {"page": "é" * 500}}, {"sentAt": None}])
def test_a_call_is_measured_with_what_its_batch_says_for_all(
    shared: dict[str, Any], over: int
) -> None:
    call = {"type": "track", "userId": "u", "event": "A", "properties": {"text": ""}}
    size = len(json.dumps(shared | call, separators=(",", ":"), ensure_ascii=False).encode())
    call["properties"] = {"text": "x" * (MAX_EVENT_BYTES - size + over)}
    received = read_batch(call, **shared)
    assert (len(received.events), len(received.refused)) == (1 - over, over)


def test_what_a_call_says_itself_is_not_counted_twice() -> None:
    call = {"type": "track", "userId": "u", "event": "A", "context": {"text": "x" * 20_000}}
    received = read_batch(call, context={"text": "y" * 30_000})
    assert [event.context["text"][0] for event in received.events] == ["x"]


def test_a_refused_call_is_kept_with_what_its_batch_says_for_all() -> None:
    (refused,) = read_batch({"type": "track"}, context={"locale": "en"}).refused
    assert refused.call == {"type": "track", "context": {"locale": "en"}}


def test_what_is_shared_may_not_be_deeper_than_an_event() -> None:
    deep: Any = 1
    for _ in range(MAX_LEVELS):
        deep = {"a": deep}
    with pytest.raises(EnvelopeError, match="context: nested deeper than 32 levels"):
        read_batch({"type": "track", "userId": "u", "event": "A"}, context=deep)


@pytest.mark.parametrize(
    ("number", "text"), [(5, "5"), (5.0, "5"), (1e20, "1" + "0" * 20), (-7.0, "-7")]
)
def test_a_whole_number_is_an_id_however_it_is_written(number: float, text: str) -> None:
    (event,) = read_batch({"type": "track", "userId": number, "event": "A"}).events
    assert event.user_id == text


@pytest.mark.parametrize("number", [5.5, 1e300, True])
def test_other_numbers_are_no_ids(number: float) -> None:
    (refused,) = read_batch({"type": "track", "userId": number, "event": "A"}).refused
    assert [path for path, _ in refused.error.problems] == ["batch[0].userId"]


def test_what_a_batch_says_for_all_counts_for_each_call() -> None:
    shared = {"text": "x" * 20_000}
    call = {"type": "track", "userId": "u", "event": "A"}
    many = {"batch": [call] * 500, "context": shared}
    with pytest.raises(EnvelopeError, match="once for each of 500 calls") as refused:
        Reader("shop", NOW, str).read("batch", many)
    assert refused.value.reason is Reason.TOO_LARGE
    few = {**many, "batch": [call] * 400}
    assert len(Reader("shop", NOW, str).read("batch", few).events) == 400
