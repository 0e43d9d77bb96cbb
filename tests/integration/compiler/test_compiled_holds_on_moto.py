"""Compiled state machines on moto as it is: holds, endings, and what is asked of send_message.

Waits are real here, so holds last a second or two. Whole journeys run on the local stack's tests.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local.engine import create_table
from stepwell.journeys.compiler.compilation import Compiled, compile_journey
from stepwell.journeys.program import canonical, initial_state, load_program
from tests.support.journey_projects import only_subject, write_project

JOURNEY = """\
journey: greeting
purpose: service
entry: {event: Began}
steps:
  - hold:
      name: First
      for: 2s
      until:
        - {event: Began, then: restart}
        - {event: Acted, then: [{delay: {name: After acting, for: 1s}}]}
  - hold: {name: Second, for: 1s, until: [{event: Acted}]}
"""
MESSAGE = "  - message: {name: Hello, channels: [sms], template: hello}\n"
KEY = {"pk": {"S": "CUSTOMER#c1"}, "sk": {"S": "ENROLLMENT#greeting#k"}}
RUN = 7


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    return compile_journey(only_subject(write_project(tmp_path, {"greeting": JOURNEY}, {})))


class Stage:
    """Two tables and one machine in moto."""

    def __init__(self) -> None:
        self.store = boto3.client("dynamodb")
        self.steps = boto3.client("stepfunctions")
        for table in ("customers", "records"):
            create_table(self.store, table)

    def enroll(self, **attributes: dict[str, str]) -> None:
        slot = {"first_visit": {"N": "1"}, "first_seq": {"N": "7"}}
        item = {"status": {"S": "active"}, "run": {"N": str(RUN)}, "forget_at": {"N": "4102444800"}}
        item |= {**slot, **attributes}
        self.store.put_item(TableName="customers", Item={**KEY, **item})

    def enrollment(self) -> dict[str, Any]:
        item: dict[str, Any] = self.store.get_item(TableName="customers", Key=KEY).get("Item", {})
        return {name: next(iter(value.values())) for name, value in item.items()}

    def finished(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.store.scan(TableName="records")["Items"]
        return items

    def set(self, **attributes: dict[str, str]) -> None:
        self.store.update_item(
            TableName="customers",
            Key=KEY,
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
        )

    def start(self, compiled: Compiled) -> str:
        text = compiled.machine_text()
        text = text.replace("${CustomersTable}", "customers").replace("${RecordsTable}", "records")
        arn = self.steps.create_state_machine(
            name="greeting", definition=text, roleArn="arn:aws:iam::123456789012:role/any"
        )["stateMachineArn"]
        program = load_program(canonical(compiled.program))
        state = initial_state(
            program,
            customer="c1",
            partition=KEY["pk"]["S"],
            sort_key=KEY["sk"]["S"],
            enrollment="greeting#k",
            run=RUN,
            execution="c1-k-7",
        )
        started = self.steps.start_execution(
            stateMachineArn=arn, name="c1-k-7", input=json.dumps(state)
        )
        return str(started["executionArn"])

    def token(self, armed_for: str) -> str:
        wait_for(lambda: self.enrollment().get("token_for") == armed_for)
        return str(self.enrollment()["token"])

    def wake(self, token: str, **result: str) -> None:
        self.steps.send_task_success(taskToken=token, output=json.dumps(result))

    def ended(self, execution: str) -> tuple[str, list[str]]:
        """The execution's status and the names of its states, when it has ended."""
        wait_for(lambda: self._status(execution) != "RUNNING")
        events = self.steps.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        entered = [
            each["stateEnteredEventDetails"]["name"]
            for each in events
            if "stateEnteredEventDetails" in each
        ]
        return self._status(execution), entered

    def _status(self, execution: str) -> str:
        return str(self.steps.describe_execution(executionArn=execution)["status"])


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield Stage()


def test_silence_closes_the_slot_and_opens_the_next(stage: Stage, compiled: Compiled) -> None:
    stage.enroll()
    status, entered = stage.ended(stage.start(compiled))
    assert status == "SUCCEEDED"
    assert entered == [
        "First",
        "First: time is up",
        "Second",
        "Second: time is up",
        "Journey completed",
    ]
    enrollment = stage.enrollment()
    assert (enrollment["first_outcome"], enrollment["second_outcome"]) == ("timeout", "timeout")
    assert (enrollment["second_visit"], enrollment["second_seq"]) == ("1", "7")
    assert (enrollment["status"], enrollment["outcome"]) == ("ended", "completed")
    assert enrollment["expires"] == "4102444800"
    (record,) = stage.finished()
    assert record["sk"] == {"S": "FINISHED#greeting#k#7"}
    assert record["version"] == {"S": compiled.version}


