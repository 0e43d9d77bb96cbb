"""One function's process: takes an invocation a line on stdin, answers a line on stdout.

Started by path with `python -P`, so that nothing but the function's own folders and the installed
dependencies can be imported, as in Lambda; therefore it imports nothing from here. Whatever the
handler prints goes to stderr, which is the function's log.

In:  {"event", "now" (ISO 8601), "request_id", "function", "arn", "memory", "deadline"}
Out: {"result"} or {"error": {"errorMessage", "errorType", "requestId", "stackTrace"}}

`deadline` is in epoch seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler gets as its second argument. `deadline` is in epoch seconds."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    memory_limit_in_mb: int
    deadline: float
    function_version: str = "$LATEST"
    client_context: None = None
    identity: None = None

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return "local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.time()) * 1000))


def describe_error(error: BaseException, request_id: str) -> dict[str, Any]:
    """A failure as Lambda reports it; the trace begins below the runtime."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def answer(line: str, handler_name: str) -> dict[str, Any]:
    request = json.loads(line)
    try:
        module_name, _, function_name = handler_name.rpartition(".")
        handler = getattr(importlib.import_module(module_name), function_name)
        _set_clock(request["now"])
        context = Context(
            function_name=request["function"],
            invoked_function_arn=request["arn"],
            aws_request_id=request["request_id"],
            memory_limit_in_mb=request["memory"],
            deadline=request["deadline"],
        )
        result = handler(request["event"], context)
        return {"result": json.loads(json.dumps(result))}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as the runtime does
        traceback.print_exc()
        return {"error": describe_error(error, request["request_id"])}


def _set_clock(now: str) -> None:
    """Virtual time comes with each invocation; a function without our layer has none to set."""
    try:
        clock = importlib.import_module("stepwell.aws.clock")
    except ModuleNotFoundError:
        return
    clock.stand_at(datetime.fromisoformat(now))


def serve(handler_name: str, requests: TextIO, answers: TextIO) -> None:
    for line in requests:
        answers.write(json.dumps(answer(line, handler_name)) + "\n")
        answers.flush()
        sys.stderr.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which closes our stdin
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.argv[1], sys.stdin, answers)


if __name__ == "__main__":
    main()
