import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.events.intake import (
    MAX_ERRORS,
    Answer,
    Intake,
    QueueUnavailableError,
)
from stepwell.events.model import Event, EventType, from_message, to_message
from stepwell.events.sources import Source

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
SOURCES = {"key": Source("shop"), "web": Source("web", frozenset({EventType.TRACK}))}
CALL = json.dumps({"userId": "u", "event": "A"}).encode()


class ListQueue:
    def __init__(self, *, full: bool = False) -> None:
        self.events: list[Event] = []
        self.full = full

    def send(self, events: Sequence[Event]) -> None:
        if self.full:
            raise QueueUnavailableError
        self.events += events


def ask(
    queue: ListQueue,
    name: str,
    body: object,
    source: str | None = None,
    encoding: str | None = None,
) -> Answer:
    """`source` is the write key that the authorizer has found in the header."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Intake(SOURCES.get, queue, lambda: "id").accept(
        name,
        source=SOURCES[source] if source else None,
        body=content,
        received_at=NOW,
        encoding=encoding,
    )


def test_a_call_that_the_authorizer_knows_is_queued_under_its_source() -> None:
    queue = ListQueue()
    assert ask(queue, "track", CALL, "key").status == 200
    assert [(event.source, event.name) for event in queue.events] == [("shop", "A")]


def test_a_call_without_any_key_is_401_and_queues_nothing() -> None:
    queue = ListQueue()
    assert ask(queue, "track", CALL).status == 401
    assert queue.events == []


def test_a_bad_call_is_400_and_names_its_field() -> None:
    queue = ListQueue()
    answer = ask(queue, "track", {}, "key")
    assert answer.status == 400
    assert {error["field"] for error in answer.body["errors"]} == {"event"}
    assert "event: Field required" in answer.body["message"]
    assert queue.events == []


def test_a_full_queue_is_503_so_that_the_sender_retries() -> None:
    assert ask(ListQueue(full=True), "track", CALL, "key").status == 503


# ------------------------------------------------------------------------- who is calling


def test_the_write_key_may_be_in_the_body() -> None:
    queue = ListQueue()
    call = {"userId": "u", "event": "A", "writeKey": "key"}
    assert ask(queue, "t", call).status == 200
    assert ask(queue, "b", {"batch": [{"type": "track", **call}], "writeKey": "key"}).status == 200
    assert [event.source for event in queue.events] == ["shop"] * 2


@pytest.mark.parametrize("key", ["other", "", None, 5, ["key"]])
def test_an_unknown_write_key_in_the_body_is_401(key: object) -> None:
    queue = ListQueue()
    answer = ask(queue, "track", {"userId": "u", "event": "A", "writeKey": key})
    assert (answer.status, answer.body["code"]) == (401, "unauthorized")
    assert queue.events == []


@pytest.mark.parametrize("in_body", ["key", "other", "", None, 5])
def test_the_header_counts_and_a_key_in_the_body_does_not(in_body: object) -> None:
    queue = ListQueue()
    call = {"userId": "u", "event": "A", "writeKey": in_body}
    assert ask(queue, "track", call, "web").status == 200
    assert ask(queue, "b", {"batch": [GOOD | call], "writeKey": in_body}, "web").status == 200
    assert [event.source for event in queue.events] == ["web"] * 2
    assert ask(queue, "identify", call, "web").status == 403


def test_a_key_that_may_not_send_this_type_is_403() -> None:
    queue = ListQueue()
    answer = ask(queue, "identify", {"userId": "u"}, "web")
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert [error["field"] for error in answer.body["errors"]] == ["type"]
    assert ask(queue, "track", {"userId": "u", "event": "A"}, "web").status == 200
    assert [event.source for event in queue.events] == ["web"]


def test_a_call_that_there_is_none_of_is_404() -> None:
    assert ask(ListQueue(), "order", {}, "key").status == 404


# ------------------------------------------------------------------------- batches

GOOD = {"type": "track", "userId": "u", "event": "A"}
BAD = {"type": "track", "userId": "u"}
HUGE = GOOD | {"properties": {"text": "x" * 33_000}}


def test_the_good_calls_of_a_batch_are_taken_and_the_others_counted_and_named() -> None:
    queue = ListQueue()
    answer = ask(queue, "batch", {"batch": [GOOD, BAD, GOOD, HUGE]}, "key")
    assert answer.status == 200
    assert (answer.body["accepted"], answer.body["rejected"]) == (2, 2)
    assert [error["field"] for error in answer.body["errors"]] == ["batch[1].event", "batch[3]"]
    assert len(queue.events) == 2


def test_a_batch_without_a_bad_call_lists_no_errors() -> None:
    answer = ask(ListQueue(), "batch", {"batch": [GOOD]}, "key")
    assert answer == Answer(200, {"success": True, "accepted": 1, "rejected": 0})
    answer = ask(ListQueue(), "batch", {"batch": []}, "key")
    assert answer == Answer(200, {"success": True, "accepted": 0, "rejected": 0})


@pytest.mark.parametrize(
    ("calls", "status"),
    [([BAD, BAD], 400), ([HUGE, HUGE], 413), ([BAD, HUGE], 400), ([5], 400)],
)
def test_a_batch_without_a_good_call_is_refused(calls: list[object], status: int) -> None:
    queue = ListQueue()
    answer = ask(queue, "batch", {"batch": calls}, "key")
    assert answer.status == status
    assert (answer.body["accepted"], answer.body["rejected"]) == (0, len(calls))
    assert queue.events == []


def test_an_answer_lists_a_bounded_number_of_errors_and_counts_all() -> None:
    answer = ask(ListQueue(), "batch", {"batch": [GOOD] + [BAD] * 2_000}, "key")
    assert answer.body["rejected"] == 2_000
    assert len(answer.body["errors"]) == MAX_ERRORS


def test_a_batch_that_the_queue_does_not_take_is_503_even_with_bad_calls() -> None:
    answer = ask(ListQueue(full=True), "batch", {"batch": [GOOD, BAD]}, "key")
    assert answer.status == 503
    assert "accepted" not in answer.body


def test_a_gzipped_call_is_taken_and_a_bomb_is_413() -> None:
    queue = ListQueue()
    assert ask(queue, "track", gzip.compress(CALL), "key", "gzip").status == 200
    bomb = gzip.compress(b" " * 10_000_000)
    assert ask(queue, "track", bomb, "key", "gzip").status == 413
    assert len(queue.events) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 503])
def test_every_refusal_has_what_sdks_look_for(status: int) -> None:
    bodies: dict[int, Answer] = {
        400: ask(ListQueue(), "track", {}, "key"),
        401: ask(ListQueue(), "track", {}),
        403: ask(ListQueue(), "identify", {"userId": "u"}, "web"),
        404: ask(ListQueue(), "nothing", {}),
        413: ask(ListQueue(), "track", b" " * 600_000, "key"),
        503: ask(ListQueue(full=True), "track", CALL, "key"),
    }
    answer = bodies[status]
    assert answer.status == status
    assert answer.body["success"] is False
    assert isinstance(answer.body["code"], str)
    assert isinstance(answer.body["message"], str)


# ------------------------------------------------------------------------- whatever comes

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -1, 1e300, 0.1, "", "\x00", "9999-12-31T23:59:59Z", "0001-01-01"])
    | st.text(max_size=5)
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_FIELDS = [
    *("userId", "anonymousId", "messageId", "event", "properties", "traits", "context", "name"),
    *("category", "groupId", "previousId", "timestamp", "originalTimestamp", "sentAt", "writeKey"),
]
_CALLS = st.builds(
    lambda sane, odd: {**sane, **odd},
    st.fixed_dictionaries({"type": st.sampled_from([*EventType, "order"]), "userId": st.just("u")}),
    st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=4),
)


@settings(max_examples=300)
@given(st.lists(_CALLS | _VALUES, max_size=4))
def test_whatever_a_batch_holds_is_taken_or_named(calls: list[Any]) -> None:
    queue = ListQueue()
    answer = ask(queue, "batch", {"batch": calls}, "key")
    assert answer.status in {200, 400}
    assert (answer.body["accepted"], answer.body["rejected"]) == (
        len(queue.events),
        len(calls) - len(queue.events),
    )
    assert [from_message(to_message(event)) for event in queue.events] == queue.events
    json.dumps(answer.body)


@given(st.sampled_from([*EventType, "batch"]), st.binary(max_size=60), st.booleans())
def test_whatever_the_bytes_are_there_is_an_answer(name: str, body: bytes, packed: bool) -> None:
    encoding = "gzip" if packed else None
    assert ask(ListQueue(), name, body, "key", encoding).status in {200, 400}


def test_an_answer_stays_small_whatever_names_the_sender_chose() -> None:
    calls = [{"type": "track", "userId": "u", "event": "A", "timestamp": "x" * 20_000}] * 20
    kinds = [{"type": "y" * 20_000}] * 4
    for batch in (calls, kinds):
        answer = ask(ListQueue(), "batch", {"batch": batch}, "key")
        assert answer.status == 400
        assert len(json.dumps(answer.body)) < 100_000
        assert all(len(each["message"]) < 400 for each in answer.body["errors"])
