"""The state machine in which enrollments go on after a wait that was parked.

Read off the journey's own, so that nothing else has to be compiled and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.structure import reachable

STEP = ":step"
"""Where the mark of a parked wait has the step's id."""


def legs_of(machine: Mapping[str, Any]) -> dict[str, Any] | None:
    """The machine in which enrollments go on after a parked wait; None if none of its waits is.

    It has the same states, and begins behind the step that the input's `after` names. It is a
    machine of its own for each version, because a leg that starts later must not meet another one.
    """
    states: Mapping[str, asl.State] = machine["States"]
    rules = [
        asl.leads(
            asl.text_is("$.after", state["Parameters"]["ExpressionAttributeValues"][STEP]["S"]),
            states[name.removesuffix(names.DELAY_PARKED)]["Next"],
        )
        for name, state in states.items()
        if name.endswith(names.DELAY_PARKED) and state["Type"] == "Task"
    ]
    if not rules:
        return None
    start = asl.choice(rules, names.FAILED, comment="Behind the wait that was parked.")
    legs = {**machine, "StartAt": names.GO_ON, "States": {names.GO_ON: start, **states}}
    kept = reachable(legs)
    legs["States"] = {name: state for name, state in legs["States"].items() if name in kept}
    return legs
