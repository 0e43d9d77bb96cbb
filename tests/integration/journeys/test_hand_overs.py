"""Hand-overs on moto: the real handler, an event bus that moto has, webhooks over HTTP."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from moto.events.models import EventsBackend
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from stepwell.cli.main import main
from stepwell.customers import keys, slots
from stepwell.customers.overview import overview
from stepwell.handover.errors import EnrollmentEndedError
from stepwell.handover.webhooks import as_text, key_of, signed
from stepwell.profile.rules import ProfileRules
from tests.support.aws_faults import AwsFaults, Fault, Invocation, Kind
from tests.support.handovers import DESTINATIONS, Receiver, write_care
from tests.support.stage import PREFIX, TUESDAY, WEBHOOK_KEY, Stage

ASK = "Ask a human"
GIVE_UP = "Ask a human: not handed over"


@contextmanager
def staged(root: Path, destinations: str = DESTINATIONS) -> Iterator[Stage]:
    """Retries of state machines come at once; on moto they take real time."""
    quick = patch.object(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
    with quick, Stage(project=write_care(root, destinations)) as stage:
        stage.identify(phone="+447700900123", first_name="Ada", timezone="Europe/London")
        _subscribe(stage)
        yield stage


def _subscribe(stage: Stage) -> None:
    """A rule of the account leads hand-overs into a queue."""
    queue, events = stage.engine.client("sqs"), stage.engine.client("events")
    queue.create_queue(QueueName="desk")
    events.put_rule(Name="desk", EventPattern=json.dumps({"source": ["stepwell"]}))
    arn = f"arn:aws:sqs:us-east-1:123456789012:{'desk'}"
    events.put_targets(Rule="desk", Targets=[{"Id": "1", "Arn": arn}])


def on_the_bus(stage: Stage) -> list[dict[str, Any]]:
    queue = stage.engine.client("sqs")
    url = queue.get_queue_url(QueueName="desk")["QueueUrl"]
    found = []
    while messages := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for each in messages:
            queue.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            found.append(json.loads(each["Body"]))
    return found


def webhook(url: str, timeout: str = "5s") -> str:
    """One of the local stage, for the project is deployed with another one."""
    return f"""\
destinations:
  helpdesk:
    event_bus: {{}}
    stages:
      local: {{webhook: {{url: "{url}", timeout: {timeout}}}}}
