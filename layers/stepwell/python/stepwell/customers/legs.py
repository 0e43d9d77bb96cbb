"""The legs of an enrollment: the executions in which it runs, one after the other.

Most have one. Where a long wait is parked, the execution ends and the enrollment does not: its
item says which leg is next (`leg`), and when the wait is over an alarm's message asks for it. The
message may come late or twice, and the enrollment may have been left meanwhile: the item decides.

Later legs run in a machine of their own version, `<journey>-<version>`, under the execution's name
with the leg's number. Message ids are made of the first leg's name in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.customers import keys, slots
from stepwell.ports import Executions
from stepwell.storage.operations import Item, Store

RESUME = "resume"
"""The command in the message of an alarm."""
LEG = "leg"
"""The attribute with the number of the leg that runs or is next; absent in the first."""

EXITED = "Exited"
"""The error that a stopped execution shows; redrives skip it."""
REPLACED = "Replaced by a new entry"

_OF_THE_MESSAGE = {"command", "version"}

_VERSION_DIGITS = 16
"""A machine's name has 80 characters, and `stepwell-<stage>-` takes some."""


def legs_machine(journey: str, version: str) -> str:
    """The name, without the stage, of the machine of a version's later legs."""
    return f"{journey}-{version[:_VERSION_DIGITS]}"


def execution_name(execution: str, leg: int) -> str:
    return f"{execution}-{leg}"


def running_in(enrollment: Item) -> tuple[str, str]:
    """The machine, without the stage, and the name of the execution that runs or is next."""
    journey, execution = str(enrollment["journey"]), str(enrollment["execution"])
    if LEG not in enrollment:
        return journey, execution
    machine = legs_machine(journey, enrollment["version"])
    return machine, execution_name(execution, enrollment[LEG])


def reference(enrollment: Item) -> str:
    """Both as one text: the execution's name, with its machine and a colon before it if it is a
    later leg's.
    """
    machine, execution = running_in(enrollment)
    return f"{machine}:{execution}" if LEG in enrollment else execution


def resume(
    message: Mapping[str, Any], store: Store, executions: Executions, *, repeated: bool
) -> None:
    """Start the leg that an alarm's message asks for, if the enrollment still waits for it.

    The enrollment may be left while this works, and its leg be stopped before it was started.
    Therefore it is read once more afterwards: either the exit finds an execution to stop, or this
    does. `repeated`: the message was here before, and may have been cut off between the two.
    """
    ids, leg = message["ids"], int(message["next_leg"])
    machine = legs_machine(ids["enrollment"].partition("#")[0], message["version"])
    name = execution_name(ids["execution"], leg)
    key = keys.enrollment(ids["customer"], ids["enrollment"])
    found = store.get(key)
    if _waits_for(leg, found, ids["run"]):
        executions.start(machine, name, _state(message, leg))
        found = store.get(key)
    elif not repeated:
        return
    left = _why_left(found, ids["run"])
    if left is not None:
        executions.stop(machine, name, error=EXITED, cause=left)


def _waits_for(leg: int, item: Item | None, run: int) -> bool:
    return (
        item is not None
        and (item["run"], item["status"]) == (run, slots.ACTIVE)
        and item.get(LEG) == leg
    )


def _why_left(item: Item | None, run: int) -> str | None:
    """Why the run has ended; None while it goes on."""
    if item is None or item["run"] != run:
        return REPLACED
    return None if item["status"] == slots.ACTIVE else str(item.get("reason", ""))


def _state(message: Mapping[str, Any], leg: int) -> dict[str, Any]:
    """The input of the leg: the state in which the one before ended, with `after`, its wait."""
    state = {name: each for name, each in message.items() if name not in _OF_THE_MESSAGE}
    return {**state, "next_leg": str(leg + 1)}
