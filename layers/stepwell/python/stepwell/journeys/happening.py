"""An event at the moment at which it is applied, and what it does: writes and commands, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import to_cel
from stepwell.customers import keys
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.journeys.program import Expression
from stepwell.storage.operations import Item, Operation, Update
from stepwell.timestamps import from_text
from stepwell.values import value


@value
class Command:
    """One call to Step Functions that follows the transaction.

    `kind`: "start", "wake" or "stop"; `enrollment` and `run` name whose; `step` is the hold to
    wake.
    """

    kind: str
    enrollment: str
    run: int
    step: str = ""
    execution: str = ""
    """Only for stopping a run that the same transaction replaces: its item is gone afterwards."""

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "enrollment": self.enrollment,
            "run": self.run,
            "step": self.step,
            "execution": self.execution,
        }


@dataclass(slots=True)
class Reaction:
    """What an event does; `problems` are conditions that could not be evaluated (taken as false).

    `updates` are by enrollment id, because one transaction may touch an item only once.
    """

    updates: dict[str, Update] = field(default_factory=dict)
    puts: list[Operation] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def operations(self) -> list[Operation]:
        return [*self.updates.values(), *self.puts]

    def touched(self) -> list[str]:
        """The ids of the enrollments that it writes."""
        return [
            each.key.sk.removeprefix(keys.ENROLLMENT_PREFIX)
            for each in self.operations()
            if each.key.sk.startswith(keys.ENROLLMENT_PREFIX)
        ]


@dataclass(frozen=True)
class Happening:
    """An event at the moment at which it is applied, with what conditions may see."""

    event: Event
    seq: int
    now: datetime
    snapshot: Snapshot

    @cached_property
    def _event_view(self) -> Any:
        return to_cel(event_view(self.event))

    @cached_property
    def _customer_view(self) -> Any:
        return to_cel(self.snapshot.view())

    def context(self, enrollment: Item | None = None) -> dict[str, Any]:
        context = {"event": self._event_view, "customer": self._customer_view, "now": self.now}
        return (
            context | {"enrollment": to_cel(enrollment_view(enrollment))} if enrollment else context
        )

    def value(
        self, expression: Expression, place: str, reaction: Reaction, enrollment: Item | None = None
    ) -> Any:
        """The expression's value; None, with a problem, when it cannot be evaluated."""
        try:
            return expression(self.context(enrollment))
        except ConditionError as error:
            reaction.problems.append(f"{place}: {error}")
            return None

    def holds(
        self,
        where: Expression | None,
        place: str,
        reaction: Reaction,
        enrollment: Item | None = None,
    ) -> bool:
        """Whether a condition is true; one that cannot be evaluated is not."""
        return where is None or self.value(where, place, reaction, enrollment) is True


def event_view(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "name": event.name,
        "type": event.type.value,
        "timestamp": event.timestamp,
        "properties": event.properties,
    }


def enrollment_view(enrollment: Item) -> dict[str, Any]:
    """An enrollment as conditions see it: the event that began it, and when; moments as moments."""
    event = json.loads(enrollment["entry_event"])
    return {
        "event": event | {"timestamp": from_text(event["timestamp"])},
        "entered_at": from_text(enrollment["entered_at"]),
    }
