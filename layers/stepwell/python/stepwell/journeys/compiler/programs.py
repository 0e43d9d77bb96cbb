"""Journey and flow in, program document out: what `stepwell.journeys.program` loads.

Besides what functions read, the document carries a digest of the state machine, so that the version
changes with everything that makes the journey behave differently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stepwell.journeys.compiler.context import is_parked
from stepwell.journeys.compiler.durations import YEAR_SECONDS
from stepwell.journeys.compiler.flow import NEXT, OTHERWISE, Flow
from stepwell.journeys.compiler.lengths import longest_way
from stepwell.journeys.compiler.machine import build_machine
from stepwell.journeys.compiler.model import (
    Condition,
    DateDelay,
    EventMatch,
    HandOver,
    Hold,
    Journey,
    LocalDelay,
    Message,
    NamedStep,
    Pause,
    Split,
    messages_called,
)
from stepwell.journeys.program import Tree, canonical

Trees = Mapping[str, Tree]
"""Condition text -> its tree."""
Templates = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Template -> channel -> field -> Liquid text."""


def build_program(
    journey: Journey, flow: Flow, trees: Trees, templates: Templates
) -> dict[str, Any]:
    """The document. The journey must be free of problems."""
    if journey.entry is None:
        raise ValueError(f"{journey.name} has no entry")
    entry, goal = journey.entry, journey.goal
    shape = canonical(build_machine(journey, "", flow))
    return {
        "journey": journey.name,
        "draining": journey.draining,
        "machine": hashlib.sha256(shape.encode()).hexdigest(),
        "entry": {
            **_match(entry.match, trees),
            "key": _tree(entry.key, trees),
            "reentry": entry.reentry.value,
            "reentry_seconds": entry.reentry_seconds,
            **({"trait": entry.trait} if entry.trait else {}),
        },
        "exits": [_match(each, trees) for each in journey.exits],
        "goal": goal
        and {
            **_match(goal.match, trees),
            "within_seconds": goal.within_seconds,
            "value": _tree(goal.value, trees),
        },
        "first": flow.hold_at(flow.first),
        "steps": [
            _step(step, journey, flow, trees, templates)
            for step in flow.steps.values()
            if not isinstance(step, Pause) or is_parked(step, journey.park_over)
        ],
        **({} if journey.park_over is None else {"parks": True}),
    }


def _tree(condition: Condition | None, trees: Trees) -> Tree | None:
    return trees[condition.text] if condition else None


def _match(match: EventMatch, trees: Trees) -> dict[str, Any]:
    return {"event": match.event, "where": _tree(match.where, trees)}


def _step(
    step: NamedStep, journey: Journey, flow: Flow, trees: Trees, templates: Templates
) -> dict[str, Any]:
    about = {"id": step.id, "name": step.name}
    if isinstance(step, Hold):
        return {**about, "kind": "hold", **_hold(step, journey, flow, trees)}
    if isinstance(step, LocalDelay):
        return {**about, "kind": "delay", "time": step.time, "weekdays": list(step.weekdays)}
    if isinstance(step, Pause):
        return {**about, "kind": "long_delay", "seconds": step.seconds}
    if isinstance(step, DateDelay):
        parks = {} if journey.park_over is None else {"park_over": journey.park_over}
        return {**about, "kind": "date_delay", **_date_delay(step, flow, trees), **parks}
    if isinstance(step, Split):
        arms = [{"id": arm.id, "when": _tree(arm.when, trees)} for arm in step.arms]
        return {**about, "kind": "split", "arms": arms, "otherwise": OTHERWISE}
    if isinstance(step, Message):
        return {**about, "kind": "message", **_message(step, journey, flow, templates)}
    if isinstance(step, HandOver):
        return {**about, "kind": "hand_over", **_hand_over(step, flow)}
    raise TypeError(f"a program does not carry {type(step).__name__}")


def _date_delay(step: DateDelay, flow: Flow, trees: Trees) -> dict[str, Any]:
    return {
        "date": _tree(step.date, trees),
        "text": " ".join(step.date.text.split()),
        "offset": asdict(step.offset),
        "time": step.time,
        "latest_seconds": YEAR_SECONDS - longest_way(flow, flow.ways[step.id][NEXT]),
    }


def _hold(step: Hold, journey: Journey, flow: Flow, trees: Trees) -> dict[str, Any]:
    ways = flow.ways[step.id]
    branches = [
        {
            "id": branch.id,
            **_match(branch.match, trees),
            **_about(branch.match, journey),
            "restarts": branch.restarts,
            "opens": None if branch.restarts else flow.hold_at(ways[branch.id]),
        }
        for branch in step.branches
    ]
    return {"seconds": step.seconds, "branches": branches, "max_restarts": step.max_restarts}


def _about(match: EventMatch, journey: Journey) -> dict[str, Any]:
    """The id of the message step that the event has to be about; left out where there is none, so
    that the versions of other journeys stay as they are.
    """
    if match.message is None:
        return {}
    (step,) = (each for each in messages_called(journey, match.message))
    return {"message": step.id}


def _hand_over(step: HandOver, flow: Flow) -> dict[str, Any]:
    ways = flow.ways[step.id]
    return {
        "to": step.to,
        "reason": step.reason,
        "opens": flow.hold_at(ways[NEXT]),
        "otherwise_opens": flow.hold_at(ways[OTHERWISE]),
    }


def _message(step: Message, journey: Journey, flow: Flow, templates: Templates) -> dict[str, Any]:
    template = templates[step.template]
    return {
        "purpose": step.purpose or journey.purpose,
        "channels": list(step.channels),
        "template": {channel: dict(template[channel]) for channel in step.channels},
        "on_quiet_hours": step.on_quiet_hours,
        "on_cap": step.on_cap,
        "worthless_after_seconds": step.worthless_after_seconds,
        "opens": flow.hold_at(flow.ways[step.id][NEXT]),
    }
