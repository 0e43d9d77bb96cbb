"""Who enters a journey on an event: its condition, key and re-entry policy."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from stepwell.customers import keys, slots
from stepwell.events.model import digest
from stepwell.journeys.happening import Command, Happening, Reaction, event_view
from stepwell.journeys.program import Hold, Program, Reentry
from stepwell.journeys.progress import REPLACED, finished_record
from stepwell.ports import Hasher
from stepwell.storage.operations import NEW, Conditions, Item, Put, equals
from stepwell.timestamps import from_text, to_text

NO_KEY = "one"
"""Stands for the key's hash in journeys without a key: one enrollment a customer."""

NEVER_FORGET = 253_402_300_799
"""The last second of the year 9999: the enrollment that forbids re-entry stays."""

FORGET_MARGIN = timedelta(days=1)

MAX_LISTENING = 30
"""How many enrollments of a customer one event may reach. Each takes up to three operations, and a
transaction has a hundred: with more, an event could not be applied, nor any that come after it.
"""

_encoder = json.JSONEncoder(separators=(",", ":"))


def enter(
    happening: Happening,
    program: Program,
    hasher: Hasher,
    reaction: Reaction,
    *,
    moved: set[str],
    listening: set[str],
) -> None:
    """Add the enrollment that the event begins, if any.

    `moved`: enrollments that this event has already moved; it does not begin them anew.
    `listening`: those that events can still reach; a new one joins them.
    """
    place = f"{program.journey} entry"
    if not happening.holds(program.entry.where, place, reaction):
        return
    key_hash = _key_hash(happening, program, hasher, reaction)
    if key_hash is None:
        return
    enrollment_id = keys.enrollment_id(program.journey, key_hash)
    before = happening.snapshot.enrollments.get(enrollment_id)
    if enrollment_id in moved or not _may_enter(happening, program, before):
        return
    if len(listening | {enrollment_id}) > MAX_LISTENING:
        reaction.problems.append(f"{place}: the customer is in {MAX_LISTENING} enrollments already")
        return
    listening.add(enrollment_id)
    customer = happening.snapshot.customer
    if before and before["status"] == slots.ACTIVE:
        _replace(happening, enrollment_id, before, reaction)
    reaction.updates.pop(enrollment_id, None)  # one write an item; the conversion's record stays
    reaction.puts.append(
        Put(
            keys.enrollment(customer, enrollment_id),
            new_enrollment(happening, program, key_hash),
            _as_read(before),
        )
    )
    reaction.commands.append(Command("start", enrollment_id, happening.seq))


def new_enrollment(happening: Happening, program: Program, key_hash: str) -> Item:
    """The item of a run that begins; its first step's slot is open if that is a hold."""
    at = to_text(happening.now)
    item: dict[str, Any] = {
        "journey": program.journey,
        "key_hash": key_hash,
        "version": program.version,
        "execution": _execution(happening, keys.enrollment_id(program.journey, key_hash)),
        "run": happening.seq,
        "touched": happening.seq,
        "status": slots.ACTIVE,
        "entered_at": at,
        "forget_at": _forget_at(happening, program),
        "entry_event": _encoder.encode(_entry_event(happening)),
    }
    first = program.steps.get(program.first) if program.first else None
    if isinstance(first, Hold):
        item |= slots.opening(first.id, seq_number=happening.seq, at=at)
    return item


def _execution(happening: Happening, enrollment_id: str) -> str:
    """A name that no other run has: message ids are made of it, in whatever journey, so two
    journeys that one event begins must differ. A hash, because a name has 80 characters at most.
    """
    return f"{happening.snapshot.customer}-{digest(enrollment_id)[:16]}-{happening.seq}"


def _entry_event(happening: Happening) -> dict[str, Any]:
    return event_view(happening.event) | {"timestamp": to_text(happening.event.timestamp)}


def _key_hash(
    happening: Happening, program: Program, hasher: Hasher, reaction: Reaction
) -> str | None:
    """A keyed hash, because a key may be personal; None when the event has none."""
    if program.entry.key is None:
        return NO_KEY
    place = f"{program.journey} entry key"
    value = happening.value(program.entry.key, place, reaction)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        if value is not None:
            reaction.problems.append(f"{place}: must be a text or a number")
        return None
    return hasher("journey_key", str(value))


def _may_enter(happening: Happening, program: Program, before: Item | None) -> bool:
    if before is None:
        return True
    entry = program.entry
    if entry.reentry is Reentry.NEVER:
        return False
    if entry.reentry is Reentry.ALWAYS:
        return True
    if before["status"] == slots.ACTIVE:
        return False
    if entry.reentry is Reentry.AFTER_EXIT:
        return True
    entered = from_text(before["entered_at"])
    return happening.now >= entered + timedelta(seconds=entry.reentry_seconds)


def _replace(happening: Happening, enrollment_id: str, before: Item, reaction: Reaction) -> None:
    reaction.puts.append(
        finished_record(
            happening.snapshot.customer,
            enrollment_id,
            before,
            outcome=REPLACED,
            reason=happening.event.name,
            ended_at=to_text(happening.now),
        )
    )
    reaction.commands.append(
        Command("stop", enrollment_id, before["run"], execution=before["execution"])
    )


def _forget_at(happening: Happening, program: Program) -> int:
    """When the ended item may go, in epoch seconds: its re-entry and its goal no longer need it."""
    entry = program.entry
    if entry.reentry is Reentry.NEVER:
        return NEVER_FORGET
    seconds = [entry.reentry_seconds, program.goal.within_seconds if program.goal else 0]
    return int((happening.now + timedelta(seconds=max(seconds)) + FORGET_MARGIN).timestamp())


def _as_read(before: Item | None) -> Conditions:
    if before is None:
        return NEW
    return (equals("run", before["run"]), equals("status", before["status"]))
