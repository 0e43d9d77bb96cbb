"""Step Functions' events about executions that ended, as EventBridge puts them into the queue."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from stepwell.journeys.lost import Lost

DETAIL_TYPE = "Step Functions Execution Status Change"

_ERROR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
"""Whoever stops an execution by hand may type anything as its error: only a name is kept."""


class ExecutionEventError(ValueError):
    """The event lacks the execution's input, so that nobody can tell whose it was."""


def is_execution_event(message: Mapping[str, Any]) -> bool:
    return message.get("detail-type") == DETAIL_TYPE


def lost_run(message: Mapping[str, Any]) -> Lost | None:
    """Which run the execution was of; None for one that no router started.

    Raises ExecutionEventError when EventBridge has left the input out.
    """
    detail = message["detail"]
    if detail.get("input") is None:
        raise ExecutionEventError("the event of an execution came without its input")
    given = json.loads(detail["input"])
    if not isinstance(given, dict) or not {"ids", "key"} <= given.keys():
        return None
    ids, key = given["ids"], given["key"]
    return Lost(
        pk=key["pk"]["S"],
        sk=key["sk"]["S"],
        enrollment=ids["enrollment"],
        run=ids["run"],
        execution=ids["execution"],
        reason=_reason(detail),
    )


def _reason(detail: Mapping[str, Any]) -> str:
    error = detail.get("error") or ""
    return error if _ERROR_NAME.fullmatch(error) else str(detail["status"])
