"""The actions of Task states: what each of the compiler's resources does here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Protocol

from stepwell.journeys.compiler import asl
from stepwell.simulation.machines import tables
from stepwell.simulation.machines.errors import UnsupportedError
from stepwell.simulation.machines.intrinsics import to_text
from stepwell.simulation.machines.paths import Frame
from stepwell.simulation.machines.payloads import compile_payload
from stepwell.simulation.machines.tables import TableAction, Tables


class Pending(Enum):
    """The action has begun and is not over: a callback, or a child execution that waits."""

    CALLBACK = "its token is awaited"
    CHILD = "its execution is awaited"


class Services(Tables, Protocol):
    """What actions call."""

    def invoke(self, function: str, payload: Any) -> Any:
        """The function's result. Raises StateError with the name of its error."""

    def start_sync(self, frame: Any, machine: str, text: str) -> Any:
        """The answer of StartSyncExecution, or Pending.CHILD."""

    def set_alarm(self, name: str, expression: str, message: str) -> None:
        """As CreateSchedule, once. Raises StateError for a name that there is already."""


Action = Callable[[Frame, Services], Any]
"""Gives the result or Pending. Raises StateError."""


def compile_action(resource: str, parameters: Mapping[str, Any]) -> Action:
    """Raises UnsupportedError."""
    match resource:
        case asl.UPDATE_ITEM_AND_WAIT:
            return _and_wait(tables.update_item(parameters))
        case asl.INVOKE_FUNCTION:
            return _invoke(parameters)
        case asl.START_SYNC_EXECUTION:
            return _start_sync(parameters)
        case asl.CREATE_SCHEDULE:
            return _set_alarm(parameters)
    if resource in _TABLE_ACTIONS:
        return _TABLE_ACTIONS[resource](parameters)
    raise UnsupportedError(f"the resource {resource}")


_TABLE_ACTIONS: dict[str, Callable[[Mapping[str, Any]], TableAction]] = {
    asl.UPDATE_ITEM: tables.update_item,
    asl.PUT_ITEM: tables.put_item,
    asl.GET_ITEM: tables.get_item,
    asl.TRANSACT_WRITE_ITEMS: tables.transact_write_items,
}


def _and_wait(action: TableAction) -> Action:
    def act(frame: Frame, services: Services) -> Pending:
        action(frame, services)
        return Pending.CALLBACK

    return act


def _invoke(parameters: Mapping[str, Any]) -> Action:
    function = _placeholder(parameters, "FunctionName")
    payload = compile_payload(
        {name: each for name, each in parameters.items() if name != "FunctionName"}
    )

    def act(frame: Frame, services: Services) -> dict[str, Any]:
        result = services.invoke(function, payload(frame)["Payload"])
        return {"StatusCode": 200, "Payload": result}

    return act


def _start_sync(parameters: Mapping[str, Any]) -> Action:
    machine = _placeholder(parameters, "StateMachineArn")
    given = compile_payload(
        {name: each for name, each in parameters.items() if name != "StateMachineArn"}
    )
    return lambda frame, services: services.start_sync(frame, machine, given(frame)["Input"])


def _set_alarm(parameters: Mapping[str, Any]) -> Action:
    """Of the queue, the group and the role there is one each here."""
    given = compile_payload(parameters)

    def act(frame: Frame, services: Services) -> dict[str, Any]:
        schedule = given(frame)
        services.set_alarm(
            schedule["Name"], schedule["ScheduleExpression"], schedule["Target"]["Input"]
        )
        return {}

    return act


def _placeholder(parameters: Mapping[str, Any], name: str) -> str:
    """The name inside `${…}`, which a stage fills with an ARN."""
    text = str(parameters.get(name))
    if not (text.startswith("${") and text.endswith("}")):
        raise UnsupportedError(f"{name} {text}")
    return text[2:-1]


def sync_answer(output: Any) -> dict[str, Any]:
    """The answer of StartSyncExecution when it succeeded."""
    return {"Status": "SUCCEEDED", "Output": to_text(output)}
