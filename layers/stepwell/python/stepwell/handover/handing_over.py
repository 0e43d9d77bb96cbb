"""Hand a customer over, once: look whether it is still wanted, tell the destination, record it.

    the function          opens the slot of the hold that follows, tells the destination, records
    fails, is tried again finds the record and tells nobody, or tells the same id once more
    gives up              records that it failed; or finds that it was taken after all

The record's key is the hand-over's id, so it is written once and says which of the two it was. Only
a function that dies between the destination's answer and the record tells twice; the destination
then gets the same id (decision 0029).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from stepwell.customers import keys, slots
from stepwell.customers.people import read_person
from stepwell.handover.destinations import Destination
from stepwell.handover.errors import (
    AWAY,
    REFUSED,
    AlreadyHandedOverError,
    DestinationRefusedError,
    EnrollmentEndedError,
)
from stepwell.handover.telling import HandOver, Reference, told
from stepwell.journeys.program import HandOver as Step
from stepwell.journeys.program import Program
from stepwell.messages.policies import Policies
from stepwell.messages.records import expiry
from stepwell.storage.operations import (
    NEW,
    Check,
    ConditionFailedError,
    Item,
    Operation,
    Put,
    Store,
    Update,
    absent,
)
from stepwell.timestamps import to_text
from stepwell.values import value

HANDED_OVER = "handed_over"
FAILED = "failed"
NOT_HANDED_OVER = "nobody was asked"
"""How the log says that a hand-over was given up: an alarm looks for it."""
_LONGEST_DETAIL = 200


class Destinations(Protocol):
    """The destinations of this stage."""

    @property
    def declared(self) -> Mapping[str, Destination]: ...

    def tell(self, hand_over: HandOver) -> str:
        """The destination's own id of what it took, or "".

        Raises DestinationRefusedError, DestinationAwayError.
        """


@value
class Ask:
    """What is to be handed over, by which step; since when, and the moment of this try."""

    reference: Reference
    program: Program
    policies: Policies
    asked_at: datetime
    now: datetime

    @property
    def step(self) -> Step:
        step = self.program.steps.get(self.reference.step)
        if not isinstance(step, Step):
            said = f"journey {self.program.journey} has no hand-over {self.reference.step!r}"
            raise DestinationRefusedError(said)
        return step


@value
class Failure:
    """Why the last try failed: the name of its error, and what the destination said."""

    error: str
    detail: str


def read_failure(document: Mapping[str, str]) -> Failure:
    """What a Catch has kept. Lambda's cause is JSON; only our own words are taken from it."""
    error, cause = document.get("Error", ""), document.get("Cause", "")
    if error not in {REFUSED, AWAY}:
        return Failure(error, "")
    try:
        said = json.loads(cause).get("errorMessage", "")
    except (ValueError, AttributeError):
        said = cause
    return Failure(error, str(said)[:_LONGEST_DETAIL])


def hand_over(ask: Ask, *, store: Store, destinations: Destinations) -> dict[str, Any]:
    """`{"outcome", "reference"}`; the recorded one when there is a record already.

    Raises EnrollmentEndedError, DestinationRefusedError, DestinationAwayError.
    """
    reference, step = ask.reference, ask.step
    enrollment_key = keys.enrollment(reference.customer, reference.enrollment)
    record_key = keys.hand_over(reference.customer, reference.id)
    found = store.get_many([enrollment_key, record_key])
    if record_key in found:
        return _answer(found[record_key])
    enrollment = found.get(enrollment_key) or {}
    if not _is_running(enrollment, reference.run):
        raise EnrollmentEndedError(reference.id)
    destination = destinations.declared.get(step.to)
    if destination is None:
        raise DestinationRefusedError(f"no destination {step.to!r} in this deployment")
    person, profile = read_person(store, reference.customer)
    if step.opens and slots.visit(step.opens) not in enrollment:
        _open(store, ask, step.opens, profile)
    wanted = told(
        reference,
        destination,
        reason=step.reason,
        person=person,
        profile=profile,
        asked_at=ask.asked_at,
    )
    taken = destinations.tell(wanted)
    record = _record(ask, HANDED_OVER, included=list(destination.include), reference=taken)
    try:
        store.write(Put(record_key, record, NEW))
    except ConditionFailedError as error:
        return _answer(error.items[0] or record)  # another try was faster
    return _answer(record)