"""


def records(stage: Stage, user: str = "ada") -> list[tuple[str, str, str]]:
    """(outcome, reference, why not) of each."""
    return [
        (each["outcome"], each.get("reference", ""), each.get("detail") or each.get("failure", ""))
        for each in stage.records(keys.HAND_OVER_PREFIX, user)
    ]


# ------------------------------------------------------------------------------ the whole way


def test_a_human_is_asked_and_the_journey_goes_on(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.track("Began")
        (event,) = on_the_bus(stage)
        enrollment = stage.enrollment("care")
        execution = enrollment["execution"]
        assert (event["source"], event["detail-type"]) == ("stepwell", "Hand-over")
        assert event["detail"] == {
            "id": f"{execution}-ask_a_human",
            "asked_at": "2026-11-24T21:14:00.000Z",
            "destination": "helpdesk",
            "reason": "Somebody is stuck",
            "customer": {
                "id": stage.customer(),
                "user_id": "ada",
                "traits": {"first_name": "Ada"},
            },
            "journey": "care",
            "version": enrollment["version"],
            "enrollment": "care#one",
            "execution": execution,
            "step": "ask_a_human",
        }
        assert stage.states("care") == [ASK, "Wait for an answer"]
        assert [outcome for outcome, _, _ in records(stage)] == ["handed_over"]
        now = stage.engine.clock.now()
        shown = overview(stage.store, stage.customer(), ProfileRules(), now)["hand_overs"]
        assert [(each["destination"], each["outcome"]) for each in shown] == [
            ("helpdesk", "handed_over")
        ]
        stage.track("Acted")  # a human has answered
        assert stage.engine.status(stage.execution("care")) == "SUCCEEDED"
        assert stage.sent_sms() == []


def test_nothing_personal_is_in_the_execution(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.track("Began")
        history = json.dumps(stage.engine.history(stage.execution("care")), default=str)
        assert "stepwell-local-hand-over" in history
        found = re.findall(r"\b(?:ada|Ada)\b|447700900123", history)  # within an id "ada" is chance
        assert found == []


def test_who_left_meanwhile_is_not_handed_over(tmp_path: Path) -> None:
    """The task comes late: the exit was marked, and has not stopped the execution yet."""
    with staged(tmp_path) as stage:
        name, late = f"{PREFIX}hand-over", list[Any]()
        real = stage.engine.functions.handler(name)

        def ended(event: Any, _context: Any) -> Any:
            late.append(event)
            raise EnrollmentEndedError

        stage.engine.replace_function(name, ended)
        stage.track("Began")
        assert stage.states("care") == [ASK, "Left"]
        stage.track("Left")
        stage.engine.replace_function(name, real)
        assert len(late) == 1
        for payload in (late[0], {**late[0], "failure": {"Error": "States.Timeout", "Cause": ""}}):
            answer, failed = stage.engine.try_invoke(name, payload)
            assert (failed, answer["errorType"]) == ("Unhandled", "EnrollmentEndedError")
        assert (on_the_bus(stage), records(stage)) == ([], [])


# ------------------------------------------------------------------------- what goes wrong


def test_a_webhook_that_refuses_leads_to_the_fallback_at_once(tmp_path: Path) -> None:
    with Receiver([404]) as receiver, staged(tmp_path, webhook(receiver.url)) as stage:
        stage.track("Began")
        assert len(receiver.received) == 1
        assert stage.states("care")[:3] == [ASK, GIVE_UP, "Sorry"]
        assert stage.sent_sms() == ["Hello"]
        assert records(stage) == [("failed", "", "HTTP 404")]
        assert slots.is_open(stage.enrollment("care"), "wait_for_an_answer")


def test_a_webhook_that_hangs_is_asked_five_times_and_leads_to_the_fallback(
    tmp_path: Path,
) -> None:
    with Receiver([0]) as receiver, staged(tmp_path, webhook(receiver.url, "1s")) as stage:
        stage.track("Began")
        assert len(receiver.received) == 5
        assert len({each.body for each in receiver.received}) == 1
        assert {each.headers["idempotency-key"] for each in receiver.received} == {
            f"{stage.enrollment('care')['execution']}-ask_a_human"
        }
        assert stage.states("care")[:3] == [ASK, GIVE_UP, "Sorry"]
        assert records(stage) == [("failed", "", "ReadTimeoutError")]


def test_a_webhook_that_comes_back_is_told(tmp_path: Path) -> None:
    with Receiver([503, 429, 200]) as receiver, staged(tmp_path, webhook(receiver.url)) as stage:
        stage.track("Began")
        assert len(receiver.received) == 3
        assert stage.states("care") == [ASK, "Wait for an answer"]
        assert records(stage) == [("handed_over", "HTTP 200", "")]


def test_a_webhook_is_signed_with_its_own_key_of_the_stage(tmp_path: Path) -> None:
    with Receiver() as receiver, staged(tmp_path, webhook(receiver.url)) as stage:
        stage.track("Began")
    (call,) = receiver.received
    at = int(call.headers["webhook-timestamp"])
    moment = TUESDAY.fromtimestamp(at, TUESDAY.tzinfo)
    key = key_of(WEBHOOK_KEY, "helpdesk")
    expected = signed([key], call.headers["webhook-id"], moment, call.body)
    assert call.headers["webhook-signature"] == expected["webhook-signature"]


def test_the_receiver_is_given_the_key_that_signs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with staged(tmp_path):
        assert main(["webhook-key", "helpdesk", "--stage", "local"]) == 0
        said = capsys.readouterr()
        assert said.out.strip() == as_text(key_of(WEBHOOK_KEY, "helpdesk"))
        assert "whether stage local has a destination 'helpdesk' is not known: " in said.err
        assert "Function not found" in said.err
        assert main(["webhook-key", "helpdesk", "--stage", "prod"]) == 2
        assert "stepwell-prod-webhook-key" in capsys.readouterr().err


def test_a_key_is_given_for_destinations_that_are_deployed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with staged(tmp_path) as stage:
        _describe_hand_over(stage)
        assert main(["webhook-key", "helpdesk", "--stage", "local"]) == 0
        said = capsys.readouterr()
        assert (said.out.strip(), said.err) == (as_text(key_of(WEBHOOK_KEY, "helpdesk")), "")
        assert main(["webhook-key", "help_desk", "--stage", "local"]) == 2
        said = capsys.readouterr()
        refused = "stage local has no destination 'help_desk'. Did you mean \"helpdesk\"?"
        assert (said.out, said.err) == ("", f"stepwell: {refused}\n")


def _describe_hand_over(stage: Stage) -> None:
    """The function as Lambda knows it; what runs is this process's."""
    role = stage.engine.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    named = ("PROGRAMS_BUCKET", "DESTINATIONS_KEY")
    stage.engine.client("lambda").create_function(
        FunctionName=f"{PREFIX}hand-over",
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="handler.handler",
        Code={"ZipFile": b"-"},
        Environment={"Variables": {each: os.environ[each] for each in named}},
    )


def test_a_bus_that_is_gone_leads_to_the_fallback(tmp_path: Path) -> None:
    gone = DESTINATIONS.replace("event_bus: {}", "event_bus: {bus: nobody}")
    with staged(tmp_path, gone) as stage:

        def refuse(*_: Any, **__: Any) -> Any:
            return [{"ErrorCode": "ResourceNotFoundException", "ErrorMessage": "no bus"}]

        with patch.object(EventsBackend, "put_events", refuse):
            stage.track("Began")
        assert records(stage) == [("failed", "", "ResourceNotFoundException")]
        assert stage.sent_sms() == ["Hello"]


_CALLS = [
    "dynamodb.BatchGetItem",
    "dynamodb.GetItem",
    "dynamodb.UpdateItem",
    "events.PutEvents",
    "dynamodb.PutItem",
]
"""Enrollment and record, profile, slot, destination, record."""


def test_a_function_that_breaks_off_anywhere_asks_once_or_with_the_same_id(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, AwsFaults(stage) as faults:
        stage.track("Began", "warm")  # programs, policies and destinations are read once a process
        on_the_bus(stage)
        watches: list[Invocation] = []
        faults.watch("hand_over", lambda _: watches.pop(0) if watches else None)
        for kind in Kind:
            for at in range(1, len(_CALLS) + 1):
                user, fault = f"{kind.name}-{at}", Fault(kind, at)
                watches.append(first := Invocation(fault))
                stage.track("Began", user)
                assert list(dict.fromkeys(first.calls))[:at] == _CALLS[:at], fault
                told = on_the_bus(stage)
                assert len(told) == _times_told(fault), fault
                assert len({each["detail"]["id"] for each in told}) == 1, fault
                assert [each[0] for each in records(stage, user)] == ["handed_over"], fault
                assert stage.states("care", user) == [ASK, "Wait for an answer"], fault


def _times_told(fault: Fault) -> int:
    """Twice only where it was told, and died before that was recorded."""
    before = fault.kind in {Kind.KILLED_BEFORE, Kind.THROTTLED}
    return 2 if (fault.at == 4 and not before) or (fault.at == 5 and before) else 1
