"""What is wrong with a state machine's structure, which neither moto nor cfn-lint tells.

Looks only at the definition (JSONPath): names, where states lead, ends, time limits, retries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.journeys.compiler.names import LONGEST_STATE_NAME

_ENDS = ("Succeed", "Fail")
_WAIT_KEYS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")

States = Mapping[str, Mapping[str, Any]]


def targets(state: Mapping[str, Any]) -> list[str]:
    """The names of the states that this one can lead to, each once, in order."""
    ways = [state.get("Next"), *(rule.get("Next") for rule in state.get("Choices", ()))]
    ways += [state.get("Default"), *(catch.get("Next") for catch in state.get("Catch", ()))]
    return list(dict.fromkeys(way for way in ways if way is not None))


def reachable(machine: Mapping[str, Any]) -> set[str]:
    """The names of the states that can be come to, the missing ones included."""
    seen: set[str] = set()
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(targets(machine["States"].get(name, {})))
    return seen


def faults(machine: Mapping[str, Any]) -> list[str]:
    """Every fault in words; empty for a sound machine."""
    states: States = machine["States"]
    found = (
        [] if machine["StartAt"] in states else [f"StartAt names no state: {machine['StartAt']}"]
    )
    for name, state in states.items():
        found.extend(f"{name}: {fault}" for fault in _state_faults(name, state, states))
    found.extend(f"{name}: unreachable" for name in states.keys() - reachable(machine))
    found.extend(f"{name}: never ends" for name in _endless(states))
    return sorted(found)


def _state_faults(name: str, state: Mapping[str, Any], states: States) -> Iterator[str]:
    kind = state.get("Type")
    if len(name) > LONGEST_STATE_NAME:
        yield f"the name has {len(name)} characters"
    for target in targets(state):
        if target not in states:
            yield f"leads to no state: {target}"
    if kind == "Choice" and not (state.get("Choices") and "Default" in state):
        yield "a Choice without rules or Default"
    if kind not in ("Choice", *_ENDS) and ("Next" in state) == bool(state.get("End")):
        yield "has neither Next nor End, or both"
    if kind == "Wait" and sum(key in state for key in _WAIT_KEYS) != 1:
        yield "a Wait needs exactly one duration"
    if kind == "Task":
        yield from _task_faults(state)


def _task_faults(state: Mapping[str, Any]) -> Iterator[str]:
    if not int(state.get("TimeoutSeconds", 0)) > 0:
        yield "a Task without TimeoutSeconds"
    for retry in state.get("Retry", ()):
        if not 0 <= retry.get("MaxAttempts", 100) < 100:
            yield "a Retry without a bound"
        if retry.get("JitterStrategy") != "FULL":
            yield "a Retry without full jitter"
        if "waitForTaskToken" in state["Resource"] and {"States.Timeout", "States.ALL"} & {
            *retry["ErrorEquals"]
        }:
            yield "retries the time limit of a callback"
    for index, catch in enumerate(state.get("Catch", ())):
        if "States.ALL" in catch["ErrorEquals"] and index + 1 != len(state["Catch"]):
            yield "States.ALL is not the last Catch"


def _endless(states: States) -> set[str]:
    """States from which no end can be come to."""
    ending = {
        name for name, state in states.items() if state.get("Type") in _ENDS or state.get("End")
    }
    while True:
        more = {
            name
            for name, state in states.items()
            if name not in ending and ending & {*targets(state)}
        }
        if not more:
            return set(states) - ending
        ending |= more