def give_up(ask: Ask, failure: Failure, *, store: Store) -> dict[str, Any]:
    """Record that nobody took it.

    Raises AlreadyHandedOverError, EnrollmentEndedError.
    """
    reference = ask.reference
    _, profile = read_person(store, reference.customer)
    record = _record(ask, FAILED, failure=failure.error, detail=failure.detail)
    operations: list[Operation] = [
        Put(keys.hand_over(reference.customer, reference.id), record, NEW),
        _on_to_otherwise(ask, profile),
    ]
    try:
        store.transact(operations)
    except ConditionFailedError as error:
        stored = error.items[0] if 0 in error.failed else None
        if stored and stored["outcome"] == HANDED_OVER:
            raise AlreadyHandedOverError(reference.id) from error
        if stored is None:
            raise EnrollmentEndedError(reference.id) from error
        return _answer(stored)  # the answer to this very write was lost
    return _answer(record)


def _open(store: Store, ask: Ask, hold: str, profile: Item) -> None:
    """Before anybody is told: whoever answers at once answers a hold that is open."""
    reference = ask.reference
    opening = slots.opening(hold, seq_number=_seq(profile), at=to_text(ask.now))
    conditions = (*slots.running(reference.run), absent(slots.visit(hold)))
    key = keys.enrollment(reference.customer, reference.enrollment)
    try:
        store.write(Update(key, opening, (), conditions))
    except ConditionFailedError as error:
        if not _is_running(error.items[0] or {}, reference.run):
            raise EnrollmentEndedError(reference.id) from error


def _on_to_otherwise(ask: Ask, profile: Item) -> Check | Update:
    """The way goes on to another step: its hold is opened, and the one that was opened is closed.

    Unless both ways lead to the same hold, which may have heard something by now.
    """
    reference, step = ask.reference, ask.step
    key = keys.enrollment(reference.customer, reference.enrollment)
    running = slots.running(reference.run)
    if step.opens == step.otherwise_opens:
        return Check(key, running)
    names = (slots.visit, slots.seq, slots.opened, slots.outcome, slots.event)
    closed = tuple(name(step.opens) for name in names) if step.opens else ()
    opened: Mapping[str, Any] = {}
    if step.otherwise_opens:
        at = to_text(ask.now)
        opened = slots.opening(step.otherwise_opens, seq_number=_seq(profile), at=at)
    return Update(key, opened, closed, running)


def _record(ask: Ask, outcome: str, **more: Any) -> Item:
    """Ids, names and times; of the customer only which fields were told."""
    reference, step = ask.reference, ask.step
    return {
        "hand_over": reference.id,
        "at": to_text(ask.asked_at),
        "ended_at": to_text(ask.now),
        "outcome": outcome,
        "destination": step.to,
        "reason": step.reason,
        "enrollment": reference.enrollment,
        "run": reference.run,
        "execution": reference.execution,
        "journey": ask.program.journey,
        "version": reference.version,
        "step": reference.step,
        **more,
        "expires": expiry(ask.policies, ask.now),
    }


def _answer(record: Item) -> dict[str, Any]:
    return {"outcome": record["outcome"], "reference": record.get("reference", "")}


def _is_running(enrollment: Item, run: int) -> bool:
    return enrollment.get("status") == slots.ACTIVE and enrollment.get("run") == run


def _seq(profile: Item) -> int:
    return int(profile.get("seq", 0))
