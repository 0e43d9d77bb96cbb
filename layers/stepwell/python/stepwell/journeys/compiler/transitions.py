"""Count the state transitions of a way through a state machine: what Step Functions charges for.

One transition is one state entered. Retries, which cost as much, are not ways of the definition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from stepwell.journeys.compiler.structure import targets


class NoWayError(Exception):
    """The machine has no such way."""


def transitions(machine: Mapping[str, Any], start: str | None, stop: str, *stops: str) -> int:
    """States entered on the shortest way from `start` over all stops, in their order.

    None is the beginning of the execution. The start counts, the last stop does not, so that ways
    laid end to end add up. A stop may be the start again, for a loop. Raises NoWayError when there
    is no such way, KeyError for a stop that is no state.
    """
    total = 0
    here = machine["StartAt"] if start is None else start
    for each in (stop, *stops):
        total += _distance(machine["States"], here, each)
        here = each
    return total


def _distance(states: Mapping[str, Mapping[str, Any]], start: str, stop: str) -> int:
    states[stop]
    waiting = deque([(start, 0)])
    seen: set[str] = set()
    while waiting:
        name, steps = waiting.popleft()
        for target in targets(states[name]):
            if target == stop:
                return steps + 1
            if target not in seen:
                seen.add(target)
                waiting.append((target, steps + 1))
    raise NoWayError(f"no way leads from {start!r} to {stop!r}")
