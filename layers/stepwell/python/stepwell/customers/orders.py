"""Carry out one command of a reaction, as the enrollment stands. Harmless when repeated or late."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.customers import keys, slots
from stepwell.customers.legs import EXITED, REPLACED, running_in
from stepwell.journeys.happening import Command
from stepwell.journeys.program import initial_state
from stepwell.journeys.reactions import Catalog
from stepwell.ports import Executions, machine_at
from stepwell.storage.operations import Item, Key


def issue(
    command: Command,
    enrollments: Mapping[Key, Item],
    catalog: Catalog,
    executions: Executions,
) -> None:
    """Start, wake or stop, unless the enrollment has moved past what the command is about."""
    if command.kind == "settle":
        executions.settle_later(command.customer, command.execution)
        return
    if command.execution:
        machine, _, execution = command.execution.rpartition(":")
        machine = machine or command.enrollment.partition("#")[0]
        executions.stop(machine, execution, error=EXITED, cause=REPLACED)
        return
    enrollment = enrollments.get(place_of(command))
    if enrollment is None or enrollment["run"] != command.run:
        return
    if command.kind == "start" and enrollment["status"] == slots.ACTIVE:
        _start(command, enrollment, catalog, executions)
    elif command.kind == "wake":
        _wake(command.step, enrollment, executions)
    elif command.kind == "stop" and enrollment["status"] == slots.ENDED:
        machine, execution = running_in(enrollment)
        executions.stop(machine, execution, error=EXITED, cause=enrollment["reason"])


def place_of(command: Command) -> Key:
    """Where the enrollment lies that the command is about."""
    return keys.enrollment(command.customer, command.enrollment)


def _start(command: Command, enrollment: Item, catalog: Catalog, executions: Executions) -> None:
    key = place_of(command)
    state = initial_state(
        catalog.version(enrollment["version"]),
        customer=command.customer,
        partition=key.pk,
        sort_key=key.sk,
        enrollment=command.enrollment,
        run=command.run,
        execution=enrollment["execution"],
    )
    executions.start(_machine(enrollment), enrollment["execution"], state)


def _machine(enrollment: Item) -> str:
    """At the version whose definition was entered, whichever is deployed by now. A router that was
    not told of versions left none, and the machine is started as it is.
    """
    journey = str(enrollment["journey"])
    if "machine_version" not in enrollment:
        return journey
    return machine_at(journey, enrollment["machine_version"])


def _wake(step: str, enrollment: Item, executions: Executions) -> None:
    """Send the hold's token what the slot says.

    The token may have been armed for an earlier visit (the machine has not come round since a
    restart) or be spent; a hold that is not armed yet finds the outcome when it arms. A slot may be
    closed again, when the message before it was not sent after all.
    """
    if slots.visit(step) not in enrollment:
        return
    armed_step, _, armed_visit = enrollment.get("token_for", "").rpartition("#")
    visit = int(enrollment[slots.visit(step)])
    outcome = enrollment.get(slots.outcome(step))
    if armed_step != step or (outcome is None and int(armed_visit) >= visit):
        return
    result = {"visit": str(visit), "outcome": outcome or slots.RESTART}
    executions.wake(enrollment["token"], result)
