"""Which step follows which: the tree of steps as a graph.

A target is the id of a step, or END. What stands behind an `exit` is not in the graph, so it is
unreachable; so is what stands behind a step of which every way leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.journeys.compiler.model import (
    HandOver,
    Hold,
    Journey,
    Leave,
    NamedStep,
    Split,
    Step,
)

END = "end"
NEXT = ""
TIMEOUT = "timeout"
OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Flow:
    """`ways[step id]`: branch or arm id -> target; also TIMEOUT of a hold, OTHERWISE of a split or
    a hand-over, and NEXT of a hand-over and of a step with one way on. A branch that restarts its
    hold has no way of its own.
    """

    first: str
    steps: Mapping[str, NamedStep]
    ways: Mapping[str, Mapping[str, str]]

    def hold_at(self, target: str) -> str | None:
        """The target, when it is a hold: what leads to it opens its wait slot."""
        return target if isinstance(self.steps.get(target), Hold) else None

    def leads(self, step: str, to: str) -> bool:
        """Whether some way goes on from one step to another."""
        seen, open_targets = set(), list(self.ways[step].values())
        while open_targets:
            target = open_targets.pop()
            if target == to:
                return True
            if target not in seen and target != END:
                seen.add(target)
                open_targets.extend(self.ways[target].values())
        return False


def flow_of(journey: Journey) -> Flow:
    """The graph of the steps that can be reached. Ids must be unique."""
    steps: dict[str, NamedStep] = {}
    ways: dict[str, dict[str, str]] = {}
    first = _place(journey.steps, END, steps, ways)
    return _reachable(Flow(first, steps, ways))


def _place(
    block: tuple[Step, ...],
    after: str,
    steps: dict[str, NamedStep],
    ways: dict[str, dict[str, str]],
) -> str:
    """Add a block whose last step goes on to `after`; gives the block's first target."""
    target = after
    for step in reversed(block):
        if isinstance(step, Leave):
            target = END
            continue
        steps[step.id] = step
        ways[step.id] = {name: _place(inner, target, steps, ways) for name, inner in _blocks(step)}
        if not isinstance(step, Hold | Split):
            ways[step.id] = {NEXT: target, **ways[step.id]}
        target = step.id
    return target


def _blocks(step: NamedStep) -> list[tuple[str, tuple[Step, ...]]]:
    if isinstance(step, Hold):
        going_on = [(branch.id, branch.steps) for branch in step.branches if not branch.restarts]
        return [*going_on, (TIMEOUT, step.timeout)]
    if isinstance(step, Split):
        return [*((arm.id, arm.steps) for arm in step.arms), (OTHERWISE, step.otherwise)]
    if isinstance(step, HandOver):
        return [(OTHERWISE, step.otherwise)]
    return []


def _reachable(flow: Flow) -> Flow:
    seen: list[str] = []
    open_targets = [flow.first]
    while open_targets:
        target = open_targets.pop()
        if target in seen or target == END:
            continue
        seen.append(target)
        open_targets.extend(reversed([*flow.ways[target].values()]))
    return Flow(
        flow.first,
        {step: flow.steps[step] for step in seen},
        {step: flow.ways[step] for step in seen},
    )
