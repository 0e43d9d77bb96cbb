"""The way of each run through its journey's steps, and how long it stayed in each.

A trace has states, of which a step may have several ("Nudge", "Nudge: deferred", …); people think
in steps. What a run does inside one step, such as waiting for quiet hours to end and asking again,
is time in that step. Only a hold that an event restarts is a way of its own, from the step to
itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from stepwell.journeys.compiler import names
from stepwell.simulation.report.counts import Histogram, JourneyTally
from stepwell.simulation.trace import Run, Status

START = ""
"""Stands before the first step; no step has an empty name."""
RUNNING = "running"
FAILED = "failed"

_SUFFIXES = sorted({*names.SUFFIXES, names.HOLD_CHOICE, names.MESSAGE_CHOICE}, key=len)

_HOLD_RESTARTS = (names.HOLD_CHOICE, names.HOLD_AGAIN)

Steps = Mapping[str, str]


def steps_of(machine: Mapping[str, Any]) -> dict[str, str]:
    """State name -> name of its step, for the states of a machine that belong to one."""
    states = machine["States"]
    steps = {}
    for state in states:
        if state not in names.RESERVED_STATES:
            bases = (state.removesuffix(suffix) for suffix in _SUFFIXES if state.endswith(suffix))
            steps[state] = next((base for base in bases if base in states), state)
    return steps


def count_run(run: Run, steps: Steps, ending: str, until: datetime, tally: JourneyTally) -> None:
    """Add the ways of a run; `ending` is how it left its last step, at `until` at the latest."""
    ways, leavings = tally.ways, tally.leavings
    before, since = START, run.started
    for at, step in _visits(run, steps):
        way = ways.get((before, step))
        if way is None:
            way = ways[before, step] = Histogram()
        way.add_seconds((at - since).total_seconds())
        before, since = step, at
    leaving = leavings.get((before, ending))
    if leaving is None:
        leaving = leavings[before, ending] = Histogram()
    leaving.add_seconds(((run.ended or until) - since).total_seconds())


def _visits(run: Run, steps: Steps) -> Iterator[tuple[datetime, str]]:
    """When which step was entered: another than before, or the same hold armed once more."""
    before, state_before = START, ""
    for at, state in run.states:
        if state == names.GO_ON:
            continue  # the same step still, in another execution
        step = steps.get(state)
        if step is None:
            break  # the states that end a journey follow
        if step != before or (
            state == step and state != state_before and state_before.endswith(_HOLD_RESTARTS)
        ):
            yield at, step
        before, state_before = step, state


def ending_of(run: Run, outcome: str | None) -> str:
    """How the run ended: as its record says, else as its execution stands."""
    if outcome is not None:
        return outcome
    return RUNNING if run.status is Status.RUNNING else FAILED