def test_token_leads_to_its_branch(stage: Stage, compiled: Compiled) -> None:
    stage.enroll()
    execution = stage.start(compiled)
    token = stage.token("first#1")
    stage.set(first_outcome={"S": "acted"})
    stage.wake(token, visit="1", outcome="acted")
    status, entered = stage.ended(execution)
    assert status == "SUCCEEDED"
    assert entered[:4] == ["First", "First: what happened", "After acting", "Second"]
    assert stage.enrollment()["second_seq"] == "7"  # opened by its arming, as a delay came before


def test_restart_arms_the_next_visit(stage: Stage, compiled: Compiled) -> None:
    stage.enroll()
    execution = stage.start(compiled)
    token = stage.token("first#1")
    stage.set(first_visit={"N": "2"}, first_seq={"N": "9"})
    stage.wake(token, visit="2", outcome="restart")
    assert stage.token("first#2") != token
    _, entered = stage.ended(execution)
    assert entered[:4] == ["First", "First: what happened", "First", "First: time is up"]
    assert stage.enrollment()["second_seq"] == "9"


def test_lost_wake_is_found_when_the_time_is_up(stage: Stage, compiled: Compiled) -> None:
    """The router stored a restart and then an event, and neither token call arrived."""
    stage.enroll()
    execution = stage.start(compiled)
    stage.token("first#1")
    stage.set(first_visit={"N": "2"}, first_seq={"N": "9"})
    stage.token("first#2")
    stage.set(first_outcome={"S": "acted"})
    _, entered = stage.ended(execution)
    again = ["First: time is up", "First: what was stored", "First: stored outcome"]
    assert entered[:9] == ["First", *again, "First: started again", "First", *again]
    assert entered[9] == "After acting"


@pytest.mark.parametrize(
    "change",
    [{"status": {"S": "ended"}}, {"run": {"N": "8"}}, {"first_outcome": {"S": "exit"}}],
    ids=["ended", "another run", "exit stored"],
)
def test_enrollment_that_is_gone_is_left_alone(
    stage: Stage, compiled: Compiled, change: dict[str, dict[str, str]]
) -> None:
    stage.enroll(**change)
    before = stage.enrollment()
    status, entered = stage.ended(stage.start(compiled))
    assert (status, entered[-1]) == ("SUCCEEDED", "Left")
    assert stage.enrollment() == before
    assert stage.finished() == []


def test_missing_enrollment_is_left_and_not_made(stage: Stage, compiled: Compiled) -> None:
    status, entered = stage.ended(stage.start(compiled))
    assert (status, entered[-1]) == ("SUCCEEDED", "Left")
    assert stage.enrollment() == {}


def test_exit_wakes_the_hold_into_left(stage: Stage, compiled: Compiled) -> None:
    stage.enroll()
    execution = stage.start(compiled)
    token = stage.token("first#1")
    stage.set(first_outcome={"S": "exit"}, status={"S": "ended"})
    stage.wake(token, visit="1", outcome="exit")
    assert stage.ended(execution) == ("SUCCEEDED", ["First", "First: what happened", "Left"])


def test_outcome_the_definition_does_not_know_fails_in_sight(
    stage: Stage, compiled: Compiled
) -> None:
    stage.enroll(first_outcome={"S": "of_another_version"})
    status, entered = stage.ended(stage.start(compiled))
    assert (status, entered[-1]) == ("FAILED", "Failed")


def test_question_to_send_message_has_ids_literals_and_asked(stage: Stage, tmp_path: Path) -> None:
    text = "".join(JOURNEY.partition("steps:\n")[:2]) + MESSAGE
    asking = compile_journey(only_subject(write_project(tmp_path, {"greeting": text})))
    question = asking.machine["States"]["Hello"]["Parameters"]["Input.$"]
    asked = {"Type": "Pass", "Parameters": {"input.$": question}, "End": True}
    machine = {"StartAt": "Hello", "States": {"Hello": asked}}
    stage.enroll()
    execution = stage.start(Compiled("greeting", asking.version, asking.program, machine))
    stage.ended(execution)
    output = json.loads(stage.steps.describe_execution(executionArn=execution)["output"])
    assert json.loads(output["input"]) == {
        "customer": "c1",
        "enrollment": "greeting#k",
        "run": RUN,
        "execution": "c1-k-7",
        "journey": "greeting",
        "version": asking.version,
        "step": "hello",
        "asked": 0,
    }
