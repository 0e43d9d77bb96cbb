"""Journey and flow in, Standard state machine out: one step after the other, then the endings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.journeys.compiler import asl
from stepwell.journeys.compiler.context import Context
from stepwell.journeys.compiler.endings import ending_states
from stepwell.journeys.compiler.flow import Flow
from stepwell.journeys.compiler.hand_overs import hand_over_states
from stepwell.journeys.compiler.holds import hold_states
from stepwell.journeys.compiler.model import (
    DateDelay,
    HandOver,
    Hold,
    Journey,
    LocalDelay,
    Message,
    NamedStep,
    Pause,
)
from stepwell.journeys.compiler.sends import message_states
from stepwell.journeys.compiler.structure import reachable
from stepwell.journeys.compiler.waits import (
    date_delay_states,
    local_delay_states,
    pause_states,
    split_states,
)


def build_machine(journey: Journey, version: str, flow: Flow) -> dict[str, Any]:
    """The state machine, with placeholders for a stage's names, without states nothing leads to."""
    context = Context(journey.name, version, flow, journey.purpose, journey.park_over)
    states: dict[str, asl.State] = {}
    for name, state in _all_states(context):
        if name in states:
            raise ValueError(f"two states are called {name!r}")
        states[name] = state
    comment = f"Stepwell journey {journey.name}, version {version}. Compiled from journey.yaml."
    machine = asl.machine(comment, context.state_at(flow.first), states)
    kept = reachable(machine)
    return {**machine, "States": {name: state for name, state in states.items() if name in kept}}


def _all_states(context: Context) -> Iterator[tuple[str, asl.State]]:
    for step in context.flow.steps.values():
        yield from _states_of(step, context)
    yield from ending_states(context)


def _states_of(step: NamedStep, context: Context) -> Iterator[tuple[str, asl.State]]:
    if isinstance(step, Hold):
        return hold_states(step, context)
    if isinstance(step, Pause):
        return pause_states(step, context)
    if isinstance(step, LocalDelay):
        return local_delay_states(step, context)
    if isinstance(step, DateDelay):
        return date_delay_states(step, context)
    if isinstance(step, Message):
        return message_states(step, context)
    if isinstance(step, HandOver):
        return hand_over_states(step, context)
    return split_states(step, context)
