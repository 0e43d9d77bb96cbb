"""What an event does to one enrollment: it exits, a hold is decided or restarted, the goal is
reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from stepwell.customers import keys, slots
from stepwell.journeys.happening import Command, Happening, Reaction, settling
from stepwell.journeys.overdue import OVERDUE, is_overdue
from stepwell.journeys.program import Branch, Goal, Hold, Program
from stepwell.storage.operations import NEW, Condition, Item, Key, Put, Update, absent, equals
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

EXITED = "exited"
CONVERTED = "converted"
REPLACED = "replaced"
FAILED = "failed"

_LARGEST_VALUE = 1e15
"""Larger values cannot be added up exactly, and from 1e126 on DynamoDB refuses them."""


@value
class Place:
    """An enrollment: in whose partition it lies, its id, its item and its program."""

    customer: str
    enrollment_id: str
    item: Item
    program: Program

    @property
    def key(self) -> Key:
        return keys.enrollment(self.customer, self.enrollment_id)


def advance(happening: Happening, place: Place, reaction: Reaction) -> bool:
    """Add what the event does to this enrollment; whether it moved (left, was woken or restarted).

    An event that is not newer than the enrollment's run is not for it.
    """
    if happening.seq <= place.item["run"]:
        return False
    changes = _conversion(happening, place, reaction)
    moved = False
    if place.item["status"] == slots.ACTIVE:
        moved = (
            _exit(happening, place, changes, reaction)
            or _give_up(happening, place, changes, reaction)
            or _wake(happening, place, changes, reaction)
        )
    if changes:
        reaction.updates[place.key] = _update(happening, place, changes, moved=moved)
    return moved


def end_early(happening: Happening, place: Place, reaction: Reaction, reason: str) -> None:
    """End an active enrollment because another one takes its place."""
    begun = reaction.updates.get(place.key)
    changes: dict[str, Any] = dict(begun.set) if begun else {}  # the goal that it has just reached
    _end(happening, place, changes, reaction, outcome=REPLACED, reason=reason)
    reaction.updates[place.key] = _update(happening, place, changes, moved=True)


def listens(now: datetime, program: Program, enrollment: Item) -> bool:
    """Whether an event may still do something to it: it is active, or its goal is open."""
    return bool(enrollment["status"] == slots.ACTIVE) or (
        program.goal is not None and _is_open(now, program.goal, enrollment)
    )


def _update(
    happening: Happening, place: Place, changes: Mapping[str, Any], *, moved: bool
) -> Update:
    item = place.item
    same_run = (equals("run", item["run"]), equals("status", item["status"]))
    unchanged = _unchanged(place.program, item) if moved else []
    return Update(
        place.key,
        set={**changes, "touched": happening.seq},
        conditions=(*same_run, *unchanged),
    )


def finished_record(
    customer: str, enrollment_id: str, enrollment: Item, *, outcome: str, reason: str, ended_at: str
) -> Put:
    """The immutable record of a run that has ended (the state machine writes the same one)."""
    record = {name: enrollment[name] for name in ("journey", "version", "run", "execution")}
    record |= {
        "enrollment": enrollment_id,
        "outcome": outcome,
        "reason": reason,
        "ended_at": ended_at,
    }
    return Put(keys.finished(customer, enrollment_id, enrollment["run"]), record)


def _exit(happening: Happening, place: Place, changes: dict[str, Any], reaction: Reaction) -> bool:
    """Mark it as exited if a rule says so."""
    event, program = happening.event, place.program
    where = f"{program.journey} exit"
    if not any(
        rule.event == event.name and happening.holds(rule.where, where, reaction, place.item)
        for rule in program.exits
    ):
        return False
    converted = "converted_at" in changes or "converted_at" in place.item
    outcome = CONVERTED if converted else EXITED
    _end(happening, place, changes, reaction, outcome=outcome, reason=event.name)
    return True


def _give_up(
    happening: Happening, place: Place, changes: dict[str, Any], reaction: Reaction
) -> bool:
    """End it when its hold should have been decided long ago: nobody else will."""
    hold = _open_hold(place.program, place.item)
    if hold is None or not is_overdue(hold, place.item, happening.now):
        return False
    _end(happening, place, changes, reaction, outcome=FAILED, reason=OVERDUE)
    reaction.problems.append(f"{place.program.journey} {hold.id}: {OVERDUE}")
    return True


def _end(
    happening: Happening,
    place: Place,
    changes: dict[str, Any],
    reaction: Reaction,
    *,
    outcome: str,
    reason: str,
) -> None:
    """Mark it as ended, record the run, and get its execution out of where it waits."""
    event, item = happening.event, place.item
    ended_at = to_text(happening.now)
    changes |= {
        "status": slots.ENDED,
        "outcome": outcome,
        "reason": reason,
        "ended_by": event.id,
        "ended_at": ended_at,
        "expires": item["forget_at"],
    }
    hold = _open_hold(place.program, item)
    if hold:
        changes |= {slots.outcome(hold.id): slots.EXIT, slots.event(hold.id): event.id}
    reaction.puts.append(
        finished_record(
            place.customer,
            place.enrollment_id,
            item,
            outcome=outcome,
            reason=reason,
            ended_at=ended_at,
        )
    )
    kind, step = ("wake", hold.id) if hold else ("stop", "")
    reaction.commands.append(Command(kind, place.customer, place.enrollment_id, item["run"], step))
    if hold is None or outcome == FAILED:  # who is woken goes on, and asks until it is answered
        reaction.commands += settling(place.customer, place.enrollment_id, item)


def _wake(happening: Happening, place: Place, changes: dict[str, Any], reaction: Reaction) -> bool:
    """Decide or restart the open hold if one of its branches takes the event."""
    program, item = place.program, place.item
    hold = _open_hold(program, item)
    if hold is None or happening.seq <= item[slots.seq(hold.id)]:
        return False
    for branch in hold.branches:
        where = f"{program.journey} {hold.id}"
        if branch.event != happening.event.name or not _is_about(branch, happening, place):
            continue
        if not happening.holds(branch.where, where, reaction, item):
            continue
        decided = _decide(happening, hold, branch, int(item[slots.visit(hold.id)]))
        if decided:
            changes |= decided
            command = Command("wake", place.customer, place.enrollment_id, item["run"], hold.id)
            reaction.commands.append(command)
            return True
    return False


def _is_about(branch: Branch, happening: Happening, place: Place) -> bool:
    """Whether the event is about the message that the branch names, sent in this run of this
    enrollment. An event that names no enrollment is about every one of the journey.
    """
    if branch.message is None:
        return True
    told, here = happening.event.properties, place.enrollment_id
    return (
        told.get("step") == branch.message
        and told.get("journey") == place.program.journey
        and told.get("enrollment", here) == here
        and told.get("run", place.item["run"]) == place.item["run"]
    )


def _decide(happening: Happening, hold: Hold, branch: Branch, visit: int) -> dict[str, Any]:
    """What is set when a branch takes the event; nothing once the restarts are used up."""
    at = to_text(happening.now)
    taken = {slots.event(hold.id): happening.event.id}
    if branch.restarts:
        if visit > hold.max_restarts:
            return {}
        return taken | slots.opening(hold.id, seq_number=happening.seq, at=at, number=visit + 1)
    taken |= {slots.outcome(hold.id): branch.id}
    if branch.opens:
        taken |= slots.opening(branch.opens, seq_number=happening.seq, at=at)
    return taken


def _conversion(happening: Happening, place: Place, reaction: Reaction) -> dict[str, Any]:
    """Record the goal, once a run, also after it has ended; what the enrollment item is to say of
    it.
    """
    program, item = place.program, place.item
    goal = program.goal
    if goal is None or not _reaches(happening, goal, place, reaction):
        return {}
    event = happening.event
    at = to_text(event.timestamp)
    record = {name: item[name] for name in ("journey", "version", "run", "entered_at")}
    record |= {"enrollment": place.enrollment_id, "event": event.id, "name": event.name, "at": at}
    if goal.value is not None:
        where = f"{program.journey} goal value"
        worth = happening.value(goal.value, where, reaction, item)
        if isinstance(worth, int | float) and (worth == 0 or 1e-9 <= abs(worth) <= _LARGEST_VALUE):
            record["value"] = worth
        elif worth is not None:
            reaction.problems.append(f"{where}: no number, or one beyond all money")
    key = keys.conversion(place.customer, place.enrollment_id, item["run"])
    reaction.puts.append(Put(key, record, NEW))
    return {"converted_at": at, "conversion_event": event.id}


def _reaches(happening: Happening, goal: Goal, place: Place, reaction: Reaction) -> bool:
    if goal.event != happening.event.name or not _is_open(happening.now, goal, place.item):
        return False
    return happening.holds(goal.where, f"{place.program.journey} goal", reaction, place.item)


def _is_open(now: datetime, goal: Goal, enrollment: Item) -> bool:
    """A run that another one has replaced reaches no goal: that one does."""
    if "converted_at" in enrollment or enrollment.get("outcome") == REPLACED:
        return False
    entered = from_text(enrollment["entered_at"])
    return entered <= now <= entered + timedelta(seconds=goal.within_seconds)


def _open_hold(program: Program, enrollment: Item) -> Hold | None:
    return next((hold for hold in program.holds() if slots.is_open(enrollment, hold.id)), None)


def _unchanged(program: Program, enrollment: Item) -> list[Condition]:
    """The enrollment's slots and token are still those of the snapshot.

    Without this a token that was stored meanwhile would not be woken, and a hold that was opened or
    a message that was claimed meanwhile would not be seen.
    """
    names = ["token", slots.CLAIMED]
    for hold in program.holds():
        names += [slots.visit(hold.id), slots.outcome(hold.id)]
    return [
        equals(name, enrollment[name]) if name in enrollment else absent(name) for name in names
    ]
