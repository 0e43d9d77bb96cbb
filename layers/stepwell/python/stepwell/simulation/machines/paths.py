"""Reference paths: `$`, `$.a.b`, and the two of the context object that definitions use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from stepwell.simulation.machines.errors import StateError, UnsupportedError, runtime

_PATH = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]*)*")
ENTERED = "$$.State.EnteredTime"
TOKEN = "$$.Task.Token"  # noqa: S105 - a path, not a secret


class Frame(Protocol):
    """What expressions of a state may look at: its input and the context object."""

    data: Any
    token: str

    @property
    def entered_text(self) -> str: ...


Read = Callable[[Frame], Any]
"""Raises StateError for a path that leads nowhere."""


def names_of(path: str) -> tuple[str, ...]:
    """The names of `$.a.b`. Raises UnsupportedError for any other form."""
    if not _PATH.fullmatch(path):
        raise UnsupportedError(f"the path {path!r}")
    return tuple(path.split(".")[1:])


def compile_path(path: str) -> Read:
    """Raises UnsupportedError."""
    if path == ENTERED:
        return lambda frame: frame.entered_text
    if path == TOKEN:
        return lambda frame: frame.token
    names = names_of(path)

    def read(frame: Frame) -> Any:
        value = frame.data
        try:
            for name in names:
                value = value[name]
        except (KeyError, TypeError, IndexError):
            raise missing(path) from None
        return value

    return read


def missing(path: str) -> StateError:
    return runtime(f"the path {path} leads nowhere")


def put_at(data: Any, names: tuple[str, ...], value: Any) -> Any:
    """`data` with `value` at the path; what is changed is copied, the rest shared.

    As on AWS, names that are missing on the way are made.
    """
    if not names:
        return value
    changed = dict(data) if isinstance(data, dict) else {}
    changed[names[0]] = put_at(changed.get(names[0]), names[1:], value)
    return changed
