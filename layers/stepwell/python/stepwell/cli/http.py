"""Requests of the command line to a Stepwell API."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from stepwell.cli.command import CommandError

TRIES = 4
PAUSE_SECONDS = 0.2
"""Before the second try; doubled before each further one."""
TIMEOUT_SECONDS = 30
BUSY = (429, 503)
UNSURE = (502, 504)
"""The API gave no answer of its own: it may have carried out the call all the same."""
DEFAULT_URL = "http://localhost:8080"


class ApiError(CommandError):
    """The API refused a call or cannot be reached; the message is for the person who called."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Answer:
    """One call, tried again while the API is busy or unsure or cannot be reached: every call has to
    be as good twice as once.

    Raises ApiError when it cannot be reached at all; other answers are returned.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ApiError(f"{url}: the URL must begin with http:// or https://")
    for attempt in range(TRIES):
        last = attempt == TRIES - 1
        try:
            answer = _once(Request(url, data=body, headers=dict(headers), method=method))  # noqa: S310 - checked above
        except (OSError, HTTPException) as error:  # an answer may break off, too
            if last:
                raise ApiError(f"{url} cannot be reached: {_reason(error)}") from error
        else:
            if answer.status not in BUSY + UNSURE or last:
                return answer
        time.sleep(PAUSE_SECONDS * 2**attempt)
    raise AssertionError("unreachable: the last try returns or raises")


def _reason(error: Exception) -> str:
    """In words, without the number that the system has for it."""
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason)


def _once(request: Request) -> Answer:
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - checked by `call`
            return Answer(response.status, _decode(response.read()))
    except HTTPError as error:
        with error:
            return Answer(error.code, _decode(error.read()))


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace")[:200]}
