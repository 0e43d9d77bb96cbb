"""What Step Functions throttles: queued, carried out later, never holding up an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from stepwell.aws import clients
from stepwell.aws.executions import StepFunctionsExecutions
from tests.support.stage import PREFIX, TUESDAY, Stage

CART: dict[str, Any] = {"cart_id": "c", "cart_value": 280.0, "name": "x", "price": 280.0}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        stage.identify(timezone="Europe/London")
        yield stage


def throttle(monkeypatch: pytest.MonkeyPatch, operation: str, *, times: int = 1) -> None:
    """Let the functions' Step Functions client refuse an operation a number of times."""
    client = clients.client("stepfunctions")
    real, left = getattr(client, operation), [times]

    def call(**arguments: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]  # all that is looked at
        return real(**arguments)

    monkeypatch.setattr(client, operation, call)


def commands(stage: Stage) -> list[dict[str, Any]]:
    """Take what is queued."""
    queue = stage.engine.client("sqs")
    found = queue.receive_message(QueueUrl=stage.commands_url, MaxNumberOfMessages=10)
    messages = found.get("Messages", [])
    for each in messages:
        queue.delete_message(QueueUrl=stage.commands_url, ReceiptHandle=each["ReceiptHandle"])
    return [json.loads(each["Body"]) for each in messages]


def carry_out(stage: Stage, *bodies: dict[str, Any]) -> dict[str, Any]:
    records = [
        {"messageId": str(number), "body": json.dumps(body), "eventSource": "aws:sqs"}
        for number, body in enumerate(bodies)
    ]
    answer: dict[str, Any] = stage.engine.invoke(PREFIX + "commands", {"Records": records})
    stage.engine.settle()
    return answer


def test_a_throttled_start_is_queued_and_begins_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle(monkeypatch, "start_execution")
    stage.track("Product Added", **CART)
    (command,) = commands(stage)
    assert command["command"] == "start"
    assert carry_out(stage, command) == {"batchItemFailures": []}
    assert stage.engine.status(stage.execution("cart_abandonment")) == "RUNNING"
    assert carry_out(stage, command) == {"batchItemFailures": []}


def test_a_start_that_comes_after_the_exit_begins_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle(monkeypatch, "start_execution")
    stage.track("Product Added", **CART)
    stage.track("Order Completed", order_id="o", revenue=1.0)
    (command,) = commands(stage)
    carry_out(stage, command)
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        stage.engine.status(stage.execution("cart_abandonment"))


def test_a_throttled_wake_is_sent_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.track("Product Added", **CART)
    throttle(monkeypatch, "send_task_success")
    stage.track("Order Completed", order_id="o", revenue=1.0)
    assert stage.engine.status(stage.execution("cart_abandonment")) == "RUNNING"
    carry_out(stage, *commands(stage))
    assert stage.engine.status(stage.execution("cart_abandonment")) == "SUCCEEDED"
    assert stage.states("cart_abandonment")[-1] == "Left"


def test_a_throttled_stop_is_made_later_and_nothing_is_sent_before(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.grant("sms")
    stage.track("Order Completed", order_id="o", revenue=300.0)
    throttle(monkeypatch, "stop_execution")
    stage.track("Order Cancelled", order_id="o")
    assert stage.engine.status(stage.execution("post_purchase")) == "RUNNING"
    stage.engine.run_until(TUESDAY + timedelta(days=4))  # the stop comes too late for the wait
    assert [step for _, step, *_ in stage.decisions()] == ["thank_you", "cross_sell"]
    assert stage.decisions()[-1][3] == "suppressed: exited"
    assert carry_out(stage, *commands(stage)) == {"batchItemFailures": []}


def test_a_command_that_fails_again_comes_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle(monkeypatch, "start_execution", times=2)
    stage.track("Product Added", **CART)
    (command,) = commands(stage)
    other = {**command, "command": "stop", "error": "Exited", "cause": "x", "execution": "gone"}
    assert carry_out(stage, command, other) == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_no_answer_is_queued_as_well_and_without_a_queue_it_is_raised(stage: Stage) -> None:
    class Unreachable:
        def stop_execution(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://example.com")

    queue = stage.engine.client("sqs")
    arguments: dict[str, Any] = {"journey_arn_prefix": "m:", "execution_arn_prefix": "e:"}
    unreachable: Any = Unreachable()
    queued = StepFunctionsExecutions(
        unreachable, **arguments, queue=queue, queue_url=stage.commands_url
    )
    queued.stop("cart", "e", error="Exited", cause="Order Completed")
    (command,) = commands(stage)
    assert (command["journey"], command["execution"]) == ("cart", "e")
    with pytest.raises(EndpointConnectionError):
        StepFunctionsExecutions(unreachable, **arguments).carry_out(command)
