"""Runs handlers as Lambda does: a process a function, with the environment of the template.

A process starts with its function's first invocation and takes one at a time. One that exceeds its
timeout is killed; the next invocation starts another. What handlers log goes to
`.build/local/logs/<function>.log`.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.local.account import REGION, function_arn
from infra.local.clock import StepClock
from infra.local.functions import Function, Invocation, UnknownFunctionError, error_payload, name_of
from infra.local.surroundings import NO_FILES
from stepwell import timestamps

_SCRIPT = Path(__file__).with_name("worker.py")
_FROM_OUTSIDE = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


class StoppingError(Exception):
    """The worker was closed."""


class Worker:
    """One function's process."""

    def __init__(self, function: Function, endpoint: str, logs: Path) -> None:
        self._function = function
        self._environment = environment(function, endpoint)
        self._log = logs / f"{function.name}.log"
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def invoke(self, event: Any, now: str) -> Invocation:
        with self._lock:
            request_id = str(uuid.uuid4())
            try:
                process = self._running()
            except StoppingError as error:
                return self._failure("Runtime.ExitError", str(error), request_id)
            deadline = time.time() + self._function.timeout
            request = {
                "event": event,
                "now": now,
                "request_id": request_id,
                "function": self._function.name,
                "arn": function_arn(self._function.name),
                "memory": self._function.memory,
                "deadline": deadline,
            }
            try:
                line = _exchange(process, json.dumps(request), deadline)
            except TimeoutError:
                self._kill()
                text = f"{request_id} Task timed out after {self._function.timeout:.2f} seconds"
                return self._failure("Sandbox.Timedout", text, request_id)
            except (OSError, ValueError):  # a ValueError: its pipes were closed meanwhile
                code = self._kill()
                text = f"RequestId: {request_id} Error: Runtime exited with status {code}"
                return self._failure("Runtime.ExitError", text, request_id)
        answer = json.loads(line)
        return (answer["error"], "Unhandled") if "error" in answer else (answer["result"], None)

    def close(self) -> None:
        with self._starting:
            self._closed = True
        self._kill()

    def _failure(self, kind: str, message: str, request_id: str) -> Invocation:
        return error_payload(kind, message, [], request_id), "Unhandled"

    def _running(self) -> subprocess.Popen[bytes]:
        """Its process. Raises StoppingError: none is started that nobody would end."""
        with self._starting:
            if self._closed:
                raise StoppingError("the local stack is stopping")
            if self._process is None:
                self._process = self._start()
            return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", str(_SCRIPT), self._function.handler],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the parent, which then closes the pipes
            )

    def _kill(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        return code


class WorkerInvoker:
    """Invokes functions by name or ARN, each in its own process."""

    def __init__(self, clock: StepClock, logs: Path) -> None:
        self._clock = clock
        self._logs = logs
        self._workers: dict[str, Worker] = {}

    def add(self, functions: Iterable[Function], endpoint: str) -> None:
        """`endpoint` is where AWS answers."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for function in functions:
            self._workers[function.name] = Worker(function, endpoint, self._logs)

    def __call__(self, reference: str, event: Any) -> Invocation:
        name = name_of(reference)
        if name not in self._workers:
            raise UnknownFunctionError(f"no function {name} was deployed")
        with self._clock.work():
            return self._workers[name].invoke(event, timestamps.to_text(self._clock.now()))

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()


def environment(function: Function, endpoint: str) -> dict[str, str]:
    """Exactly what Lambda would give: the template's variables, a region, credentials, a path."""
    outside: Mapping[str, str] = {
        name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ
    }
    return {
        **outside,
        **function.environment,
        **NO_FILES,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "LAMBDA_TASK_ROOT": str(function.path[0]),
        "POWERTOOLS_TRACE_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join(str(path) for path in function.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }


def _exchange(process: subprocess.Popen[bytes], request: str, deadline: float) -> bytes:
    """Write a line, read a line. Raises TimeoutError, and OSError when the process has ended."""
    if process.stdin is None or process.stdout is None:
        raise OSError("the worker has no pipes")
    process.stdin.write(request.encode() + b"\n")
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.time()))
        if not ready:
            raise TimeoutError
        part = os.read(process.stdout.fileno(), 1 << 16)
        if not part:
            raise OSError("the worker has ended")
        parts.append(part)
    return b"".join(parts)
