"""Moto with executing state machines, the handlers and stepped time, in one process: for tests.

    with LocalEngine(start=datetime(2026, 11, 24, 21, 14, tzinfo=UTC)) as engine:
        engine.create_tables()
        engine.create_machine("stepwell-local-send_message", text, express=True)
        engine.add_functions([Function("stepwell-local-plan", (Path("functions/plan"),))])
        execution = engine.start("stepwell-local-onboarding", "c1-0123456789abcdef-1", state)
        engine.run_until(moment)           # alarms before `moment` have rung, its own have not
        ...                                # an event "at the same moment" comes first
        engine.run_until_idle()            # to the end: every Wait and every hold's time limit
        engine.status(execution), engine.states(execution)

`engine.client(service)` is a boto3 client, for any thread. Nothing leaves the process.
Whatever is not caused through a state machine or `invoke` (a thread of the test that calls boto3
and must be finished before time moves) belongs inside `with engine.clock.work():`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local import moto_patches
from infra.local.account import ACCOUNT, REGION, function_arn, machine_arn
from infra.local.clock import StepClock
from infra.local.functions import Function, Handler, Invocation
from infra.local.in_process import InProcessInvoker
from infra.local.moto_patches.tasks import start_sync
from infra.local.sweeping import FUNCTION as SWEEP
from infra.local.sweeping import Sweeps, scheduled_event
from stepwell.storage.due import INDEX
from stepwell.timestamps import to_text

__all__ = ["LocalEngine", "create_table", "function_arn", "machine_arn"]

_ROLE = f"arn:aws:iam::{ACCOUNT}:role/local"
_PATIENCE = 60.0
"""Real seconds that one moment's work may take before a test is told that it hangs."""


