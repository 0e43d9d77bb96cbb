import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from stepwell.events.intake import Intake, QueueUnavailableError, basic_user
from stepwell.events.model import Event

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
CALL = json.dumps({"userId": "u", "event": "A"}).encode()


class ListQueue:
    def __init__(self, *, full: bool = False) -> None:
        self.events: list[Event] = []
        self.full = full

    def send(self, events: Sequence[Event]) -> None:
        if self.full:
            raise QueueUnavailableError
        self.events += events


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


def accept(queue: ListQueue, authorization: str | None, body: bytes = CALL) -> int:
    intake = Intake({"key": "shop"}.get, queue, lambda: "id")
    return intake.accept("track", authorization=authorization, body=body, received_at=NOW).status


def test_a_known_key_queues_the_event_under_its_source() -> None:
    queue = ListQueue()
    assert accept(queue, basic("key")) == 200
    assert [(event.source, event.name) for event in queue.events] == [("shop", "A")]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ?",
        "Bearer key",
        basic("other"),
        basic(""),
        "Basic " + "A" * 9,
        "Basic é",
    ],
)
def test_an_unknown_key_is_401_and_queues_nothing(authorization: str | None) -> None:
    queue = ListQueue()
    assert accept(queue, authorization) == 401
    assert queue.events == []


def test_a_bad_call_is_400_and_names_its_field() -> None:
    queue = ListQueue()
    intake = Intake({"key": "shop"}.get, queue, lambda: "id")
    answer = intake.accept("track", authorization=basic("key"), body=b"{}", received_at=NOW)
    assert answer.status == 400
    assert {error["field"] for error in answer.body["errors"]} == {"event"}
    assert "event: Field required" in answer.body["message"]
    assert queue.events == []


def test_a_full_queue_is_503_so_that_the_sender_retries() -> None:
    assert accept(ListQueue(full=True), basic("key")) == 503


def test_the_user_of_basic_authentication_ends_at_the_first_colon() -> None:
    header = "basic " + base64.b64encode(b"key:pass:word").decode()
    assert basic_user(header) == "key"
