"""CloudFormation's limits of one stack, and how near the stacks come.

Each journey is one state machine with its whole definition in the journeys' stack, so the size of
its template is what binds first. The exact numbers are those of the written templates; before any
is written, the definitions alone say how near the largest stack is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.problems import Place, Problem

RESOURCES = 500
BYTES = 1_000_000
"""AWS says 1 MB."""
NEAR = 0.8
NEAR_CODE, PAST_CODE = "SW900", "SW901"

JOURNEYS = "statemachines/journeys"
_SUFFIX = ".template.json"
_JOURNEYS_STACK = "-journeys"
_REMEDIES = {
    True: "End journeys that are over (`status: draining`, and remove the folder when nobody is in "
    "it any more), shorten the largest, or let some run in a stage of their own.",
    False: "Take out what the stack can do without, or move a part of it into a stack of its own.",
}


@dataclass(frozen=True, slots=True)
class StackSize:
    """What counts of one stack. `resources` is None where only a part of it is known."""

    name: str
    file: str
    size: int
    resources: int | None = None

    @property
    def is_of_journeys(self) -> bool:
        return self.name.endswith(_JOURNEYS_STACK) or self.file == JOURNEYS


def measure(template: Path) -> StackSize:
    """A written template."""
    text = template.read_bytes()
    name = template.name.removesuffix(_SUFFIX)
    return StackSize(name, str(template), len(text), len(json.loads(text)["Resources"]))


def written(folder: Path) -> list[StackSize]:
    """All templates that `make synth` has left in a folder; none when it never ran."""
    return [measure(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]


def of_definitions(machines: Iterable[Mapping[str, Any]]) -> StackSize:
    """What the journeys' definitions alone take in their stack's template: a text in JSON each."""
    texts = (json.dumps(json.dumps(each, ensure_ascii=False)) for each in machines)
    size = sum(len(text.encode()) for text in texts)
    return StackSize("the journeys' stack", JOURNEYS, size)


def problems_of(stack: StackSize) -> Iterator[Problem]:
    """Past a limit (SW901), or past 80 % of it (SW900)."""
    counted = [(stack.size, BYTES, "bytes of template")]
    if stack.resources is not None:
        counted.append((stack.resources, RESOURCES, "resources"))
    for number, limit, what in counted:
        if number <= NEAR * limit:
            continue
        share = f"{number:,} {what}, {100 * number / limit:.0f} % of CloudFormation's {limit:,}"
        yield Problem(
            Place(stack.file, 1),
            PAST_CODE if number > limit else NEAR_CODE,
            f"{stack.name} has {share}" + (" or more" if stack.resources is None else ""),
            _REMEDIES[stack.is_of_journeys],
        )
