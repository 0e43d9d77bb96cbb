"""The states of a hand-over: tell the destination, bounded; else record that nobody took it.

    hand over ──▶ the next step                            one transition
        ├─ ended meanwhile ──▶ Left
        └─ refused, or away for good ──▶ not handed over ──▶ otherwise
                                              └─ it was taken after all ──▶ the next step

The function goes by its record (`handover.handing_over`), so that both states may be tried again.
When not even the record can be written, the customer's way goes on all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.handover import errors
from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import HAND_OVER_FUNCTION, Context
from stepwell.journeys.compiler.flow import NEXT, OTHERWISE
from stepwell.journeys.compiler.model import HandOver

TASK_SECONDS = 60
"""Longer than the function's own limit, which is longer than a destination's."""
TRIES_AGAIN = 4


def hand_over_states(step: HandOver, context: Context) -> Iterator[tuple[str, asl.State]]:
    """The states by name, the first one first."""
    ways = context.flow.ways[step.id]
    then, otherwise = (context.state_at(ways[way]) for way in (NEXT, OTHERWISE))
    given_up = step.name + names.HAND_OVER_GIVE_UP
    yield (
        step.name,
        _ask(
            step,
            context,
            {"asked_at.$": asl.ENTERED},
            never=(errors.REFUSED, errors.ENDED),
            catch=[
                asl.catching(errors.ENDED, names.LEFT),
                asl.catching(asl.ALL_ERRORS, given_up, result_path="$.failure"),
            ],
            then=then,
        ),
    )
    yield (
        given_up,
        _ask(
            step,
            context,
            {"asked_at.$": asl.ENTERED, "failure.$": "$.failure"},
            never=(errors.ALREADY, errors.ENDED),
            catch=[
                asl.catching(errors.ENDED, names.LEFT),
                asl.catching(errors.ALREADY, then),
                asl.catching(asl.ALL_ERRORS, otherwise),
            ],
            then=otherwise,
        ),
    )


def _ask(
    step: HandOver,
    context: Context,
    more: dict[str, Any],
    *,
    never: tuple[str, ...],
    catch: list[asl.State],
    then: str,
) -> asl.State:
    """`never`: errors that are answers, for which nothing is tried again."""
    payload = {"ids.$": "$.ids", "version": context.version, "step": step.id, **more}
    return asl.task(
        asl.INVOKE_FUNCTION,
        {"FunctionName": HAND_OVER_FUNCTION, "Payload": payload},
        timeout=TASK_SECONDS,
        retry=[
            asl.retrying(never, attempts=0, seconds=1, most_seconds=1),
            asl.retrying([asl.ALL_ERRORS], attempts=TRIES_AGAIN, seconds=2, most_seconds=60),
        ],
        catch=catch,
        then=then,
    )
