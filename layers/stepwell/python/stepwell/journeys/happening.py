"""An event at the moment at which it is applied, and what it does: writes and commands, as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import to_cel
from stepwell.conditions.lazy import LazyMap
from stepwell.customers import keys, slots
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.events.view import event_view
from stepwell.journeys.program import Expression
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import customer_view
from stepwell.storage.operations import Item, Key, Operation, Update
from stepwell.timestamps import from_text
from stepwell.values import value


@value
class Command:
    """One call to Step Functions that follows the transaction, or the look at the messages that a
    stopped execution may have left without an answer.

    `kind`: "start", "wake", "stop" or "settle"; `enrollment` and `run` name whose; `step` is the
    hold to wake. `customer` is the one in whose partition the enrollment lies.
    """

    kind: str
    customer: str
    enrollment: str
    run: int
    step: str = ""
    execution: str = ""
    """Only for stopping a run that the same transaction replaces: its item is gone afterwards. As
    `customers.legs.reference` has it. For settling, the name of which messages' ids are made.
    """

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "customer": self.customer,
            "enrollment": self.enrollment,
            "run": self.run,
            "step": self.step,
            "execution": self.execution,
        }


def settling(customer: str, enrollment_id: str, enrollment: Item) -> list[Command]:
    """What follows when a run's execution is stopped: it may have claimed a message and have died
    before it said how that went, and nobody would ask again.
    """
    if slots.CLAIMED not in enrollment:
        return []
    run, execution = enrollment["run"], enrollment["execution"]
    return [Command("settle", customer, enrollment_id, run, execution=execution)]


@dataclass(slots=True)
class Reaction:
    """What an event does; `problems` are conditions that could not be evaluated (taken as false).

    `updates` are by the enrollment's key, because one transaction may touch an item only once.
    """

    updates: dict[Key, Update] = field(default_factory=dict)
    puts: list[Operation] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def operations(self) -> list[Operation]:
        return [*self.updates.values(), *self.puts]

    def touched(self, customer: str) -> list[str]:
        """The enrollments that it writes, those in other partitions as `<customer>/<id>`."""
        own = keys.partition(customer)
        found = []
        for each in self.operations():
            if each.key.sk.startswith(keys.ENROLLMENT_PREFIX):
                enrollment_id = each.key.sk.removeprefix(keys.ENROLLMENT_PREFIX)
                other = f"{keys.customer_of(each.key.pk)}/" if each.key.pk != own else ""
                found.append(other + enrollment_id)
        return found


class Views(Mapping[str, Any]):
    """What a condition may see, by name: made when it is first read, since most read one or two.

    `above` has what is not in `make`.
    """

    __slots__ = ("_above", "_made", "_make")

    def __init__(
        self, make: Mapping[str, Callable[[], Any]], above: Mapping[str, Any] | None = None
    ) -> None:
        self._make = make
        self._above = above or {}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._make:
            return self._above[name]
        if name not in self._made:
            made = self._make[name]()
            self._made[name] = made if type(made) is LazyMap else to_cel(made)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._above, *self._make))

    def __len__(self) -> int:
        return len(self._above) + len(self._make)


@dataclass(frozen=True)
class Happening:
    """An event at the moment at which it is applied, with what conditions may see."""

    event: Event
    seq: int
    now: datetime
    snapshot: Snapshot
    profile: ProfileRules = field(default_factory=ProfileRules)
    starts_nothing: bool = False
    """It only informs: it is too old, or no event of a name, such as an identify call."""

    @cached_property
    def _views(self) -> Views:
        return Views(
            {
                "event": lambda: event_view(self.event),
                "customer": lambda: customer_view(self.snapshot, self.profile, self.now),
                "now": lambda: self.now,
            }
        )

    def context(self, enrollment: Item | None = None) -> Mapping[str, Any]:
        if enrollment is None:
            return self._views
        return Views({"enrollment": lambda: enrollment_view(enrollment)}, self._views)

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


def enrollment_view(enrollment: Item) -> dict[str, Any]:
    """An enrollment as conditions see it: the event that began it, and when; moments as moments."""
    event = json.loads(enrollment["entry_event"])
    return {
        "event": event | {"timestamp": from_text(event["timestamp"])},
        "entered_at": from_text(enrollment["entered_at"]),
    }
