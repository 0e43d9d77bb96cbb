"""What Step Functions and DynamoDB answer on AWS, by their own names: each means what it should."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as sdk,
)

from stepwell.aws import executions
from stepwell.customers import keys
from stepwell.events.model import to_message
from tests.support.aws_faults import forget, hooked_clients
from tests.support.crash_project import crash_project
from tests.support.redelivery import redeliver, work_off_commands
from tests.support.stage import TUESDAY, Stage
from tests.support.world import event

START, WAKE, STOP = "StartExecution", "SendTaskSuccess", "StopExecution"
DONE = [
    (START, "ExecutionAlreadyExists", 400),
    (WAKE, "TaskTimedOut", 400),
    (WAKE, "TaskDoesNotExist", 400),
    (WAKE, "InvalidToken", 400),
    (STOP, "ExecutionDoesNotExist", 400),
]
"""The call, the error's code and its status: it has been done, or there is nothing to do."""
LATER = [
    (START, "ThrottlingException", 400),
    (START, "ExecutionLimitExceeded", 400),
    (WAKE, "ThrottlingException", 400),
    (WAKE, "InternalFailure", 500),
    (STOP, "KmsThrottlingException", 400),
]
"""To be asked again, by the commands function."""


LOST = "DynamoDb.InternalServerErrorException"
"""What a write that may have been made ends with."""


@pytest.fixture
def stage() -> Iterator[Stage]:
    with crash_project("path") as root, Stage(TUESDAY, project=root) as stage:
        yield stage


def send(stage: Stage, name: str, number: int = 1) -> None:
    made = event(name, number=str(number), at=stage.engine.clock.now())
    assert redeliver(stage, "router", [to_message(made)]) == 1
    stage.engine.settle()


def before(stage: Stage, call: str) -> str:
    """Bring the journey to where the next event makes this call; that event's name."""
    if call == START:
        return "Began"
    send(stage, "Began")
    if call == WAKE:
        return "Acted"
    send(stage, "Acted")
    return "Left"


def answering(call: str, code: str, status: int) -> Any:
    answer = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    given = SimpleNamespace(status_code=status), answer
    return hooked_clients({f"before-call.sfn.{call}": lambda **_: given})


def cold(stage: Stage) -> None:
    """Let the functions make their clients anew, so that they can be listened to."""
    for name in ("router", "commands"):
        forget(stage.engine.functions.handler(f"stepwell-local-{name}"))


def queued(stage: Stage) -> int:
    attributes = stage.engine.client("sqs").get_queue_attributes(
        QueueUrl=stage.commands_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def test_the_codes_are_those_of_the_service() -> None:
    """What is taken for "already done" exists, and each of the calls' own errors is looked at."""
    model = boto3.client("stepfunctions", "eu-west-1").meta.service_model
    modelled = {
        call: {shape.name for shape in model.operation_model(call).error_shapes}
        for call in (START, WAKE, STOP)
    }
    looked_at = {(call, code) for call, code, _ in DONE}
    assert all(code in modelled[call] for call, code in looked_at)
    assert {code for _, code in looked_at} == executions._DONE


@pytest.mark.parametrize(("call", "code", "status"), DONE)
def test_what_means_already_done_is_not_asked_again(
    stage: Stage, call: str, code: str, status: int
) -> None:
    name = before(stage, call)
    with answering(call, code, status):
        cold(stage)
        send(stage, name, 2)
    assert queued(stage) == 0


@pytest.mark.parametrize(("call", "code", "status"), LATER)
def test_what_passes_is_asked_again_until_it_is_done(
    stage: Stage, call: str, code: str, status: int
) -> None:
    name = before(stage, call)
    with answering(call, code, status):
        cold(stage)
        send(stage, name, 2)
        assert queued(stage) == 1
    cold(stage)
    assert work_off_commands(stage) == 1
    stage.engine.settle()
    execution = stage.execution("path")
    if call == STOP:
        assert stage.engine.status(execution) == "ABORTED"
    else:
        assert stage.states("path")[-1] == ("Wait" if call == START else "Later")
    stage.engine.run_until_idle()
    assert len(stage.records(keys.FINISHED_PREFIX)) == 1


def test_a_wake_that_comes_after_the_time_limit_is_late_and_the_event_has_won(
    stage: Stage,
) -> None:
    send(stage, "Began")
    with answering(WAKE, "ThrottlingException", 400):
        cold(stage)
        send(stage, "Acted", 2)
    cold(stage)
    stage.engine.run_until(TUESDAY + timedelta(minutes=11))
    # The timer found the outcome: the execution went the event's way, and not the timer's.
    assert stage.states("path")[-1] == "Later"
    assert "Wait: time is up" in stage.states("path")
    assert stage.enrollment("path")["wait_outcome"] == "acted"
    assert work_off_commands(stage) == 1
    assert queued(stage) == 0


@contextmanager
def first_arm_fails(between: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The first arm is written and its answer lost; `between` comes before the second attempt."""
    real = sdk.StateTaskServiceAwsSdk._eval_service_task
    attempts = 0

    def evaluate(service: Any, env: Any, **arguments: Any) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            between()
        real(service, env=env, **arguments)
        if attempts == 1:
            details: Any = {"taskFailedEventDetails": {"error": LOST, "cause": "lost"}}
            failed = FailureEvent(
                env=env,
                error_name=CustomErrorName(LOST),
                event_type=HistoryEventType.TaskFailed,
                event_details=details,
            )
            raise FailureEventException(failed)

    with patch.object(sdk.StateTaskServiceAwsSdk, "_eval_service_task", evaluate):
        yield
    assert attempts > 1


def test_the_token_of_an_attempt_that_failed_is_spent_and_the_next_one_counts(
    stage: Stage,
) -> None:
    tokens: list[str] = []
    with first_arm_fails(lambda: tokens.append(stage.enrollment("path")["token"])):
        send(stage, "Began")
    client = stage.engine.client("stepfunctions")
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=tokens[0], output=json.dumps({}))
    assert stage.enrollment("path")["token"] != tokens[0]
    send(stage, "Acted", 2)
    assert stage.states("path") == ["Wait", "Wait: what happened", "Later"]


def test_an_event_between_two_attempts_to_arm_is_not_missed(stage: Stage) -> None:
    acted = to_message(event("Acted", number="2", at=TUESDAY))
    with first_arm_fails(lambda: _applied(stage, acted)):
        send(stage, "Began")
    assert queued(stage) == 0
    assert stage.enrollment("path")["wait_outcome"] == "acted"
    # The second attempt found the outcome, and did not wait.
    assert stage.states("path")[-1] == "Later"


def _applied(stage: Stage, body: str) -> None:
    assert stage.route([body]) == {"batchItemFailures": []}


def test_an_event_for_an_execution_that_was_stopped_by_hand_is_applied(stage: Stage) -> None:
    send(stage, "Began")
    token = stage.enrollment("path")["token"]
    client = stage.engine.client("stepfunctions")
    client.stop_execution(executionArn=stage.execution("path"), error="ByHand", cause="a test")
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=token, output=json.dumps({}))
    send(stage, "Left", 2)
    assert queued(stage) == 0
    assert stage.enrollment("path")["status"] == "ended"
    # The next entry begins as if nothing had been.
    send(stage, "Began", 3)
    stage.engine.run_until_idle()
    assert [each["outcome"] for each in stage.records(keys.FINISHED_PREFIX)] == [
        "exited",
        "completed",
    ]
