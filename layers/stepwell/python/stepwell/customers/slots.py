"""The enrollment item and its wait slots: attribute names, and the writes that open and close a
slot.

A hold waits for "event or timeout, whichever first". The item decides which it was; Step Functions
only wakes. The compiled state machine writes the same attributes with expressions of its own
(`journeys.compiler.holds`), so the names are made here and nowhere else.

Attributes of an enrollment (`ENROLLMENT#<journey>#<key hash>`):

    journey, key_hash, version, execution   which definition runs, and as which execution
    run             number of the event that created this run; its writes are conditional on it
    touched         number of the last event that wrote it; the profile's `touched` names what the
                    last event wrote, so that a reader sees when it has only a part of that
    status          "active" | "ended"
    outcome         how it ended: completed | exited | converted | replaced | failed
    reason          the event's name, or what failed
    ended_by        id of the event that ended it
    entered_at, ended_at        ISO 8601, UTC, milliseconds
    entry_event     JSON text: {"id", "name", "timestamp", "properties"}
    converted_at, conversion_event   the goal, once
    claimed         true once a message of this run was claimed: it may be without an answer when
                    the execution is stopped (`messages.unanswered`)
    leg             number of the execution that runs, or is next while a wait is parked; absent: 1
    parked_at, parked_until     the step and the end of the last wait that was parked
    token, token_for            task token of the armed hold, and "<step>#<visit>" it was armed for
    <step>_visit    the slot of a hold: how often it was opened, "1" at first (a number)
    <step>_seq      the customer's sequence number at its opening; only later events count
    <step>_opened   when it was opened, ISO 8601
    <step>_outcome  "timeout" | "exit" | a branch's id; absent while the slot is open
    <step>_event    id of the event that decided it, or restarted it
"""

from __future__ import annotations

from typing import Any

from stepwell.storage.operations import Conditions, Item, equals

ACTIVE = "active"
ENDED = "ended"
COMPLETED = "completed"
TIMEOUT = "timeout"
EXIT = "exit"
RESTART = "restart"
CLAIMED = "claimed"


def visit(step: str) -> str:
    return f"{step}_visit"


def seq(step: str) -> str:
    return f"{step}_seq"


def opened(step: str) -> str:
    return f"{step}_opened"


def outcome(step: str) -> str:
    return f"{step}_outcome"


def event(step: str) -> str:
    return f"{step}_event"


def armed_for(step: str, number: int | str) -> str:
    """The value of `token_for` while the hold's n-th visit is armed."""
    return f"{step}#{number}"


def running(run: int) -> Conditions:
    """The enrollment is still this run, and active."""
    return (equals("status", ACTIVE), equals("run", run))


def opening(step: str, *, seq_number: int, at: str, number: int = 1) -> dict[str, Any]:
    """What opens a hold's slot, to be set in the write that ends the step before."""
    return {visit(step): number, seq(step): seq_number, opened(step): at}


def is_open(enrollment: Item, step: str) -> bool:
    return visit(step) in enrollment and outcome(step) not in enrollment
