"""Runs handlers in this process: for tests, where a debugger and speed count more than isolation.

All functions of a stage share the environment's names and values, so their union is set once for
the whole process, which keeps invocations safe under threads.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from botocore.exceptions import ClientError

from infra.local.account import REGION, function_arn
from infra.local.clock import StepClock
from infra.local.functions import Function, Handler, Invocation, copied, name_of
from infra.local.worker import Context, describe_error
from stepwell.aws import clock as function_clock


class ConflictingEnvironmentError(Exception):
    """Two functions give one environment variable different values."""


class InProcessInvoker:
    """Invokes functions by name or ARN, each handler loaded by its path once.

    As a context manager it sets the functions' environment and forgets what the engine's modules
    remember of the one before.
    """

    def __init__(self, clock: StepClock) -> None:
        self._clock = clock
        self._functions: dict[str, Function] = {}
        self._handlers: dict[str, Handler] = {}
        self._restore = ExitStack()

    def __enter__(self) -> Self:
        self._restore.enter_context(patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}))
        self._forget()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        function_clock.stand_at(None)
        self._restore.close()
        self._forget()

    def _forget(self) -> None:
        """Empty every cache of the engine's AWS modules: another stage has other settings."""
        for name, module in list(sys.modules.items()):
            if name.startswith("stepwell.aws."):
                for value in list(vars(module).values()):
                    if hasattr(value, "cache_clear"):
                        value.cache_clear()

    def add(self, functions: Iterable[Function]) -> None:
        """Load handlers from their folders. Raises ConflictingEnvironmentError."""
        for function in functions:
            for name, value in function.environment.items():
                if os.environ.setdefault(name, value) != value:
                    raise ConflictingEnvironmentError(f"{name} of {function.name}")
            self._functions[function.name] = function
            self._handlers[function.name] = _load(function)

    def replace(self, name: str, handler: Handler) -> None:
        """Let a callable answer for a function, e.g. to force a failure once."""
        self._functions.setdefault(name, Function(name=name, path=()))
        self._handlers[name] = handler

    def names(self) -> tuple[str, ...]:
        return tuple(self._handlers)

    def handler(self, name: str) -> Handler:
        return self._handlers[name]

    def __call__(self, reference: str, event: Any) -> Invocation:
        name = name_of(reference)
        if name not in self._handlers:
            error = {
                "Error": {
                    "Code": "ResourceNotFoundException",
                    "Message": f"Function not found: {name}",
                }
            }
            metadata = {"ResponseMetadata": {"HTTPStatusCode": 404, "RequestId": str(uuid.uuid4())}}
            raise ClientError({**error, **metadata}, "Invoke")  # type: ignore[typeddict-item]
        context = _context(self._functions[name])
        with self._clock.work():
            function_clock.stand_at(self._clock.now())
            try:
                return copied(self._handlers[name](copied(event), context)), None
            except Exception as error:  # noqa: BLE001 - as the runtime does
                return describe_error(error, context.aws_request_id), "Unhandled"


def _context(function: Function) -> Context:
    return Context(
        function_name=function.name,
        invoked_function_arn=function_arn(function.name),
        aws_request_id=str(uuid.uuid4()),
        memory_limit_in_mb=function.memory,
        deadline=time.time() + function.timeout,
    )


def _load(function: Function) -> Handler:
    module_name, _, attribute = function.handler.rpartition(".")
    path = function.path[0] / f"{module_name}.py"
    name = f"{function.name.replace('-', '_')}_{module_name}_in_process"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler: Handler = getattr(module, attribute)
    return handler
