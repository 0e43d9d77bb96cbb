"""What an event does to one enrollment: it exits, a hold is decided or restarted, the goal is
reached.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from stepwell.customers import keys, slots
from stepwell.journeys.happening import Command, Happening, Reaction
from stepwell.journeys.program import Branch, Goal, Hold, Program
from stepwell.storage.operations import NEW, Condition, Item, Put, Update, absent, equals
from stepwell.timestamps import from_text, to_text

EXITED = "exited"
CONVERTED = "converted"
REPLACED = "replaced"

_LARGEST_VALUE = 1e15
"""Larger values cannot be added up exactly, and from 1e126 on DynamoDB refuses them."""


def advance(
    happening: Happening,
    program: Program,
    enrollment_id: str,
    enrollment: Item,
    reaction: Reaction,
) -> bool:
    """Add what the event does to this enrollment; whether it moved (left, was woken or restarted).

    An event that is not newer than the enrollment's run is not for it.
    """
    if happening.seq <= enrollment["run"]:
        return False
    changes = _conversion(happening, program, enrollment_id, enrollment, reaction)
    conditions: list[Condition] = []
    moved = False
    if enrollment["status"] == slots.ACTIVE:
        step = _exit(happening, program, enrollment_id, enrollment, changes, reaction)
        if step is None:
            step = _wake(happening, program, enrollment_id, enrollment, changes, reaction)
        moved = step is not None
        conditions = _unchanged(program, enrollment) if moved else []
    if changes:
        key = keys.enrollment(happening.snapshot.customer, enrollment_id)
        same_run = (equals("run", enrollment["run"]), equals("status", enrollment["status"]))
        reaction.updates[enrollment_id] = Update(
            key,
            set=changes | {"touched": happening.seq},
            conditions=(*same_run, *conditions),
        )
    return moved


def listens(happening: Happening, program: Program, enrollment: Item) -> bool:
    """Whether an event may still do something to it: it is active, or its goal is open."""
    return bool(enrollment["status"] == slots.ACTIVE) or (
        program.goal is not None and _is_open(happening, program.goal, enrollment)
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


def _exit(
    happening: Happening,
    program: Program,
    enrollment_id: str,
    enrollment: Item,
    changes: dict[str, Any],
    reaction: Reaction,
) -> str | None:
    """Mark it as exited if a rule says so: the hold it leaves, "" elsewhere, or None."""
    event = happening.event
    place = f"{program.journey} exit"
    if not any(
        rule.event == event.name and happening.holds(rule.where, place, reaction, enrollment)
        for rule in program.exits
    ):
        return None
    ended_at = to_text(happening.now)
    converted = "converted_at" in changes or "converted_at" in enrollment
    outcome = CONVERTED if converted else EXITED
    changes |= {
        "status": slots.ENDED,
        "outcome": outcome,
        "reason": event.name,
        "ended_by": event.id,
        "ended_at": ended_at,
        "expires": enrollment["forget_at"],
    }
    hold = _open_hold(program, enrollment)
    kind = "stop"
    if hold:
        kind = "wake"
        changes |= {slots.outcome(hold.id): slots.EXIT, slots.event(hold.id): event.id}
    customer = happening.snapshot.customer
    reaction.puts.append(
        finished_record(
            customer,
            enrollment_id,
            enrollment,
            outcome=outcome,
            reason=event.name,
            ended_at=ended_at,
        )
    )
    step = hold.id if hold else ""
    reaction.commands.append(Command(kind, enrollment_id, enrollment["run"], step))
    return step


def _wake(
    happening: Happening,
    program: Program,
    enrollment_id: str,
    enrollment: Item,
    changes: dict[str, Any],
    reaction: Reaction,
) -> str | None:
    """Decide or restart the open hold if one of its branches takes the event; the hold, or None."""
    hold = _open_hold(program, enrollment)
    if hold is None or happening.seq <= enrollment[slots.seq(hold.id)]:
        return None
    for branch in hold.branches:
        place = f"{program.journey} {hold.id}"
        if branch.event != happening.event.name or not happening.holds(
            branch.where, place, reaction, enrollment
        ):
            continue
        decided = _decide(happening, hold, branch, int(enrollment[slots.visit(hold.id)]))
        if decided:
            changes |= decided
            command = Command("wake", enrollment_id, enrollment["run"], hold.id)
            reaction.commands.append(command)
            return hold.id
    return None


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


def _conversion(
    happening: Happening,
    program: Program,
    enrollment_id: str,
    enrollment: Item,
    reaction: Reaction,
) -> dict[str, Any]:
    """Record the goal, once a run, also after it has ended; what the enrollment item is to say of
    it.
    """
    goal = program.goal
    if goal is None or not _reaches(happening, goal, program, enrollment, reaction):
        return {}
    event = happening.event
    at = to_text(event.timestamp)
    record = {name: enrollment[name] for name in ("journey", "version", "run", "entered_at")}
    record |= {"enrollment": enrollment_id, "event": event.id, "name": event.name, "at": at}
    if goal.value is not None:
        place = f"{program.journey} goal value"
        value = happening.value(goal.value, place, reaction, enrollment)
        if isinstance(value, int | float) and (value == 0 or 1e-9 <= abs(value) <= _LARGEST_VALUE):
            record["value"] = value
        elif value is not None:
            reaction.problems.append(f"{place}: no number, or one beyond all money")
    key = keys.conversion(happening.snapshot.customer, enrollment_id, enrollment["run"])
    reaction.puts.append(Put(key, record, NEW))
    return {"converted_at": at, "conversion_event": event.id}


def _reaches(
    happening: Happening, goal: Goal, program: Program, enrollment: Item, reaction: Reaction
) -> bool:
    if goal.event != happening.event.name or not _is_open(happening, goal, enrollment):
        return False
    return happening.holds(goal.where, f"{program.journey} goal", reaction, enrollment)


def _is_open(happening: Happening, goal: Goal, enrollment: Item) -> bool:
    entered = from_text(enrollment["entered_at"])
    within = entered <= happening.now <= entered + timedelta(seconds=goal.within_seconds)
    return within and "converted_at" not in enrollment


def _open_hold(program: Program, enrollment: Item) -> Hold | None:
    return next((hold for hold in program.holds() if slots.is_open(enrollment, hold.id)), None)


def _unchanged(program: Program, enrollment: Item) -> list[Condition]:
    """The enrollment's slots and token are still those of the snapshot.

    Without this a token that was stored meanwhile would not be woken, and a hold that was opened
    meanwhile would not be seen.
    """
    names = ["token"]
    for hold in program.holds():
        names += [slots.visit(hold.id), slots.outcome(hold.id)]
    return [
        equals(name, enrollment[name]) if name in enrollment else absent(name) for name in names
    ]
