"""Parked waits on moto: real handlers, alarms that ring, exits at every moment of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import DynamoDBBackend
from moto.scheduler.models import EventBridgeSchedulerBackend
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from infra.local.account import machine_arn
from stepwell.customers import keys, slots
from stepwell.journeys.compiler.compilation import compile_project
from tests.support.journey_projects import write_project
from tests.support.stage import PREFIX, STATEMACHINES, TUESDAY, Stage

JOURNEY = """\
journey: later
purpose: service
park_waits_over: 7d
entry: {event: Began, reentry: always}
exit: [{event: Left}]
steps:
  - delay: {name: A month, for: 30d}
  - message: {name: Hello, channels: [sms], template: hello}
  - delay: {name: Renewal, until: {date: customer.traits.renews, offset: -1d, at: "09:00 local"}}
  - hold: {name: Wait for an act, for: 1h, until: [{event: Acted}]}
  - message: {name: Again, channels: [sms], template: hello}
"""
MONTH = timedelta(days=30)
RINGS = TUESDAY + MONTH
SECOND = timedelta(seconds=1)
RENEWAL = datetime.fromisoformat("2027-02-27T09:00:00+00:00")
"""09:00 in London, the day before `renews`."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Retries of state machines come at once; on moto they take real time."""
    quick = patch.object(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
    with quick, Stage(project=project(tmp_path, JOURNEY)) as stage:
        stage.identify(phone="+447700900123", timezone="Europe/London", renews="2027-02-28")
        yield stage


def project(root: Path, journey: str) -> Path:
    write_project(root, {"later": journey})
    shutil.copy(STATEMACHINES / "send_message.asl.json", root / "statemachines")
    return root


# ---------------------------------------------------------------- the whole way


def test_an_enrollment_goes_on_in_legs_and_none_is_open_while_it_is_parked(stage: Stage) -> None:
    stage.track("Began")
    first = stage.enrollment("later")["execution"]
    assert _told(stage) == [("later", first, "SUCCEEDED")]
    assert stage.enrollment("later")["status"] == slots.ACTIVE
    assert _alarms(stage) == [f"{first}-2"]
    stage.engine.run_until(RINGS)
    assert stage.sent_sms() == []
    stage.engine.run_until(RINGS + SECOND)
    assert stage.sent_sms() == ["Hello"]
    assert [at for at, *_ in stage.decisions()] == ["2026-12-24T21:14:00.000Z"]
    assert stage.enrollment("later")["parked_until"] == "2027-02-27T09:00:00.000Z"
    assert _alarms(stage) == [f"{first}-3"]  # what has rung is gone
    stage.engine.run_until(RENEWAL + SECOND)
    assert _running(stage) == [f"{first}-3"]
    stage.engine.run_until_idle()
    assert stage.sent_sms() == ["Hello", "Hello"]
    assert [status for _, _, status in _told(stage)] == ["SUCCEEDED"] * 3
    assert _alarms(stage) == []


def test_message_ids_records_and_the_end_have_the_first_legs_name(stage: Stage) -> None:
    stage.track("Began")
    first = stage.enrollment("later")["execution"]
    stage.engine.run_until_idle()
    messages = {each["message"] for each in stage.records(keys.MESSAGE_PREFIX)}
    assert messages == {f"{first}.hello", f"{first}.again"}
    (finished,) = stage.records(keys.FINISHED_PREFIX)
    assert (finished["execution"], finished["outcome"]) == (first, "completed")


def test_a_hold_of_a_later_leg_is_woken(stage: Stage) -> None:
    stage.track("Began")
    stage.engine.run_until(RENEWAL + timedelta(minutes=10))
    stage.track("Acted")
    stage.engine.settle()
    assert stage.sent_sms() == ["Hello", "Hello"]
    assert _running(stage) == []


# ---------------------------------------------------------------- exits


MOMENTS = {
    "at once": TUESDAY,
    "in the middle": TUESDAY + MONTH / 2,
    "at the moment": RINGS,
    "a second after, parked again": RINGS + SECOND,
    "in the hold of the last leg": RENEWAL + SECOND,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_left_gets_nothing_more_and_no_leg_is_opened(stage: Stage, moment: str) -> None:
    stage.track("Began")
    stage.engine.run_until(MOMENTS[moment])
    sent, legs = stage.sent_sms(), [name for _, name, _ in _told(stage)]
    stage.track("Left")
    assert _running(stage) == []
    stage.engine.run_until_idle()
    assert stage.sent_sms() == sent
    assert [name for _, name, _ in _told(stage)] == legs
    assert stage.enrollment("later")["outcome"] == "exited"
    assert _alarms(stage) == []


def test_who_left_between_the_alarm_and_its_message_is_not_gone_on_with(stage: Stage) -> None:
    stage.track("Began")
    stage.holds_commands = True
    stage.engine.run_until(RINGS + SECOND)
    stage.track("Left")
    stage.carry_out_commands(times=2)
    stage.engine.run_until_idle()
    assert stage.sent_sms() == []
    assert len(_told(stage)) == 1


def test_a_new_entry_replaces_what_is_parked(stage: Stage) -> None:
    stage.track("Began")
    first = stage.enrollment("later")["execution"]
    stage.engine.run_until(TUESDAY + timedelta(days=10))
    stage.track("Began")
    second = stage.enrollment("later")["execution"]
    assert _alarms(stage) == sorted([f"{first}-2", f"{second}-2"])
    stage.engine.run_until(RINGS + SECOND)
    assert stage.sent_sms() == []
    stage.engine.run_until(RINGS + timedelta(days=10) + SECOND)
    assert stage.sent_sms() == ["Hello"]
    assert f"{first}-2" not in [name for _, name, _ in _told(stage)]


# ---------------------------------------------------------------- repeats and failures


def test_an_alarm_that_comes_three_times_starts_one_leg(stage: Stage) -> None:
    stage.track("Began")
    stage.holds_commands = True
    stage.engine.run_until(RINGS + SECOND)
    stage.carry_out_commands(times=3)
    stage.engine.settle()
    assert stage.sent_sms() == ["Hello"]
    assert len(_told(stage)) == 2


def test_a_redelivery_when_the_leg_has_parked_again_changes_nothing(stage: Stage) -> None:
    stage.track("Began")
    stage.holds_commands = True
    stage.engine.run_until(RINGS + SECOND)
    queue = stage.engine.client("sqs")
    (message,) = queue.receive_message(QueueUrl=stage.commands_url)["Messages"]
    for _ in range(2):
        queue.send_message(QueueUrl=stage.commands_url, MessageBody=message["Body"])
        stage.carry_out_commands(times=2)
        stage.engine.settle()
        stage.engine.run_until(stage.engine.clock.now() + timedelta(days=1))
    assert stage.sent_sms() == ["Hello"]
    assert len(_told(stage)) == 2
    assert stage.enrollment("later")["leg"] == 3


def test_an_alarm_whose_answer_was_lost_is_set_once(stage: Stage) -> None:
    """It is set again, is there already, and that is as good."""
    create: Any = EventBridgeSchedulerBackend.create_schedule
    calls: list[str] = []

    def acts_and_fails_once(self: Any, **arguments: Any) -> Any:
        calls.append(arguments["name"])
        made = create(self, **arguments)
        if len(calls) == 1:
            raise JsonRESTError("InternalServerException", "the answer was lost")
        return made

    with patch.object(EventBridgeSchedulerBackend, "create_schedule", acts_and_fails_once):
        stage.track("Began")
    first = stage.enrollment("later")["execution"]
    assert calls == [f"{first}-2"] * 2
    assert _alarms(stage) == [f"{first}-2"]
    stage.engine.run_until(RINGS + SECOND)
    assert stage.sent_sms() == ["Hello"]


def test_where_no_alarm_can_be_set_it_waits_natively(stage: Stage) -> None:

    def refuse(_self: Any, **_arguments: Any) -> Any:
        raise JsonRESTError("ServiceQuotaExceededException", "too many schedules")

    with patch.object(EventBridgeSchedulerBackend, "create_schedule", refuse):
        stage.track("Began")
    first = stage.enrollment("later")["execution"]
    assert _running(stage) == [first]
    assert stage.states("later")[-1] == "A month"
    assert "leg" not in stage.enrollment("later")
    stage.engine.run_until(RINGS + SECOND)
    assert stage.sent_sms() == ["Hello"]
    assert _alarms(stage) == [f"{first}-2"]  # the second wait is parked again


@pytest.mark.parametrize("act_first", [False, True], ids=["before it acts", "after it acted"])
def test_a_mark_that_fails_for_good_ends_in_sight_and_no_leg_follows(
    stage: Stage, act_first: bool
) -> None:
    with _failing_mark(act_first=act_first):
        stage.track("Began")
    assert stage.enrollment("later")["outcome"] == "failed"
    stage.engine.run_until_idle()
    assert stage.sent_sms() == []
    assert len(_told(stage)) == 1


def _failing_mark(*, act_first: bool) -> Any:
    update: Any = DynamoDBBackend.update_item

    def fails(self: Any, *arguments: Any, **named: Any) -> Any:
        expression = str(named.get("update_expression") or arguments)
        if "#parked_at" not in expression:
            return update(self, *arguments, **named)
        if act_first:
            update(self, *arguments, **named)
        raise JsonRESTError("InternalServerError", "for good")

    return patch.object(DynamoDBBackend, "update_item", fails)


# ---------------------------------------------------------------- versions


def test_a_leg_runs_in_the_version_that_its_enrollment_began_with(
    stage: Stage, tmp_path: Path
) -> None:
    stage.track("Began")
    changed = JOURNEY.replace("name: Hello", "name: Greeting").replace(
        "name: A month", "name: Wait"
    )
    (new,) = compile_project(project(tmp_path / "new", changed))
    machines = stage.engine.client("stepfunctions")
    deployed = machines.describe_state_machine(stateMachineArn=machine_arn(f"{PREFIX}later"))
    text = _filled(deployed["definition"], new.machine)
    machines.update_state_machine(stateMachineArn=machine_arn(f"{PREFIX}later"), definition=text)
    stage.engine.run_until(RINGS + SECOND)
    (_, leg, _) = _told(stage)[-1]
    machine = next(machine for machine, name, _ in _told(stage) if name == leg)
    arn = machine_arn(PREFIX + machine).replace(":stateMachine:", ":execution:")
    assert stage.engine.states(f"{arn}:{leg}")[:2] == ["Where to go on", "Hello"]
    assert stage.sent_sms() == ["Hello"]


def _filled(deployed: str, machine: dict[str, Any]) -> str:
    """A new definition with the names of the stage, which the deployed one has."""
    assert json.loads(deployed)["StartAt"].startswith("A month")
    text = json.dumps(machine)
    for placeholder in ("CustomersTable", "RecordsTable"):
        text = text.replace(f"${{{placeholder}}}", PREFIX + placeholder[:-5].lower())
    return text


# ---------------------------------------------------------------- looking


def _told(stage: Stage) -> list[tuple[str, str, str]]:
    """(machine, execution, status) of all executions of the journey, by their start."""
    client: Any = stage.engine.client("stepfunctions")
    found = [
        (machine["name"].removeprefix(PREFIX), each["name"], each["status"], each["startDate"])
        for machine in client.list_state_machines()["stateMachines"]
        for each in client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        if machine["name"].startswith(f"{PREFIX}later")
    ]
    by_start: Callable[[Any], Any] = lambda each: (each[3], each[1])  # noqa: E731 - named for its use
    return [(machine, name, status) for machine, name, status, _ in sorted(found, key=by_start)]


def _running(stage: Stage) -> list[str]:
    return [name for _, name, status in _told(stage) if status == "RUNNING"]


def _alarms(stage: Stage) -> list[str]:
    found = stage.engine.client("scheduler").list_schedules(GroupName=f"{PREFIX}parked")
    return sorted(each["Name"] for each in found["Schedules"])
