"""What a simulation saw besides its store: executions with the states they entered, and sends.

Enrollments, decisions, messages and conversions are not repeated here: they are in the store, as
they would be in DynamoDB.

Much happens at one moment. A `place` is the number of an event or a state, counted over the whole
simulation: of two at one moment the one with the smaller place came first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stepwell.events.model import Event
from stepwell.ports import Outgoing
from stepwell.values import value


class Status(StrEnum):
    """How an execution stands, in Step Functions' words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"


@dataclass(slots=True)
class Run:
    """One execution of a journey's state machine: one run of an enrollment.

    Where a long wait was parked it is several executions, one after the other, under the name of
    the first; `parked` is since when it has none. `states` are (when entered, name), in order, and
    `places` are theirs; `place` is that of what started it. `error` and `cause` are those of a
    failed or stopped execution.
    """

    execution: str
    journey: str
    customer: str
    enrollment: str
    number: int
    started: datetime
    states: list[tuple[datetime, str]] = field(default_factory=list)
    status: Status = Status.RUNNING
    ended: datetime | None = None
    error: str | None = None
    cause: str | None = None
    parked: datetime | None = None
    place: int = 0
    places: list[int] = field(default_factory=list)


@value
class Sending:
    """One call to a provider. `result`: "accepted", "unknown", or the provider's error code.

    Its customer, execution and step are in `outgoing.message_id` and `outgoing.tags`.
    """

    at: datetime
    outgoing: Outgoing
    result: str


@value
class Applied:
    """An event that the router applied for the first time; `sends` is how many calls to providers
    came before it, so that what happened at one moment has an order too.
    """

    at: datetime
    customer: str
    event: Event
    sends: int
    place: int = 0


@value
class Problem:
    """What a handler would log as a warning; `place` is that of what it was busy with."""

    at: datetime
    customer: str
    text: str
    place: int = 0


@value
class Joined:
    """A customer became part of another one; `events` and `sends` is how many events had been
    applied and how many calls to providers had been made before.
    """

    customer: str
    former: str
    events: int
    sends: int


@dataclass(slots=True)
class Trace:
    """`calls` counts what AWS would be asked, by name:

    "transition" (states entered by journeys, retries included), "express" (runs of send_message),
    "event" (events that the router applied), "start", "wake", "stop" (commands to Step Functions),
    "settle" (looks at what a stopped execution left),
    "schedule" (alarms of parked waits), "resume" (alarms that rang),
    "provider", and the functions "plan", "consent", "frequency_cap", "delivery",
    "hand_over".

    `applied` are the events in the order in which they were applied, repeated ones left out: what
    was known of a customer at any moment follows from them.

    `customers` are the internal ids in the order in which events made or met them, also those who
    became part of another one, which is told by `joined`. `place` is the newest one.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    sendings: list[Sending] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    customers: dict[str, None] = field(default_factory=dict)
    joined: list[Joined] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    place: int = 0

    def next_place(self) -> int:
        """Of what happens now, before anything that follows from it."""
        self.place += 1
        return self.place

    def people(self) -> dict[str, list[str]]:
        """Who they are at the end -> their internal ids, that one first."""
        if not self.joined:
            return {customer: [customer] for customer in self.customers}
        became = {each.former: each.customer for each in self.joined}
        found: dict[str, list[str]] = {}
        for customer in self.customers:
            person = customer
            while person in became:
                person = became[person]
            ids = found.setdefault(person, [person])
            ids += [customer] if customer != person else []
        return found
