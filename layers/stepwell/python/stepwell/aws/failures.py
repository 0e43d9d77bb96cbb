"""What a failed function says of why: what went wrong and where, never a customer's value.

The messages of our own errors are written for that. Those of everybody else may quote what they
were given (an address that a provider refuses, an item that DynamoDB does not take), and a failure
is told far: in the function's log, and for one that a state machine calls in the history of the
journey's execution, where nobody can erase it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import ClientError

_OURS = "stepwell."
_FRAMES = 8

Given = ParamSpec("Given")
Result = TypeVar("Result")


def without_values(handler: Callable[Given, Result]) -> Callable[Given, Result]:
    """For handlers: an error of others is raised under its own name with what `summary` says."""

    @wraps(handler)
    def handle(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            if _is_ours(error):
                raise
            theirs = type(error)
            kind = type(theirs.__name__, (Exception,), {"__module__": theirs.__module__})
            raise kind(summary(error)).with_traceback(error.__traceback__) from None

    return handle


def described(error: BaseException) -> dict[str, Any]:
    """For logs: what happened, where, and because of what."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    told: dict[str, Any] = {
        "error": type(error).__name__,
        "message": summary(error),
        "at": [f"{each.filename}:{each.lineno} {each.name}" for each in frames],
    }
    if error.__cause__ is not None:
        told["because"] = described(error.__cause__)
    return told


def summary(error: BaseException) -> str:
    """Our own error's message; of an answer of AWS its code; of others that they have one."""
    if _is_ours(error):
        return str(error)
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        return f"{code} when calling {error.operation_name}"
    return "its message is left out: it may quote a customer's value"


def _is_ours(error: BaseException) -> bool:
    return type(error).__module__.startswith(_OURS)
