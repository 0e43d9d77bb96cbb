"""Claiming a message before it is sent, and giving the claim back.

The claim is one transaction with the enrollment: it holds only while the enrollment is active in
this run, so it decides whether a send comes before or after an exit; it marks the enrollment, so
that whoever ends it looks after the message; and it opens the slot of the hold that follows, so
that an event right after the send is not missed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stepwell.customers import keys, slots
from stepwell.journeys.program import Message
from stepwell.messages.policies import Policies
from stepwell.messages.records import (
    CLAIMED,
    RELEASED,
    MessageChangedError,
    Standing,
    expiry,
    identity_of,
)
from stepwell.messages.request import Request
from stepwell.storage.operations import (
    AnyOf,
    Check,
    ConditionFailedError,
    Item,
    Operation,
    Store,
    Update,
    absent,
    equals,
)
from stepwell.timestamps import to_text
from stepwell.values import value

_TRIES = 5


@value
class Claim:
    """What is claimed: by whom, when, for which channel. `profile_seq` is the customer's last
    number.
    """

    request: Request
    message: Message
    policies: Policies
    now: datetime
    channel: str
    profile_seq: int
    falls_back: bool = False
    """It went out before and did not arrive: its journey is past it, or has been completed."""


def claim(
    store: Store, wanted: Claim, standing: Standing, enrollment: Item | None
) -> Standing | None:
    """The standing with the claim, or None when the enrollment has ended or is another run.

    Raises MessageChangedError when another attempt was faster.
    """
    for _ in range(_TRIES):
        operations = [_message_claim(wanted, standing), *_enrollment_claim(wanted, enrollment)]
        try:
            store.transact(operations)
        except ConditionFailedError as error:
            if 0 in error.failed:
                if not _is_own(error.items[0], wanted, standing):
                    raise MessageChangedError(wanted.request.message) from error
            elif not wanted.falls_back and _is_running(error.items[1], wanted.request.run):
                enrollment = error.items[1]
                continue
            else:
                return None
        return _next(standing)
    raise MessageChangedError(wanted.request.message)


def release(store: Store, wanted: Claim, standing: Standing) -> Standing:
    """Give the claim back: this channel refused for good, another may claim.

    Raises MessageChangedError when another attempt took the message for lost in the meantime.
    """
    changes = {
        "status": RELEASED,
        "revision": standing.revision + 1,
        "updated_at": to_text(wanted.now),
    }
    request = wanted.request
    key = keys.message(request.customer, request.message)
    released = _next(standing)
    try:
        store.write(Update(key, changes, ("claimed_by",), standing.conditions()))
    except ConditionFailedError as error:
        stored = error.items[0] or {}
        # Our own write, its answer lost and repeated by the store.
        if stored.get("status") != RELEASED or stored.get("revision") != released.revision:
            raise MessageChangedError(request.message) from error
    return released


def closing(wanted: Claim) -> list[Operation]:
    """What takes the opening of the hold's slot back: the message waits, it was not sent."""
    step = wanted.message.opens
    if step is None or wanted.falls_back:
        return []
    names = (slots.visit, slots.seq, slots.opened, slots.outcome, slots.event)
    request = wanted.request
    key = keys.enrollment(request.customer, request.enrollment)
    return [Update(key, {}, tuple(name(step) for name in names), slots.running(request.run))]


def _message_claim(wanted: Claim, standing: Standing) -> Update:
    request = wanted.request
    changes: dict[str, Any] = {
        **identity_of(request, wanted.message.purpose),
        "execution": request.execution,
        "status": CLAIMED,
        "revision": standing.revision + 1,
        "first_asked_at": to_text(standing.first_asked_at),
        "first_asked": standing.first_asked,
        "claimed_by": request.attempt,
        "claimed_at": to_text(wanted.now),
        "channel": wanted.channel,
        "updated_at": to_text(wanted.now),
        "expires": expiry(wanted.policies, wanted.now),
    }
    if standing.maybe_sent:
        changes["maybe_sent"] = True
    return Update(
        keys.message(request.customer, request.message), changes, (), standing.conditions()
    )


def _enrollment_claim(wanted: Claim, enrollment: Item | None) -> list[Operation]:
    """Opens the hold's slot, but once: an earlier claim's slot may have seen events already. The
    mark is as good as a check: DynamoDB charges for both alike.
    """
    request, step = wanted.request, wanted.message.opens
    key = keys.enrollment(request.customer, request.enrollment)
    running = slots.running(request.run)
    if wanted.falls_back:
        return _not_left(wanted, enrollment)
    known = enrollment or {}
    if step is None or slots.visit(step) in known:
        if slots.CLAIMED in known:
            return [Check(key, running)]
        return [Update(key, {slots.CLAIMED: True}, (), running)]
    opening = slots.opening(step, seq_number=wanted.profile_seq, at=to_text(wanted.now))
    changes = {**opening, slots.CLAIMED: True}
    return [Update(key, changes, (), (*running, absent(slots.visit(step))))]


def _not_left(wanted: Claim, enrollment: Item | None) -> list[Operation]:
    """That the run was not left by an exit meanwhile. One whose item is another run's by now has
    ended for good: how, was read in its record.
    """
    request = wanted.request
    if enrollment is None or enrollment.get("run") != request.run:
        return []
    ended_well = AnyOf((equals("status", slots.ACTIVE), equals("outcome", slots.COMPLETED)))
    key = keys.enrollment(request.customer, request.enrollment)
    return [Check(key, (equals("run", request.run), ended_well))]


def _next(standing: Standing) -> Standing:
    return Standing(
        standing.revision + 1, standing.first_asked_at, standing.first_asked, standing.maybe_sent
    )


def _is_own(stored: Item | None, wanted: Claim, standing: Standing) -> bool:
    """Whether the claim found is this attempt's: written, its answer lost, and repeated by the
    store.
    """
    return (
        stored is not None
        and stored.get("claimed_by") == wanted.request.attempt
        and stored.get("status") == CLAIMED
        and stored.get("revision") == standing.revision + 1
    )


def _is_running(enrollment: Item | None, run: int) -> bool:
    item = enrollment or {}
    return bool(item.get("status") == slots.ACTIVE and item.get("run") == run)