class LocalEngine:
    """One stage in this process. Only one at a time: moto is the process's AWS.

    `clock` is another clock than a `StepClock` standing at `start`.
    """

    def __init__(self, start: datetime, clock: StepClock | None = None) -> None:
        self.clock = clock or StepClock(start)
        self.functions = InProcessInvoker(self.clock)
        self._open = ExitStack()
        self._clients: dict[str, Any] = {}
        self.on_alarm: Callable[[], None] = lambda: None
        """Called when a schedule's message, or one that was delayed, has come into its queue."""
        self.on_sweep: Callable[[], None] = lambda: None
        """Called when the sweep has put events into the queue."""
        self._sweeps = Sweeps(self.clock, self._sweep)

    def __enter__(self) -> Self:
        patches, _ = moto_patches.install(
            self.clock,
            self.functions,
            on_put=self._sweeps.on_put,
            on_ring=self._ring,
            on_delayed=self._come,
        )
        self._open.callback(patches.undo)
        self._open.enter_context(
            mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
        )
        self._open.enter_context(patch.object(boto3, "DEFAULT_SESSION", _session()))
        self._open.enter_context(self.functions)
        self._open.callback(self._stop_all)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    # ------------------------------------------------------------------ setting up

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=REGION)
        return self._clients[service]

    def create_tables(self, *names: str) -> None:
        """Tables with keys pk and sk; without names, the two of stage `local`."""
        for name in names or ("stepwell-local-customers", "stepwell-local-records"):
            create_table(self.client("dynamodb"), name)

    def create_machine(
        self,
        name: str,
        text: str,
        placeholders: Mapping[str, str] | None = None,
        *,
        express: bool = False,
    ) -> str:
        """A state machine of a definition's text, `${Name}` filled from `placeholders`, published
        as its version 1. Answers its ARN.

        Raises ValueError for a placeholder that is left.
        """
        for key, value in (placeholders or {}).items():
            text = text.replace(f"${{{key}}}", value)
        if "${" in text:
            raise ValueError(f"{name}: nothing fills {text[text.index('${') :][:40]}")
        answer = self.client("stepfunctions").create_state_machine(
            name=name,
            definition=text,
            roleArn=_ROLE,
            type="EXPRESS" if express else "STANDARD",
            publish=True,
        )
        return str(answer["stateMachineArn"])

    def add_functions(self, functions: Iterable[Function]) -> None:
        """Load handlers by path; their environments must agree."""
        self.functions.add(functions)

    def replace_function(self, name: str, handler: Handler) -> None:
        """Let a callable `(event, context)` answer for a function."""
        self.functions.replace(name, handler)

    # ------------------------------------------------------------------ acting

    def start(self, machine: str, name: str, state: Any) -> str:
        """Start an execution of a machine by name. Answers the execution's ARN."""
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=machine_arn(machine), name=name, input=json.dumps(state)
        )
        return str(answer["executionArn"])

    def start_sync(self, machine: str, state: Any) -> dict[str, Any]:
        """Run an Express machine to its end; the answer of StartSyncExecution."""
        with self.clock.work():
            return start_sync(self.clock, machine_arn(machine), json.dumps(state))

    def invoke(self, function: str, event: Any) -> Any:
        """A function's result. Raises AssertionError with Lambda's error payload when it failed."""
        result, error = self.try_invoke(function, event)
        if error is not None:
            raise AssertionError(f"{function}: {json.dumps(result)}")
        return result

    def try_invoke(self, function: str, event: Any) -> Invocation:
        return self.functions(function, event)

    def _ring(self, target: str, message: str) -> None:
        """A schedule puts its message into its queue."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=target.rpartition(":")[2])["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=message)
        self.on_alarm()

    def _sweep(self) -> Any:
        """The function by its schedule, where there is one."""
        for name in self.functions.names():
            if name.endswith(SWEEP):
                answer = self.invoke(name, scheduled_event(to_text(self.clock.now())))
                self.on_sweep()
                return answer
        return None

    def _come(self) -> None:
        """A delayed message has come into its queue."""
        self.on_alarm()

    # ------------------------------------------------------------------ time

    def settle(self) -> None:
        """Wait until nothing is at work; time stands still."""
        self.clock.settle(_PATIENCE)

    def run_until(self, moment: datetime) -> None:
        """Work off every alarm before `moment` and stand there; those of `moment` itself are to
        come.
        """
        self.clock.run_until(moment, _PATIENCE)

    def run_until_idle(self) -> None:
        """Work off every alarm there is or will be."""
        self.clock.run_until_idle(_PATIENCE)

    # ------------------------------------------------------------------ looking

    def describe(self, execution: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client("stepfunctions").describe_execution(
            executionArn=execution
        )
        return answer

    def status(self, execution: str) -> str:
        return str(self.describe(execution)["status"])

    def history(self, execution: str) -> list[dict[str, Any]]:
        """All events, as GetExecutionHistory answers them."""
        answer = self.client("stepfunctions").get_execution_history(executionArn=execution)
        return list(answer["events"])

    def states(self, execution: str) -> list[str]:
        """The names of the states in the order in which they were entered."""
        details = (event.get("stateEnteredEventDetails") for event in self.history(execution))
        return [each["name"] for each in details if each]

    def _stop_all(self) -> None:
        """Let every parked thread go, so that none outlives the test."""
        for machine in list(stepfunctions_parser_backends[ACCOUNT][REGION].state_machines):
            for execution in list(machine.executions):
                if execution.status == "RUNNING":
                    self.client("stepfunctions").stop_execution(
                        executionArn=execution.execution_arn
                    )
        self.clock.settle(_PATIENCE)


@functools.cache
def _session() -> boto3.Session:
    """One for all engines of a process: it keeps the services' models, which take long to read."""
    return boto3.Session()


def create_table(client: Any, name: str) -> None:
    """A table with keys pk and sk and the index of who is due, as the template has them."""
    keys, index = {"pk": "HASH", "sk": "RANGE"}, {"due_shard": "HASH", "due_at": "RANGE"}
    client.create_table(
        TableName=name,
        KeySchema=_schema(keys),
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in (*keys, *index)
        ],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": _schema(index),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


def _schema(keys: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()]
