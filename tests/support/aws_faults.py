"""AWS calls of the real handlers that fail to order: the n-th of one invocation.

    faults = stage_entered.enter_context(AwsFaults(stage))
    watch = Invocation(Fault(Kind.KILLED_AFTER, at=3))
    faults.watch("router", lambda event: watch)     # asked at each invocation; None leaves it alone
    ...
    watch.calls                                     # what it called, in order

The hooks are botocore's own events, on the clients that the functions make for themselves: calls of
the test and of state machines are not touched. Each call counts once, however often botocore tries
it: what fails here has failed for good, as after its last attempt.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, wraps
from types import SimpleNamespace, TracebackType
from typing import Any, Self
from unittest.mock import patch

from botocore.exceptions import ReadTimeoutError

from stepwell.aws import clients, dynamodb
from tests.support.stage import PREFIX, Stage


class KilledError(BaseException):
    """The process was killed here. No `Exception`, so that no handler can go on after it."""


class ExitError(Exception):
    """What Lambda reports of a process that was killed."""


ExitError.__name__ = "Runtime.ExitError"


class Kind(StrEnum):
    """How a call fails."""

    KILLED_BEFORE = "killed before it acted"
    KILLED_AFTER = "killed after it acted"
    THROTTLED = "throttled, and so is the same operation from then on"
    ANSWER_LOST = "acted, and the answer timed out"


@dataclass(frozen=True)
class Fault:
    """`at` counts from 1; 0 fails nothing."""

    kind: Kind
    at: int

    def __str__(self) -> str:
        return f"call {self.at} {self.kind}"


@dataclass
class Invocation:
    """One invocation under watch: what it calls, and which of its calls fails.

    `cold` lets it begin as a new process does, so that what is read once a process is read again;
    the others go on with what is known, because the processes of all functions are this one.
    """

    fault: Fault | None = None
    cold: bool = False
    calls: list[str] = field(default_factory=list)
    """`<service>.<Operation>` of every call, the failed one included."""
    _throttled: str = ""

    @property
    def has_failed(self) -> bool:
        return self.fault is not None and 0 < self.fault.at <= len(self.calls)

    def before(self, operation: str) -> tuple[Any, Any] | None:
        """Note the call; the answer that takes the place of AWS's, if any."""
        self.calls.append(operation)
        kind = self._kind_here()
        if kind is Kind.KILLED_BEFORE:
            raise KilledError(operation)
        if kind is Kind.THROTTLED:
            self._throttled = operation
        return throttled(operation) if operation == self._throttled else None

    def after(self, operation: str) -> None:
        kind = self._kind_here()
        if kind is Kind.KILLED_AFTER:
            raise KilledError(operation)
        if kind is Kind.ANSWER_LOST:
            raise ReadTimeoutError(endpoint_url=f"https://{operation}.invalid")

    def _kind_here(self) -> Kind | None:
        fault = self.fault
        return fault.kind if fault is not None and len(self.calls) == fault.at else None


@contextmanager
def hooked_clients(hooks: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """The functions' clients tell of what they do: handlers by the names of botocore's events."""
    make = clients._make

    @cache
    def make_hooked(service: str, retries: bool) -> Any:
        made = make(service, retries)
        for name, hook in hooks.items():
            made.meta.events.register_first(name, hook)
        return made

    with patch.object(clients, "_make", make_hooked):
        make.cache_clear()
        yield
        make.cache_clear()


Choose = Callable[[Any], Invocation | None]
"""Given the event of an invocation, the watch over it."""


class AwsFaults:
    """As a context manager inside `with Stage()`: `watch` lets a function's calls fail."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._current = threading.local()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        hooks: dict[str, Callable[..., Any]] = {
            "before-call": self._before,
            "after-call": self._after,
        }
        self._open.enter_context(hooked_clients(hooks))
        # How long it waits between two attempts is of no interest here, and passes in real time.
        self._open.enter_context(patch.object(dynamodb, "_back_off", lambda _attempt: None))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def watch(self, function: str, choose: Choose) -> None:
        """Watch over the invocations of a function for which `choose` answers a watch."""
        name = PREFIX + function.replace("_", "-")
        real = self._stage.engine.functions.handler(name)

        @wraps(real)  # so that `forget` finds the process of either
        def handle(event: Any, context: Any) -> Any:
            watch = choose(event)
            if watch is None:
                return real(event, context)
            if watch.cold:
                forget(real)
            self._current.watch = watch
            try:
                return real(event, context)
            except KilledError as killed:
                if watch.cold:
                    forget(real)
                raise ExitError from killed
            finally:
                self._current.watch = None

        self._stage.engine.replace_function(name, handle)

    def _before(self, model: Any, **_: Any) -> tuple[Any, Any] | None:
        watch = self._watching()
        return watch.before(_named(model)) if watch else None

    def _after(self, model: Any, http_response: Any, **_: Any) -> None:
        watch = self._watching()
        if watch and not isinstance(http_response, SimpleNamespace):
            watch.after(_named(model))

    def _watching(self) -> Invocation | None:
        found: Invocation | None = getattr(self._current, "watch", None)
        return found


def _named(model: Any) -> str:
    return f"{model.service_model.service_name}.{model.name}"


def forget(handler: Any) -> None:
    """Empty what the handler's process would not know after a start; the clients stay."""
    modules = [sys.modules[handler.__module__]]
    modules += [each for name, each in list(sys.modules.items()) if name.startswith(_AWS)]
    for module in modules:
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear") and value is not clients._make:
                value.cache_clear()


_AWS = "stepwell.aws."

_SAYS_BUSY = {
    "dynamodb": ("ThrottlingException", 400),
    "s3": ("SlowDown", 503),
    "secretsmanager": ("ThrottlingException", 400),
    "sesv2": ("TooManyRequestsException", 429),
    "sns": ("Throttling", 400),
    "sqs": ("ThrottlingException", 400),
    "stepfunctions": ("ThrottlingException", 400),
}
"""How each service says that it was asked too much, with the HTTP status."""


def throttled(operation: str) -> tuple[Any, dict[str, Any]]:
    """The answer of a service that is asked too much, as `before-call` may give it."""
    code, status = _SAYS_BUSY[operation.partition(".")[0]]
    answer = {
        "Error": {"Code": code, "Message": "Rate exceeded"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 3},
    }
    return SimpleNamespace(status_code=status), answer


def every_fault(calls: int, kinds: tuple[Kind, ...] = tuple(Kind)) -> Iterator[Fault]:
    """Each call failing in each way.

    Dying before a call is dying after the one before: only the nightly profile tries both.
    """
    nightly = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
    for number in range(1, calls + 1):
        for kind in kinds:
            if nightly or number == 1 or kind is not Kind.KILLED_BEFORE:
                yield Fault(kind, number)
