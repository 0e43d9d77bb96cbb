"""A desk for state machines: the interpreter with an agenda, a store, one function and a child."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from stepwell.customers import keys
from stepwell.journeys.compiler import asl
from stepwell.simulation.agenda import Agenda, Rank
from stepwell.simulation.machines.definition import Machine, compile_machine
from stepwell.simulation.machines.errors import StateError
from stepwell.simulation.machines.interpreter import Execution, Interpreter
from stepwell.simulation.trace import Run, Trace
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Key

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
ENROLLMENT = keys.enrollment("c1", "j#k")
STATE: dict[str, Any] = {
    "ids": {"customer": "c1", "enrollment": "j#k", "run": 1},
    "key": {"pk": {"S": ENROLLMENT.pk}, "sk": {"S": ENROLLMENT.sk}},
}


class Desk:
    """A host with an agenda, a store, one function and a child machine."""

    def __init__(self, machine: Machine, child: Machine | None = None) -> None:
        self.now = START
        self.store = MemoryStore()
        self.agenda = Agenda()
        self.ready: list[Callable[[], None]] = []
        self.trace = Trace()
        self.child = child
        self.answers: list[Any] = []
        self.payloads: list[Any] = []
        self.part = 1.0
        self.interpreter = Interpreter(self, {"j": machine}, self.trace)

    def later(self, moment: datetime, action: Callable[[], None]) -> None:
        self.agenda.put(moment, Rank.TIMER, action)

    def soon(self, action: Callable[[], None]) -> None:
        self.ready.append(action)

    def settle_later(self, customer: str, execution: str) -> None:
        raise AssertionError(f"no router stops anything here: {customer} {execution}")

    def draw(self, *_: object) -> float:
        return self.part

    def peek(self, key: Key) -> Item | None:
        return self.store.get(key)

    def start_sync(self, frame: Execution, _machine: str, text: str) -> Any:
        assert self.child is not None
        return self.interpreter.start_sync(self.child, frame, text)

    def set_alarm(self, name: str, expression: str, message: str) -> None:
        raise AssertionError(f"nobody parks here: {name} {expression} {message}")

    def invoke(self, _function: str, payload: Any) -> Any:
        self.payloads.append(payload)
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, StateError):
            raise answer
        return answer

    def settle(self) -> None:
        while self.ready:
            self.ready.pop(0)()

    def start(self, **state: Any) -> Run:
        self.interpreter.start("j", "x", STATE | state)
        self.settle()
        return self.trace.runs["x"]

    def run(self, until: datetime | None = None) -> None:
        while (moment := self.agenda.next_moment()) is not None and (
            until is None or moment <= until
        ):
            self.now, action = self.agenda.pop()
            action()
            self.settle()


def desk(child: dict[str, Any] | None = None, **states: Any) -> Desk:
    return Desk(_compiled(states), compile_machine("child", child) if child else None)


def _compiled(states: dict[str, Any]) -> Machine:
    return compile_machine("j", {"StartAt": next(iter(states)), "States": states})


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def invoke(**more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": asl.INVOKE_FUNCTION,
        "Parameters": {"FunctionName": "${PlanFunctionArn}", "Payload": {"run.$": "$.ids.run"}},
        "TimeoutSeconds": 60,
        "ResultPath": "$.done",
        **({} if "Next" in more else {"End": True}),
        **more,
    }


def call_child(**more: Any) -> dict[str, Any]:
    parameters = {"StateMachineArn": "${SendMessageArn}", "Input": "{}"}
    return invoke(
        Resource=asl.START_SYNC_EXECUTION, Parameters=parameters, TimeoutSeconds=300, **more
    )


def arm(seconds: int = 60, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": asl.UPDATE_ITEM_AND_WAIT,
        "Parameters": {
            "TableName": "${CustomersTable}",
            "Key.$": "$.key",
            "UpdateExpression": "SET #token = :token",
            "ConditionExpression": "attribute_not_exists(#outcome)",
            "ExpressionAttributeNames": {"#token": "token", "#outcome": "outcome"},
            "ExpressionAttributeValues": {":token": {"S.$": "$$.Task.Token"}},
        },
        "TimeoutSeconds": seconds,
        "ResultPath": "$.hold",
        **({} if "Next" in more else {"End": True}),
        **more,
    }


def retrying(*errors: str, attempts: int = 2) -> dict[str, Any]:
    return {
        "Retry": [
            asl.retrying(errors or ("States.ALL",), attempts=attempts, seconds=2, most_seconds=3)
        ]
    }


def catching(*errors: str, then: str = "Caught") -> dict[str, Any]:
    return {"Catch": [{"ErrorEquals": list(errors), "ResultPath": "$.failure", "Next": then}]}


CAUGHT = {"Type": "Fail", "Error": "Caught", "Cause": "it was caught"}
DONE = {"Type": "Succeed"}
WAIT = {"Type": "Wait", "Seconds": 90, "Next": "Done"}
