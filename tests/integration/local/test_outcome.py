"""What counts as a failed run."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local import outcome
from infra.local.account import ACCOUNT, REGION
from infra.local.engine import LocalEngine


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(datetime(2026, 11, 24, tzinfo=UTC)) as engine:
        yield engine


def machine(engine: LocalEngine, name: str, state: dict[str, Any]) -> None:
    engine.create_machine(name, json.dumps({"StartAt": "Only", "States": {"Only": state}}))


def stopped(engine: LocalEngine, error: str) -> None:
    machine(engine, "waits", {"Type": "Wait", "Seconds": 60, "End": True})
    execution = engine.start("waits", "e", {})
    engine.settle()
    engine.client("stepfunctions").stop_execution(executionArn=execution, error=error)
    engine.settle()


def test_an_end_and_a_stop_by_an_exit_are_no_failures(engine: LocalEngine) -> None:
    machine(engine, "ends", {"Type": "Succeed"})
    engine.start("ends", "e", {})
    stopped(engine, "Exited")
    engine.run_until_idle()
    ended = outcome.look()
    assert ended.executions == {("ends", "SUCCEEDED"): 1, ("waits", "ABORTED (Exited)"): 1}
    assert not ended.is_failure
    assert list(ended.complaints()) == []


def test_any_other_stop_is_a_failure(engine: LocalEngine) -> None:
    stopped(engine, "Panic")
    assert outcome.look().is_failure


def test_a_failed_execution_is_a_failure_and_named(engine: LocalEngine) -> None:
    machine(engine, "fails", {"Type": "Fail", "Error": "Broken"})
    execution = engine.start("fails", "e", {})
    engine.run_until_idle()
    ended = outcome.look()
    assert ended.is_failure
    assert list(ended.complaints()) == [f"execution failed: {execution} Broken"]


def test_a_dead_letter_is_a_failure(engine: LocalEngine) -> None:
    sqs = engine.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    redrive = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 3})
    sqs.create_queue(QueueName="work", Attributes={"RedrivePolicy": redrive})
    assert not outcome.look().is_failure
    sqs.send_message(QueueUrl=dead, MessageBody="lost")
    assert outcome.look().dead_letters == {"dead": 1}
    assert outcome.look().is_failure
