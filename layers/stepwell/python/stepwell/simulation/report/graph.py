"""A journey's steps and the ways between them, read off its compiled state machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.customers import slots
from stepwell.journeys.compiler import names
from stepwell.journeys.compiler.documents import WEEKDAYS
from stepwell.journeys.compiler.durations import text_of
from stepwell.journeys.program import (
    DateDelay,
    Delay,
    HandOver,
    Hold,
    LongDelay,
    Message,
    Program,
    Split,
)
from stepwell.simulation.report.paths import START, Steps, steps_of

COMPLETED = ""
"""Stands behind the last steps, as START stands before the first."""


@dataclass(frozen=True, slots=True)
class GraphStep:
    """`kind`: hold, delay, split, message, hand_over; `detail` says in words what it is set to."""

    name: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class GraphWay:
    """From a step (START: the entry) to another (COMPLETED: none follows)."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps in the order of the journey, and every way that its machine has."""

    steps: tuple[GraphStep, ...]
    ways: tuple[GraphWay, ...]


def graph_of(program: Program, machine: Mapping[str, Any]) -> Graph:
    """`machine` is the compiled state machine of `program`."""
    steps, states = steps_of(machine), machine["States"]
    by_name = {step.name: step for step in program.steps.values()}
    order = list(dict.fromkeys(steps.values()))
    shown = tuple(_shown(name, by_name.get(name), states[name]) for name in order)
    labels: dict[tuple[str, str], list[str]] = {(START, steps[machine["StartAt"]]): []}
    for state, name in steps.items():
        for target, label in _ways(state, states[state], steps, by_name.get(name)):
            found = labels.setdefault((name, target), [])
            found += [label] if label and label not in found else []
    ways = (GraphWay(*way, label=" or ".join(label)) for way, label in labels.items())
    return Graph(shown, tuple(ways))


def _shown(name: str, step: Any, state: Mapping[str, Any]) -> GraphStep:
    match step:
        case Hold():
            return GraphStep(name, "hold", f"at most {text_of(step.seconds)}")
        case Delay():
            days = ", ".join(WEEKDAYS[number - 1].capitalize() for number in step.weekdays)
            return GraphStep(name, "delay", f"until {step.time} local{days and ', ' + days}")
        case LongDelay():
            return GraphStep(name, "delay", f"wait {text_of(step.seconds)}")
        case DateDelay():
            return GraphStep(name, "delay", str(step))
        case Split():
            return GraphStep(name, "split", "")
        case HandOver():
            return GraphStep(name, "hand_over", f"hand over to {step.to}")
        case Message():
            return GraphStep(name, "message", f"{step.purpose}: {', else '.join(step.channels)}")
    return GraphStep(name, "delay", f"wait {text_of(state['Seconds'])}")


def _ways(
    state: str, definition: Mapping[str, Any], steps: Steps, step: Any
) -> Iterator[tuple[str, str]]:
    """Where a state leads to outside of its step, and why; a restarted hold leads to itself."""
    here = steps[state]
    for target, value in _targets(definition):
        if target == names.COMPLETED:
            yield COMPLETED, _label(state, value, step)
        elif target in steps and steps[target] != here:
            yield steps[target], _label(state, value, step)
        elif value == slots.RESTART and target == here:
            yield here, _restarts(step)


def _targets(definition: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Each next state with the text that a Choice compares; failures are no ways."""
    for rule in definition.get("Choices", ()):
        yield rule["Next"], rule.get("StringEquals")
    for name in ("Next", "Default"):
        if name in definition:
            yield definition[name], None


def _label(state: str, value: str | None, step: Any) -> str:
    if isinstance(step, Hold):
        if state.endswith(names.HOLD_CLOSE):
            return f"nothing for {text_of(step.seconds)}"
        events = {branch.id: branch.event for branch in step.branches}
        return events.get(value, "") if value else ""
    if isinstance(step, Split):
        return "otherwise" if value is None else value.replace("_", " ")
    if isinstance(step, HandOver):
        return "nobody took it" if state.endswith(names.HAND_OVER_GIVE_UP) else "handed over"
    return ""


def _restarts(step: Hold) -> str:
    events = dict.fromkeys(branch.event for branch in step.branches if branch.restarts)
    return f"{' or '.join(events)}: again"
