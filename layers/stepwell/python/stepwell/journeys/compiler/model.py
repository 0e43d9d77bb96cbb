"""A journey as the reader understood it, free of YAML and of Amazon States Language.

Steps form a tree: the branches of a hold and the arms of a split hold steps of their own, and go on
behind the step when they are through. Nothing jumps, so nothing but a restart can repeat. Every
part knows its place in the file, for the checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stepwell.journeys.compiler.problems import Place
from stepwell.journeys.dates import Offset
from stepwell.journeys.program import Reentry


@dataclass(frozen=True, slots=True)
class Condition:
    """The text of a CEL expression."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class EventMatch:
    """An event by name and, optionally, by what must be true of it.

    `message` is the name of the message step that it has to be about, in a hold that waits for what
    becomes of one.
    """

    event: str
    where: Condition | None
    place: Place
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    match: EventMatch
    key: Condition | None
    reentry: Reentry
    reentry_seconds: int
    segment: str | None = None
    trait: str | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    match: EventMatch
    within_seconds: int
    value: Condition | None


@dataclass(frozen=True, slots=True)
class Branch:
    """What an awaited event leads to: the hold again, or steps (none: go on behind the hold)."""

    id: str
    match: EventMatch
    restarts: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    id: str
    name: str
    place: Place
    seconds: int
    branches: tuple[Branch, ...]
    timeout: tuple[Step, ...]
    max_restarts: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A delay of a fixed length."""

    id: str
    name: str
    place: Place
    seconds: int


@dataclass(frozen=True, slots=True)
class LocalDelay:
    """Until the next HH:MM in the customer's zone, on one of the ISO weekdays (none: any)."""

    id: str
    name: str
    place: Place
    time: str
    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DateDelay:
    """Until the date that an expression gives, moved by `offset`; at HH:MM in the customer's zone
    if `time` says so.
    """

    id: str
    name: str
    place: Place
    date: Condition
    offset: Offset
    time: str | None


@dataclass(frozen=True, slots=True)
class Arm:
    id: str
    name: str
    when: Condition
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Split:
    id: str
    name: str
    place: Place
    arms: tuple[Arm, ...]
    otherwise: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """`purpose` is None when neither the message nor the journey names one."""

    id: str
    name: str
    place: Place
    purpose: str | None
    channels: tuple[str, ...]
    template: str
    on_quiet_hours: str
    on_cap: str
    worthless_after_seconds: int | None


@dataclass(frozen=True, slots=True)
class HandOver:
    """Ask a human at `to`, a declared destination; `otherwise` is the way on when none took it."""

    id: str
    name: str
    place: Place
    to: str
    to_place: Place
    reason: str
    reason_place: Place
    otherwise: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """The `exit` step: the journey is completed here."""

    place: Place


NamedStep = Hold | Pause | LocalDelay | DateDelay | Split | Message | HandOver
Step = NamedStep | Leave


@dataclass(frozen=True, slots=True)
class Journey:
    """`entry` is None only when it could not be read, and then nothing is compiled."""

    name: str
    folder: Path
    place: Place
    purpose: str | None
    draining: bool
    entry: Entry | None
    exits: tuple[EventMatch, ...]
    goal: Goal | None
    steps: tuple[Step, ...]
    park_over: int | None = None
    """Seconds: waits that last longer are parked; None: all are native."""


def blocks(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside a step, in the order of the file."""
    if isinstance(step, Hold):
        return (*(branch.steps for branch in step.branches), step.timeout)
    if isinstance(step, Split):
        return (*(arm.steps for arm in step.arms), step.otherwise)
    if isinstance(step, HandOver):
        return (step.otherwise,)
    return ()


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step, outer before inner, in the order of the file."""
    for step in steps:
        yield step
        for block in blocks(step):
            yield from walk(block)


def named(steps: tuple[Step, ...]) -> Iterator[NamedStep]:
    """Every step that is a state: all but exits."""
    return (step for step in walk(steps) if not isinstance(step, Leave))


def messages_called(journey: Journey, name: str) -> tuple[Message, ...]:
    """The message steps of this name: one, in a journey without problems."""
    steps = (step for step in named(journey.steps) if isinstance(step, Message))
    return tuple(step for step in steps if step.name == name)
