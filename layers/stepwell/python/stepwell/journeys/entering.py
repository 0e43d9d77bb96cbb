"""Who enters a journey on an event: its condition, key and re-entry policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from stepwell.customers import keys, slots
from stepwell.customers.legs import reference
from stepwell.events.model import digest
from stepwell.events.view import event_view
from stepwell.journeys.happening import Command, Happening, Reaction, settling
from stepwell.journeys.program import Hold, Program, Reentry
from stepwell.journeys.progress import REPLACED, Place, end_early, finished_record
from stepwell.ports import Hasher
from stepwell.storage.operations import NEW, Conditions, Item, Key, Put, absent, equals
from stepwell.timestamps import from_text, to_text

NO_KEY = "one"
"""Stands for the key's hash in journeys without a key: one enrollment a customer."""

NEVER_FORGET = 253_402_300_799
"""The last second of the year 9999: the enrollment that forbids re-entry stays."""

FORGET_MARGIN = timedelta(days=1)

MAX_LISTENING = 28
"""How many enrollments of a customer one event may reach. Each takes up to three operations, and a
transaction has a hundred, some of them for what is not enrollments: with more, an event could not
be applied, nor any that come after it.
"""

Versions = Callable[[str], Program]
"""A journey's program by its version."""

_encoder = json.JSONEncoder(separators=(",", ":"))


def enter(
    happening: Happening,
    program: Program,
    hasher: Hasher,
    reaction: Reaction,
    *,
    catalog: Versions,
    moved: set[Key],
    listening: set[Key],
) -> None:
    """Add the enrollment that the event begins, if any.

    `moved`: enrollments that this event has already moved; it does not begin them anew.
    `listening`: those that events can still reach; a new one joins them.
    """
    where = f"{program.journey} entry"
    if not happening.holds(program.entry.where, where, reaction):
        return
    key_hash = _key_hash(happening, program, hasher, reaction)
    if key_hash is None:
        return
    enrollment_id = keys.enrollment_id(program.journey, key_hash)
    customer = happening.snapshot.customer
    key = keys.enrollment(customer, enrollment_id)
    before = _standing(happening, enrollment_id)
    if before and keys.enrollment(before[0], enrollment_id) in moved:
        return
    if not _may_enter(happening, program, before[1] if before else None):
        return
    if len(listening | {key}) > MAX_LISTENING:
        reaction.problems.append(f"{where}: the customer is in {MAX_LISTENING} enrollments already")
        return
    listening.add(key)
    own = happening.snapshot.enrollments.get(enrollment_id)
    if before and before[1]["status"] == slots.ACTIVE:
        if before[0] == customer:
            _replace(happening, enrollment_id, before[1], reaction)
        else:
            version = catalog(before[1]["version"])
            place = Place(before[0], enrollment_id, before[1], version)
            end_early(happening, place, reaction, happening.event.name)
    # One write an item; the conversion's record stays.
    if reaction.updates.pop(key, None) and own and before and before[0] != customer:
        _stop_by_name(customer, enrollment_id, own, reaction)
    item = new_enrollment(happening, program, key_hash)
    reaction.puts.append(Put(key, item, as_read(own)))
    reaction.commands.append(Command("start", customer, enrollment_id, happening.seq))


def _standing(happening: Happening, enrollment_id: str) -> tuple[str, Item] | None:
    """In whose partition the enrollment of this id lies that counts, and its item: the active one,
    else the one that was entered last. Customers who became one may each have had one.
    """
    snapshot = happening.snapshot
    found = [
        (customer, there[enrollment_id])
        for customer, there in {snapshot.customer: snapshot.enrollments, **snapshot.merged}.items()
        if enrollment_id in there
    ]
    if len(found) < 2:
        return found[0] if found else None
    return max(found, key=lambda each: (each[1]["status"] == slots.ACTIVE, each[1]["entered_at"]))


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
    if program.machine_version is not None:
        item["machine_version"] = program.machine_version
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
    customer = happening.snapshot.customer
    reaction.commands.append(
        Command("stop", customer, enrollment_id, before["run"], execution=reference(before))
    )
    reaction.commands += settling(customer, enrollment_id, before)


def _stop_by_name(customer: str, enrollment_id: str, own: Item, reaction: Reaction) -> None:
    """A run of the customer's own that this event has ended as a double, and whose item the new one
    overwrites: who issues a command for it would not find it any more.
    """
    reaction.commands[:] = [
        each
        for each in reaction.commands
        if (each.customer, each.enrollment, each.run) != (customer, enrollment_id, own["run"])
    ]
    if own["status"] == slots.ACTIVE:
        reaction.commands.append(
            Command("stop", customer, enrollment_id, own["run"], execution=reference(own))
        )
        reaction.commands += settling(customer, enrollment_id, own)


def _forget_at(happening: Happening, program: Program) -> int:
    """When the ended item may go, in epoch seconds: its re-entry and its goal no longer need it."""
    entry = program.entry
    if entry.reentry is Reentry.NEVER:
        return NEVER_FORGET
    seconds = [entry.reentry_seconds, program.goal.within_seconds if program.goal else 0]
    return int((happening.now + timedelta(seconds=max(seconds)) + FORGET_MARGIN).timestamp())


def as_read(before: Item | None) -> Conditions:
    """The enrollment is as it was read, and has claimed nothing since; None: there is none."""
    if before is None:
        return NEW
    same_run = (equals("run", before["run"]), equals("status", before["status"]))
    return same_run if slots.CLAIMED in before else (*same_run, absent(slots.CLAIMED))
