"""The states of delays and splits. The plan function works out local times and conditions."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import Context, plan
from stepwell.journeys.compiler.flow import NEXT, OTHERWISE
from stepwell.journeys.compiler.model import LocalDelay, Pause, Split


def pause_states(step: Pause, context: Context) -> Iterator[tuple[str, asl.State]]:
    yield step.name, asl.wait(step.seconds, context.state_at(context.flow.ways[step.id][NEXT]))


def local_delay_states(step: LocalDelay, context: Context) -> Iterator[tuple[str, asl.State]]:
    yield step.name + names.DELAY_PLAN, plan(context, step.id, answer="until", then=step.name)
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
    yield step.name + names.SPLIT_PLAN, plan(context, step.id, answer="branch", then=step.name)
    yield step.name, asl.choice(rules, otherwise)
