"""The states of delays and splits. The plan function works out local times and conditions."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import Context, plan
from stepwell.journeys.compiler.flow import NEXT, OTHERWISE
from stepwell.journeys.compiler.model import DateDelay, LocalDelay, Pause, Split


def pause_states(step: Pause, context: Context) -> Iterator[tuple[str, asl.State]]:
    yield step.name, asl.wait(step.seconds, context.state_at(context.flow.ways[step.id][NEXT]))


def local_delay_states(step: LocalDelay, context: Context) -> Iterator[tuple[str, asl.State]]:
    yield step.name + names.DELAY_PLAN, plan(context, step.id, "until", then=step.name)
    yield (
        step.name,
        asl.wait_until("$.plan.until", context.state_at(context.flow.ways[step.id][NEXT])),
    )


def date_delay_states(step: DateDelay, context: Context) -> Iterator[tuple[str, asl.State]]:
    """As until a local time; but without a date the enrollment fails, and the reason says why."""
    found, none = step.name + names.DELAY_CHOICE, step.name + names.DELAY_NONE
    answers = ("until", "problem")
    yield step.name + names.DELAY_PLAN, plan(context, step.id, *answers, then=found)
    yield found, asl.choice([asl.leads(asl.text_is("$.plan.problem", ""), step.name)], none)
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
