"""What the checks look at: one journey, and what of the project it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepwell.journeys.compiler.flow import Flow, flow_of
from stepwell.journeys.compiler.model import (
    Condition,
    DateDelay,
    EventMatch,
    Hold,
    Journey,
    Message,
    NamedStep,
    Split,
    named,
)
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.journeys.compiler.templates import Template


@dataclass(frozen=True, slots=True)
class Subject:
    """What cannot be read (`purposes`, `registry`, `destinations`) is None, and a problem of its
    own. `profile` is the document of what is declared of customers' profiles.
    """

    journey: Journey
    templates: Mapping[str, Template]
    purposes: frozenset[str] | None
    registry: EventRegistry | None
    profile: Mapping[str, Any] = field(default_factory=dict)
    destinations: frozenset[str] | None = frozenset()

    def steps(self) -> tuple[NamedStep, ...]:
        return tuple(named(self.journey.steps))

    def messages(self) -> tuple[Message, ...]:
        return tuple(step for step in self.steps() if isinstance(step, Message))

    def flow(self) -> Flow | None:
        """The graph, or None while ids are not unique."""
        ids = [step.id for step in self.steps()]
        return flow_of(self.journey) if len(set(ids)) == len(ids) else None

    def entry_event(self) -> str | None:
        return self.journey.entry.match.event if self.journey.entry else None


@dataclass(frozen=True, slots=True)
class Use:
    """A condition and what it is for: of which `event` (None: a split's or a delay's), and if it
    decides.
    """

    condition: Condition
    event: str | None
    yes_or_no: bool
    enrolled: bool = True
    """False in the entry, when there is no enrollment yet."""
    is_date: bool = False


def matches(journey: Journey) -> Iterator[EventMatch]:
    """Every event that the journey names, the entry first."""
    if journey.entry:
        yield journey.entry.match
    yield from journey.exits
    if journey.goal:
        yield journey.goal.match
    for step in named(journey.steps):
        if isinstance(step, Hold):
            yield from (branch.match for branch in step.branches)


def uses(journey: Journey) -> Iterator[Use]:
    """Every condition and value of the journey."""
    entry, goal = journey.entry, journey.goal
    for match in matches(journey):
        if match.where:
            is_entry = entry is not None and match is entry.match
            yield Use(match.where, match.event, yes_or_no=True, enrolled=not is_entry)
    if entry and entry.key:
        yield Use(entry.key, entry.match.event, yes_or_no=False, enrolled=False)
    if goal and goal.value:
        yield Use(goal.value, goal.match.event, yes_or_no=False)
    for step in named(journey.steps):
        if isinstance(step, Split):
            yield from (Use(arm.when, None, yes_or_no=True) for arm in step.arms)
        if isinstance(step, DateDelay):
            yield Use(step.date, None, yes_or_no=False, is_date=True)
