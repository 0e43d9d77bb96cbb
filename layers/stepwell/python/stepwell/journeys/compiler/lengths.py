"""How long a journey can take, from a step to its end: an execution lives for a year at most."""

from __future__ import annotations

from functools import cache

from stepwell.journeys.compiler.flow import END, Flow
from stepwell.journeys.compiler.model import Hold, LocalDelay, NamedStep, Pause

_LONGEST_LOCAL_DELAY = 8 * 86_400


def longest_way(flow: Flow, start: str) -> int:
    """Seconds that the delays and holds from a target on can take, restarts counted.

    A delay until a date counts as none: it is held to what is left of the year when it is planned.
    """

    @cache
    def after(target: str) -> int:
        if target == END:
            return 0
        return _longest(flow.steps[target]) + max(after(way) for way in flow.ways[target].values())

    return after(start)


def _longest(step: NamedStep) -> int:
    if isinstance(step, Hold):
        restarts = step.max_restarts if any(branch.restarts for branch in step.branches) else 0
        return step.seconds * (1 + restarts)
    if isinstance(step, Pause):
        return step.seconds
    return _LONGEST_LOCAL_DELAY if isinstance(step, LocalDelay) else 0
