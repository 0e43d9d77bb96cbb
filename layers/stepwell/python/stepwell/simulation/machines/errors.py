"""What can go wrong while a definition is read and while an execution runs."""

from __future__ import annotations

ALL = "States.ALL"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"

_UNCATCHABLE = frozenset({RUNTIME, "States.DataLimitExceeded"})


class UnsupportedError(Exception):
    """The definition has something that the simulator does not execute; the message names it."""


class StateError(Exception):
    """A state failed with a Step Functions error name."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause

    def document(self) -> dict[str, str]:
        """What a Catch puts at its ResultPath."""
        return {"Error": self.name, "Cause": self.cause}


def matches(listed: tuple[str, ...], name: str) -> bool:
    """Whether an ErrorEquals list covers an error.

    As on AWS, `States.ALL` does not cover `States.Runtime`, and `States.TaskFailed` covers all but
    `States.Timeout`.
    """
    if name in listed:
        return True
    if name in _UNCATCHABLE:
        return False
    return ALL in listed or (TASK_FAILED in listed and name != TIMEOUT)


def runtime(cause: str) -> StateError:
    """A path that leads nowhere and the like: nothing catches it."""
    return StateError(RUNTIME, cause)
