"""A state machine's definition as objects that can be executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.simulation.machines.choices import Test, compile_rule
from stepwell.simulation.machines.errors import UnsupportedError
from stepwell.simulation.machines.paths import Read, compile_path, names_of
from stepwell.simulation.machines.payloads import compile_payload
from stepwell.simulation.machines.tasks import Action, compile_action


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of Retry; seconds. Each delay is drawn from 0 to its bound (full jitter)."""

    errors: tuple[str, ...]
    interval: float
    backoff: float
    most: float
    attempts: int

    def bound(self, failures: int) -> float:
        """The longest delay after so many failures, the first being 1."""
        return float(min(self.interval * self.backoff ** (failures - 1), self.most))


@dataclass(frozen=True, slots=True)
class Catcher:
    """One entry of Catch; `result` None drops the error."""

    errors: tuple[str, ...]
    result: tuple[str, ...] | None
    then: str


@dataclass(frozen=True, slots=True)
class Task:
    """`then` None ends the execution; `result` None drops the action's result."""

    action: Action
    timeout: int
    selector: Read | None
    result: tuple[str, ...] | None
    retriers: tuple[Retrier, ...]
    catchers: tuple[Catcher, ...]
    then: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    rules: tuple[tuple[Test, str], ...]
    default: str | None


@dataclass(frozen=True, slots=True)
class Pass:
    """`make` gives the result from the state's input."""

    make: Read
    result: tuple[str, ...]
    then: str | None


@dataclass(frozen=True, slots=True)
class Wait:
    """For `seconds`, or until the moment at `until`."""

    seconds: int | None
    until: Read | None
    then: str


@dataclass(frozen=True, slots=True)
class Succeed:
    pass


@dataclass(frozen=True, slots=True)
class Fail:
    error: str
    cause: str


State = Task | Choice | Pass | Wait | Succeed | Fail


@dataclass(frozen=True, slots=True)
class Machine:
    """`timeout`: seconds that an execution may take, None for Step Functions' year."""

    name: str
    start: str
    states: Mapping[str, State]
    timeout: int | None


def compile_machine(name: str, document: Mapping[str, Any]) -> Machine:
    """Raises UnsupportedError naming the machine, the state and what in it is not executed here."""
    try:
        _only(document, "Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds")
        _speaks_paths(document)
    except UnsupportedError as error:
        raise UnsupportedError(f"{name}: {error} is not simulated") from None
    states = {}
    for title, state in document["States"].items():
        try:
            states[title] = _state(state)
        except UnsupportedError as error:
            raise UnsupportedError(
                f"{name}, state {title!r}: {error} is not simulated; only what `stepwell compile` "
                "writes is"
            ) from None
    return Machine(name, document["StartAt"], states, document.get("TimeoutSeconds"))


def _speaks_paths(document: Mapping[str, Any]) -> None:
    language = document.get("QueryLanguage", "JSONPath")
    if language != "JSONPath":
        raise UnsupportedError(f"the query language {language}")


def _state(document: Mapping[str, Any]) -> State:
    kind = document.get("Type")
    if kind not in _KINDS:
        raise UnsupportedError(f"the state type {kind}")
    return _KINDS[kind](document)


def _task(document: Mapping[str, Any]) -> Task:
    _only(
        document,
        *("Resource", "Parameters", "TimeoutSeconds", "ResultSelector", "ResultPath"),
        *("Retry", "Catch", "Next", "End"),
    )
    timeout = document.get("TimeoutSeconds")
    if not isinstance(timeout, int) or timeout < 1:
        raise UnsupportedError(f"a task with TimeoutSeconds {timeout}")
    selector = document.get("ResultSelector")
    return Task(
        action=compile_action(document["Resource"], document["Parameters"]),
        timeout=timeout,
        selector=None if selector is None else compile_payload(selector),
        result=_result(document),
        retriers=tuple(_retrier(each) for each in document.get("Retry", ())),
        catchers=tuple(_catcher(each) for each in document.get("Catch", ())),
        then=_then(document),
    )


def _retrier(document: Mapping[str, Any]) -> Retrier:
    _only(
        document,
        *("ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"),
        "JitterStrategy",
    )
    if document.get("JitterStrategy") != "FULL":
        raise UnsupportedError("a Retry without full jitter")
    return Retrier(
        tuple(document["ErrorEquals"]),
        document["IntervalSeconds"],
        document["BackoffRate"],
        document["MaxDelaySeconds"],
        document["MaxAttempts"],
    )


def _catcher(document: Mapping[str, Any]) -> Catcher:
    _only(document, "ErrorEquals", "ResultPath", "Next")
    return Catcher(tuple(document["ErrorEquals"]), _result(document), document["Next"])


def _choice(document: Mapping[str, Any]) -> Choice:
    _only(document, "Choices", "Default")
    rules = tuple((compile_rule(rule), rule["Next"]) for rule in document["Choices"])
    return Choice(rules, document.get("Default"))


def _pass(document: Mapping[str, Any]) -> Pass:
    _only(document, "InputPath", "Parameters", "ResultPath", "Next", "End")
    if "InputPath" in document and "Parameters" in document:
        raise UnsupportedError("a Pass with InputPath and Parameters")
    make = (
        compile_payload(document["Parameters"])
        if "Parameters" in document
        else compile_path(document.get("InputPath", "$"))
    )
    return Pass(make, _result(document) or (), _then(document))


def _wait(document: Mapping[str, Any]) -> Wait:
    _only(document, "Seconds", "TimestampPath", "Next")
    if ("Seconds" in document) == ("TimestampPath" in document):
        raise UnsupportedError("a Wait without one of Seconds and TimestampPath")
    path = document.get("TimestampPath")
    until = None if path is None else compile_path(path)
    return Wait(document.get("Seconds"), until, document["Next"])


def _succeed(document: Mapping[str, Any]) -> Succeed:
    _only(document)
    return Succeed()


def _fail(document: Mapping[str, Any]) -> Fail:
    _only(document, "Error", "Cause")
    return Fail(document["Error"], document["Cause"])


_KINDS: dict[Any, Callable[[Mapping[str, Any]], State]] = {
    "Task": _task,
    "Choice": _choice,
    "Pass": _pass,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
}


def _result(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The names of ResultPath: absent means `$`, null drops the result."""
    path = document.get("ResultPath", "$")
    return None if path is None else names_of(path)


def _then(document: Mapping[str, Any]) -> str | None:
    if ("Next" in document) == (document.get("End") is True):
        raise UnsupportedError("a state without one of Next and End")
    return document.get("Next")


def _only(document: Mapping[str, Any], *known: str) -> None:
    others = sorted(set(document) - {*known, "Type", "Comment"})
    if others:
        raise UnsupportedError(f"the field {', '.join(others)}")
