"""Executions that ended without their enrollment: it ends with them, once, and says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepwell.aws import clients
from stepwell.aws.execution_events import DETAIL_TYPE
from stepwell.customers import keys
from stepwell.journeys.overdue import OVERDUE
from stepwell.storage.operations import Update
from tests.support.stage import PREFIX, Stage

CART: dict[str, Any] = {"cart_id": "c", "cart_value": 280.0, "name": "x", "price": 280.0}
JOURNEY = "cart_abandonment"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        stage.identify(timezone="Europe/London")
        stage.track("Product Added", **CART)
        yield stage


def stop(stage: Stage) -> None:
    """As an operator does in the console. (moto's do not end while they wait to be woken.)"""
    stage.engine.client("stepfunctions").stop_execution(executionArn=stage.execution(JOURNEY))


def event_of(stage: Stage, status: str = "ABORTED", **detail: Any) -> dict[str, Any]:
    """What EventBridge sends of the customer's execution."""
    execution = stage.execution(JOURNEY)
    found = stage.engine.client("stepfunctions").describe_execution(executionArn=execution)
    return {
        "version": "0",
        "detail-type": DETAIL_TYPE,
        "source": "aws.states",
        "resources": [execution],
        "detail": {
            "executionArn": execution,
            "stateMachineArn": found["stateMachineArn"],
            "name": found["name"],
            "status": status,
            "input": found["input"],
            "inputDetails": {"included": True},
            "output": None,
            "error": None,
            "cause": None,
            **detail,
        },
    }


def take(stage: Stage, *events: dict[str, Any]) -> dict[str, Any]:
    records = [
        {"messageId": str(number), "body": json.dumps(event), "eventSource": "aws:sqs"}
        for number, event in enumerate(events)
    ]
    answer: dict[str, Any] = stage.engine.invoke(PREFIX + "commands", {"Records": records})
    return answer


GOOD: dict[str, Any] = {"batchItemFailures": []}


def ends(stage: Stage) -> list[tuple[str, str]]:
    found = stage.records(keys.FINISHED_PREFIX)
    return [(each["outcome"], each["reason"]) for each in found]


def test_an_execution_stopped_by_hand_ends_its_enrollment(stage: Stage) -> None:
    stop(stage)
    assert stage.enrollment(JOURNEY)["status"] == "active"  # nobody else would end it
    assert take(stage, event_of(stage)) == GOOD
    enrollment = stage.enrollment(JOURNEY)
    assert (enrollment["status"], enrollment["outcome"]) == ("ended", "failed")
    assert enrollment["expires"] == enrollment["forget_at"]
    (record,) = stage.records(keys.FINISHED_PREFIX)
    assert (record["outcome"], record["reason"]) == ("failed", "ABORTED")
    assert record["execution"] == enrollment["execution"]
    assert record["ended_at"] == enrollment["ended_at"]


def test_an_event_that_comes_again_changes_nothing(stage: Stage) -> None:
    event = event_of(stage, "FAILED", error="States.Runtime")
    assert take(stage, event, event) == GOOD
    before = stage.enrollment(JOURNEY), stage.records(keys.FINISHED_PREFIX)
    assert take(stage, event) == GOOD
    assert (stage.enrollment(JOURNEY), stage.records(keys.FINISHED_PREFIX)) == before
    assert ends(stage) == [("failed", "States.Runtime")]


def test_an_enrollment_that_was_left_before_keeps_its_end(stage: Stage) -> None:
    event = event_of(stage)
    stage.track("Order Completed", order_id="o", revenue=1.0)
    left = ends(stage)
    assert [outcome for outcome, _ in left] == ["converted"]
    assert take(stage, event) == GOOD
    assert ends(stage) == left


def test_an_event_of_an_earlier_run_does_not_end_the_next_one(stage: Stage) -> None:
    event = event_of(stage)
    given = json.loads(event["detail"]["input"])
    given["ids"]["run"] -= 1
    event["detail"]["input"] = json.dumps(given)
    assert take(stage, event) == GOOD
    assert stage.enrollment(JOURNEY)["status"] == "active"


def test_events_reach_an_enrollment_that_ended_this_way_no_more(stage: Stage) -> None:
    take(stage, event_of(stage))
    stage.track("Order Completed", order_id="o", revenue=1.0)
    assert ends(stage) == [("failed", "ABORTED")]


@pytest.mark.parametrize("operation", ["send_message", "get_item", "transact_write_items"])
def test_what_fails_comes_again_and_is_done_then(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    client = clients.client("sqs" if operation == "send_message" else "dynamodb")
    event = event_of(stage)
    with monkeypatch.context() as broken:

        def refuse(**_: Any) -> Any:
            error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]  # all that is looked at

        broken.setattr(client, operation, refuse)
        assert take(stage, event) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert stage.enrollment(JOURNEY)["status"] == "active"
    assert take(stage, event) == GOOD
    assert ends(stage) == [("failed", "ABORTED")]


def test_what_was_done_although_it_seemed_to_fail_is_not_done_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients.client("dynamodb")
    real = client.transact_write_items
    event = event_of(stage)
    with monkeypatch.context() as broken:

        def act_and_fail(**arguments: Any) -> Any:
            real(**arguments)
            error = {"Error": {"Code": "ServiceUnavailable", "Message": "no answer"}}
            raise ClientError(error, "TransactWriteItems")  # type: ignore[arg-type]  # as above

        broken.setattr(client, "transact_write_items", act_and_fail)
        assert take(stage, event) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert take(stage, event) == GOOD
    assert ends(stage) == [("failed", "ABORTED")]


def test_a_hold_past_its_time_ends_with_the_next_event_and_the_log_says_so(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """For an event that EventBridge never delivered. The alarm looks for this line."""
    enrollment = stage.enrollment(JOURNEY)
    (opened,) = (name for name in enrollment if name.endswith("_opened"))
    key = keys.enrollment(stage.customer(), f"{JOURNEY}#{enrollment['key_hash']}")
    stage.store.write(Update(key, {opened: "2026-11-01T00:00:00.000Z"}))
    stage.track("Product Viewed", product_id="p")
    assert ends(stage) == [("failed", OVERDUE)]
    (told,) = (vars(line)["problem"] for line in caplog.records if "problem" in vars(line))
    assert told.startswith(f"{JOURNEY} ")
    assert told.endswith(OVERDUE)


def test_free_text_of_whoever_stopped_it_is_not_kept(stage: Stage) -> None:
    take(stage, event_of(stage, error="ask ada@example.com", cause="Ada called"))
    assert ends(stage) == [("failed", "ABORTED")]


def test_an_execution_that_nobody_s_enrollment_began_is_passed_over(stage: Stage) -> None:
    assert take(stage, event_of(stage, input="{}"), event_of(stage, input="[]")) == GOOD
    assert stage.enrollment(JOURNEY)["status"] == "active"


def test_an_event_without_its_input_is_kept_for_an_operator(stage: Stage) -> None:
    cut = event_of(stage, input=None, inputDetails={"included": False})
    assert take(stage, cut, event_of(stage)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert ends(stage) == [("failed", "ABORTED")]
