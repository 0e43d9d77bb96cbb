"""A replay: Segment calls in the order of their time, sent over HTTP when their moment has come."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local.clock import StepClock
from stepwell import timestamps
from stepwell.events.envelope import EnvelopeError, read_call
from stepwell.events.model import EventType

WRITE_KEY = "local"


class ReplayError(Exception):
    """A line cannot be used, or was refused; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Call:
    """One line: where it stands, when it is due, what is posted to which route."""

    place: str
    at: datetime
    route: str
    body: str


def read_replay(path: Path) -> list[Call]:
    """All calls of a JSONL file. Raises ReplayError for a line that is wrong or out of order."""
    calls: list[Call] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        call = _read_call(f"{path}:{number}", line)
        if calls and call.at < calls[-1].at:
            raise ReplayError(f"{call.place}: its timestamp is before that of the line above")
        calls.append(call)
    if not calls:
        raise ReplayError(f"{path}: there are no calls in it")
    return calls


def _read_call(place: str, line: str) -> Call:
    try:
        call = json.loads(line)
        kind, written = call["type"], call["timestamp"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReplayError(f"{place}: a JSON object with type and timestamp is expected") from error
    if kind not in list(EventType):
        raise ReplayError(f"{place}: type {kind!r}; one of {', '.join(EventType)} is expected")
    at = _moment(place, written)
    _check(place, kind, line, at)
    return Call(place, at, f"/v1/{kind}", line)


def _moment(place: str, written: Any) -> datetime:
    try:
        return timestamps.from_text(written)
    except (ValueError, TypeError, OverflowError) as error:
        raise ReplayError(
            f"{place}: timestamp {written!r} cannot be read; "
            "a moment with its zone is expected, such as 2026-11-24T21:14:00Z"
        ) from error


def _check(place: str, kind: str, line: str, at: datetime) -> None:
    """As the API will."""
    try:
        read_call(kind, line.encode(), source=WRITE_KEY, received_at=at, new_id=str)
    except EnvelopeError as error:
        raise ReplayError(f"{place}: {error}") from error


def play(calls: Sequence[Call], clock: StepClock, port: int) -> None:
    """Send the calls at their moments, then let everything that they caused come to its end.

    Calls of one moment go in their order, each after the work of the one before, and before the
    timers of that moment. Raises ReplayError when one is refused.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        for call in calls:
            clock.run_until(call.at)
            _send(connection, call)
            clock.settle()
    finally:
        connection.close()
    clock.run_until_idle()


def _send(connection: http.client.HTTPConnection, call: Call) -> None:
    credentials = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    connection.request("POST", call.route, call.body.encode(), headers)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    if answer.status != http.client.OK:
        raise ReplayError(f"{call.place}: {call.route} answered {answer.status}: {text}")
