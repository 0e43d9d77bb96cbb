"""The states of delays and splits. The plan function works out local times and conditions.

A wait that is too long for an execution to stay open is parked: `parking` has its states. The
native Wait is always there too, for the day on which no alarm can be set.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import Context, is_parked, plan
from stepwell.journeys.compiler.flow import NEXT, OTHERWISE
from stepwell.journeys.compiler.model import DateDelay, LocalDelay, Pause, Split
from stepwell.journeys.compiler.parking import parking_states
from stepwell.journeys.planning import YES


def pause_states(step: Pause, context: Context) -> Iterator[tuple[str, asl.State]]:
    then = context.state_at(context.flow.ways[step.id][NEXT])
    if not is_parked(step, context.park_over):
        yield step.name, asl.wait(step.seconds, then)
        return
    alarm = step.name + names.DELAY_ALARM
    yield step.name + names.DELAY_PLAN, plan(context, step.id, "until", "at", then=alarm)
    yield from parking_states(step, context)
    yield step.name, asl.wait_until("$.plan.until", then)


def local_delay_states(step: LocalDelay, context: Context) -> Iterator[tuple[str, asl.State]]:
    yield step.name + names.DELAY_PLAN, plan(context, step.id, "until", then=step.name)
    yield (
        step.name,
        asl.wait_until("$.plan.until", context.state_at(context.flow.ways[step.id][NEXT])),
    )


def date_delay_states(step: DateDelay, context: Context) -> Iterator[tuple[str, asl.State]]:
    """As until a local time; but without a date the enrollment fails, and the reason says why."""
    found, none = step.name + names.DELAY_CHOICE, step.name + names.DELAY_NONE
    parks = context.park_over is not None
    answers = ("until", "problem", *(("at", "park") if parks else ()))
    yield step.name + names.DELAY_PLAN, plan(context, step.id, *answers, then=found)
    rules = [asl.leads(asl.text_is("$.plan.problem", ""), step.name)]
    if parks:
        alarm = step.name + names.DELAY_ALARM
        rules = [asl.leads(asl.text_is("$.plan.park", YES), alarm), *rules]
    yield found, asl.choice(rules, none)
    if parks:
        yield from parking_states(step, context)
    yield none, asl.put({"Error.$": "$.plan.problem"}, at="$.failure", then=names.MARK_FAILED)
    yield (
        step.name,
        asl.wait_until("$.plan.until", context.state_at(context.flow.ways[step.id][NEXT])),
    )


def split_states(step: Split, context: Context) -> Iterator[tuple[str, asl.State]]:
    ways = dict(context.flow.ways[step.id])
    otherwise = context.state_at(ways.pop(OTHERWISE))
    rules = [
        asl.leads(asl.text_is("$.plan.branch", arm), context.state_at(target))
        for arm, target in ways.items()
    ]
    yield step.name + names.SPLIT_PLAN, plan(context, step.id, "branch", then=step.name)
    yield step.name, asl.choice(rules, otherwise)
