"""A Lambda function as the local stack knows it, and what an invocation of one answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Invocation = tuple[Any, str | None]
"""The result and None, or Lambda's error payload and "Unhandled"."""


class UnknownFunctionError(Exception):
    """Nothing of that name was deployed."""


@dataclass(frozen=True, slots=True)
class Function:
    """What the template says about one function.

    `path` holds the folders that come first on the handler's import path: its own code, then
    layers. `handler` is "<module>.<function>". `timeout` is in seconds.
    """

    name: str
    path: tuple[Path, ...]
    handler: str = "handler.handler"
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 30
    memory: int = 128


def name_of(reference: str) -> str:
    """The function's name in a name, an ARN, or either with a qualifier."""
    parts = reference.split(":")
    return parts[6] if reference.startswith("arn:") else parts[0]


def error_payload(kind: str, message: str, trace: list[str], request_id: str) -> dict[str, Any]:
    """The payload of a failed invocation, as Lambda makes it."""
    return {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def copied(value: Any) -> Any:
    """A value as it comes out of JSON: what crosses an invocation is never shared."""
    return json.loads(json.dumps(value))


Handler = Callable[[Any, Any], Any]
