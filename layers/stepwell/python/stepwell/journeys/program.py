"""A compiled journey, as the functions read it: conditions are trees, durations are seconds.

The compiler writes a program as canonical JSON; its SHA-256 is the journey's version. Programs lie
in a bucket under that name and are never deleted, so a running execution finds the one it started
with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stepwell.conditions.evaluator import compile_tree
from stepwell.journeys.dates import Offset, described

Tree = Any
"""A CEL condition in a program's document, as a JSON tree."""

Expression = Callable[[Mapping[str, Any]], Any]
"""A condition of a loaded program: takes the context, raises ConditionError."""


class Reentry(StrEnum):
    """When a customer may enter again under the same key."""

    NEVER = "never"
    ALWAYS = "always"
    """At once; a run that is still active is ended as `replaced`."""
    AFTER_EXIT = "after_exit"
    """As soon as the run before has ended."""
    AFTER = "after"
    """As soon as it has ended and the time since its entry is over."""


@dataclass(frozen=True, slots=True)
class Entry:
    event: str
    where: Expression | None
    key: Expression | None
    reentry: Reentry
    reentry_seconds: int
    trait: str | None = None
    """Whose change begins it: this is told only of traits that a journey listens to."""


@dataclass(frozen=True, slots=True)
class Exit:
    event: str
    where: Expression | None


@dataclass(frozen=True, slots=True)
class Goal:
    event: str
    where: Expression | None
    within_seconds: int
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Branch:
    """One awaited event of a hold. `opens`: the hold that follows directly on it, if any;
    `message`: the message step of this enrollment that the event has to be about.
    """

    id: str
    event: str
    where: Expression | None
    restarts: bool
    opens: str | None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    id: str
    name: str
    seconds: int
    branches: tuple[Branch, ...]
    max_restarts: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Until the next local time; plain durations are native waits and need no plan.

    `time` is "HH:MM" in the customer's zone; `weekdays` are ISO numbers (1 Monday), empty for any
    day.
    """

    id: str
    name: str
    time: str
    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LongDelay:
    """For a duration that is parked."""

    id: str
    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class DateDelay:
    """Until a date that an expression gives, moved by `offset`.

    `text` is the expression as it was written, `time` is "HH:MM" in the customer's zone or None.
    The step has to end `latest_seconds` after the entry, so that what follows fits into the life
    of an execution.
    """

    id: str
    name: str
    date: Expression
    text: str
    offset: Offset
    time: str | None
    latest_seconds: int
    park_over: int | None = None
    """Seconds: a longer wait is parked; None: none is."""

    def __str__(self) -> str:
        """`until customer.traits.renewal_date -60d, 09:00 local`"""
        return described(self.text, self.offset, self.time)


@dataclass(frozen=True, slots=True)
class Arm:
    """One condition of a split; the first that is true is taken."""

    id: str
    when: Expression


@dataclass(frozen=True, slots=True)
class Split:
    id: str
    name: str
    arms: tuple[Arm, ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Message:
    """`template`: channel -> field -> Liquid text, e.g. {"sms": {"body": "…"}}.

    `opens`: the hold that follows directly; the claim of the send opens its slot.
    """

    id: str
    name: str
    purpose: str
    channels: tuple[str, ...]
    template: Mapping[str, Mapping[str, str]]
    on_quiet_hours: str
    on_cap: str
    worthless_after_seconds: int | None
    opens: str | None


@dataclass(frozen=True, slots=True)
class HandOver:
    """`to`: a declared destination. `opens`: the hold that follows directly when somebody took it,
    and `otherwise_opens` when nobody did.
    """

    id: str
    name: str
    to: str
    reason: str
    opens: str | None
    otherwise_opens: str | None


Step = Hold | Delay | LongDelay | DateDelay | Split | Message | HandOver


@dataclass(frozen=True, slots=True)
class Program:
    journey: str
    version: str
    draining: bool
    entry: Entry
    exits: tuple[Exit, ...]
    goal: Goal | None
    first: str | None
    """The first step's id when it is a hold: the enrollment's creation opens its slot."""
    steps: Mapping[str, Step]
    parks: bool = False
    """Long waits are parked, so that an enrollment may have several legs."""
    machine_version: int | None = None
    """The number under which Step Functions published the definition that was compiled with this;
    None where nobody was told. No part of the compiled program: it is known once that is deployed.
    """

    def holds(self) -> tuple[Hold, ...]:
        return tuple(step for step in self.steps.values() if isinstance(step, Hold))

    def messages(self) -> tuple[Message, ...]:
        return tuple(step for step in self.steps.values() if isinstance(step, Message))


def canonical(document: Mapping[str, Any]) -> str:
    """The program's JSON text: the same for the same content, so that its hash can name it."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def version_of(document: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of the canonical text's SHA-256."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()[:32]


_EXPRESSIONS = {"where", "key", "value", "when", "date"}
_KINDS: dict[str, type[Step]] = {
    "hold": Hold,
    "delay": Delay,
    "long_delay": LongDelay,
    "date_delay": DateDelay,
    "split": Split,
    "message": Message,
    "hand_over": HandOver,
}


def load_program(text: str) -> Program:
    """Read a program's JSON text. It was written by the compiler, so it is trusted."""
    document = json.loads(text)
    goal = document["goal"]
    entry = document["entry"]
    return Program(
        journey=document["journey"],
        version=version_of(document),
        draining=document["draining"],
        entry=Entry(**_compiled(entry) | {"reentry": Reentry(entry["reentry"])}),
        exits=tuple(Exit(**_compiled(each)) for each in document["exits"]),
        goal=Goal(**_compiled(goal)) if goal else None,
        first=document["first"],
        steps={step["id"]: _load_step(step) for step in document["steps"]},
        parks=document.get("parks", False),
    )


def _load_step(document: dict[str, Any]) -> Step:
    fields = dict(document)
    kind = fields.pop("kind")
    for name, part in (("branches", Branch), ("arms", Arm)):
        if name in fields:
            fields[name] = tuple(part(**_compiled(each)) for each in fields[name])
    for name in ("channels", "weekdays"):
        if name in fields:
            fields[name] = tuple(fields[name])
    if kind == "date_delay":
        fields = _compiled(fields) | {"offset": Offset(**fields["offset"])}
    return _KINDS[kind](**fields)


def _compiled(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: compile_tree(value) if name in _EXPRESSIONS and value is not None else value
        for name, value in document.items()
    }


def initial_state(
    program: Program,
    *,
    customer: str,
    partition: str,
    sort_key: str,
    enrollment: str,
    run: int,
    execution: str,
) -> dict[str, Any]:
    """The input of a journey's execution: ids and counters only, nothing personal.

    The state machine keeps everything it changes below these names, so that no path is ever
    missing.
    """
    return {
        "ids": {"customer": customer, "enrollment": enrollment, "run": run, "execution": execution},
        "key": {"pk": {"S": partition}, "sk": {"S": sort_key}},
        "run": str(run),
        "holds": {hold.id: {"visit": "1", "outcome": "none"} for hold in program.holds()},
        "attempts": {message.id: {"count": 0} for message in program.messages()},
        "deferral": {"answer": {"asked": 0}},
        # States.Format cannot write braces alike on AWS and locally; the machine takes them from
        # here.
        "braces": {"open": "{", "close": "}"},
        **({"next_leg": "2"} if program.parks else {}),
    }
