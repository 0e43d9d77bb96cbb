"""What docs/events.md says of answers, names and limits is what the front door does."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stepwell.events.body import MAX_BATCH_BYTES, MAX_BODY_LEVELS
from stepwell.events.calls import CALLS
from stepwell.events.envelope import (
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    MAX_LEVELS,
    MAX_SHARED_BYTES,
    call_named,
)
from stepwell.events.intake import MAX_ERRORS, Answer, Intake
from stepwell.events.model import PAGE_EVENT, SCREEN_EVENT, EventType
from stepwell.events.sources import Source

PAGE = Path("docs/events.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SOURCES = {"local": Source("docs"), "web": Source("web", frozenset({EventType.TRACK}))}
GOOD = {"type": "track", "userId": "ada", "event": "Order Completed"}
BAD = {"type": "track", "userId": "ada"}


class Taken:
    def send(self, events: Any) -> None:
        """Take all."""


class Kept:
    def keep(self, source: Any, endpoint: str, refused: Any, received_at: Any) -> list[str]:
        """Keep all."""
        return [str(number) for number, _ in enumerate(refused)]


def ask(name: str, document: dict[str, Any], key: str = "local") -> Answer:
    body = json.dumps(document | {"writeKey": key}).encode()
    intake = Intake(SOURCES.get, Taken(), lambda: "m", quarantine=Kept())
    return intake.accept(name, source=None, body=body, received_at=NOW)


def test_the_answer_to_a_batch_is_the_one_that_is_shown() -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    answer = ask("batch", {"batch": [GOOD, BAD, GOOD]})
    assert (answer.status, answer.body) == (200, json.loads(shown))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, ask("batch", {"batch": [GOOD]})),
        (400, ask("track", BAD)),
        (401, ask("track", GOOD, key="other")),
        (403, ask("identify", {"userId": "ada"}, key="web")),
        (404, ask("order", GOOD)),
        (413, ask("track", GOOD | {"properties": {"text": "x" * MAX_EVENT_BYTES}})),
    ],
)
def test_each_status_is_in_the_table(status: int, answer: Answer) -> None:
    assert answer.status == status
    assert f"\n| {status} | " in PAGE


def test_every_path_that_is_named_is_a_call_and_every_call_is_named() -> None:
    named = set(re.findall(r"`(?:POST )?/v1/(\w+)`", PAGE))
    assert {call_named(name) for name in named} == {*CALLS, "batch"}
    assert {name for name in named if len(name) == 1} == {name[0] for name in (*CALLS, "batch")}


def test_limits_and_names_are_those_of_the_code() -> None:
    assert f"once for each of its calls | {MAX_SHARED_BYTES // 1024**2} MB | 413 |" in PAGE
    assert (
        f"| a call, unpacked | {MAX_BATCH_BYTES // 1024} KB, {MAX_BATCH_EVENTS:,} events, "
        f"{MAX_BODY_LEVELS} levels |" in PAGE
    )
    assert f"| {MAX_EVENT_BYTES // 1024} KB in UTF-8 |" in PAGE
    assert f"| nesting of an event | {MAX_LEVELS} levels |" in PAGE
    assert f"lists at most {MAX_ERRORS} errors" in PAGE
    assert f"`{PAGE_EVENT}`" in PAGE
    assert f"`{SCREEN_EVENT}`" in PAGE
