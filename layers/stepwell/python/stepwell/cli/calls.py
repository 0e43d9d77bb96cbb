"""Calls of a file on their way to an API: sent in batches, with an answer for each line.

Who sends gives every call a `messageId`: what is sent again, because an answer did not come or did
not name all that it refused, is then applied once.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from stepwell.cli.http import BUSY, Answer, ApiError, call

BATCH_BYTES = 400_000
"""An API takes 500 KB."""
PATIENCE = 60
"""So many seconds a busy API is asked again, each time after one."""

_PLACE = re.compile(r"batch\[(\d+)\]\.?(.*)", re.DOTALL)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """What is to be sent of one line of a file."""

    line: int
    calls: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What the API says is wrong with a call; `field` leads from the call, and may be empty."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


SomeCalls = TypeVar("SomeCalls", bound=Calls)


def batches(lines: Iterable[SomeCalls], most: int) -> Iterator[list[SomeCalls]]:
    """At most so many lines each, and no more bytes than an API takes."""
    batch: list[SomeCalls] = []
    size = 0
    for each in lines:
        length = len(json.dumps(each.calls))
        if batch and (len(batch) == most or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += length
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class Sender:
    """The API that calls go to."""

    url: str
    write_key: str
    sleep: Callable[[float], None] = time.sleep

    def send(self, batch: Sequence[SomeCalls]) -> Iterator[tuple[SomeCalls, list[Problem]]]:
        """Each line in turn, with what was refused of it. Raises ApiError as `post` does.

        A batch that is refused as a whole is sent in halves, so that one bad line is one.
        """
        answer = self.post([one for each in batch for one in each.calls])
        errors = _errors(answer)
        if all(each.place is not None for each in errors):
            refused = _by_line(batch, errors)
            told = _told(batch, refused, errors, answer.body.get("rejected", 0))
            yield from ((each, refused.get(each.line, [])) for each in batch[:told])
            parts = [batch[told:]]
        elif len(batch) == 1:
            yield batch[0], [each.problem for each in errors]
            parts = []
        else:
            parts = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        for part in filter(None, parts):
            yield from self.send(part)

    def post(self, calls: Sequence[Row]) -> Answer:
        """The answer to a batch, which may come twice: its calls have ids. Raises ApiError when the
        API is not there or takes no such key.
        """
        credentials = base64.b64encode(f"{self.write_key}:".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        body = json.dumps({"batch": list(calls)}).encode()
        address = f"{self.url.rstrip('/')}/v1/batch"
        ask = partial(call, "POST", address, headers=headers, body=body)
        answer = ask()
        for _ in range(PATIENCE):
            if answer.status not in BUSY:
                break
            self.sleep(1)
            answer = ask()
        if _is_of_calls(answer):
            return answer
        said = answer.body.get("message") if isinstance(answer.body, dict) else answer.body
        raise ApiError(f"{self.url} answered {answer.status}: {said}")


@dataclass(frozen=True, slots=True)
class _Error:
    """`place` is that of the call in the batch, None where the body as a whole is wrong."""

    place: int | None
    problem: Problem


def _errors(answer: Answer) -> list[_Error]:
    listed = answer.body.get("errors", []) if isinstance(answer.body, dict) else []
    return [_error(each["field"], each["message"]) for each in listed]


def _error(field: str, message: str) -> _Error:
    named = _PLACE.match(field)
    if named is None:
        return _Error(None, Problem(field, message))
    return _Error(int(named[1]), Problem(named[2], message))


def _is_of_calls(answer: Answer) -> bool:
    """Whether it says what became of the calls, and not that nobody may send here at all."""
    if answer.status == 200:
        return isinstance(answer.body, dict) and bool(answer.body.get("success"))
    errors = _errors(answer)
    if answer.status == 403:
        return bool(errors) and all(each.place is not None for each in errors)
    return answer.status in (400, 413) and bool(errors)


def _by_line(batch: Sequence[Calls], errors: Sequence[_Error]) -> dict[int, list[Problem]]:
    lines = [each.line for each in batch for _ in each.calls]
    found: dict[int, list[Problem]] = {}
    for each in errors:
        if each.place is not None:
            found.setdefault(lines[each.place], []).append(each.problem)
    return found


def _told(
    batch: Sequence[Calls],
    refused: Mapping[int, list[Problem]],
    errors: Sequence[_Error],
    rejected: int,
) -> int:
    """How many lines of the batch the answer tells about: it lists so many errors and no more, in
    the order of the calls, so that lines after the last one named may be refused as well.
    """
    if rejected <= len({each.place for each in errors}):
        return len(batch)
    return max(number for number, each in enumerate(batch, start=1) if each.line in refused)
