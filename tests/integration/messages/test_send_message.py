"""The Express machine with the three real handlers on moto: an answer, an item, a message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.sns.models import sns_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.engine import LocalEngine, function_arn
from infra.local.functions import Function
from stepwell.aws.dynamodb import DynamoStore
from stepwell.customers import keys
from stepwell.messages.policies import policies_document
from stepwell.storage.operations import Update
from tests.support.messages import (
    CUSTOMER,
    EXECUTION,
    NOON,
    SHIPPED,
    World,
    message_document,
    message_program,
)

ROOT = Path(__file__).parents[3]
BUCKET = "stepwell-local-programs"
FUNCTIONS = ("consent", "frequency_cap", "delivery")
MACHINE = "stepwell-local-send_message"


class Sending:
    """send_message deployed, and the world of `tests.support.messages` in its tables."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        engine.create_tables()
        client = engine.client("dynamodb")
        tables = ("stepwell-local-customers", "stepwell-local-records")
        self.world = World(store=DynamoStore(client, *tables))
        environment = self._upload() | self._providers()
        engine.add_functions(
            Function(
                f"stepwell-local-{name.replace('_', '-')}",
                (ROOT / "functions" / name,),
                environment=environment,
            )
            for name in FUNCTIONS
        )
        self._create_machine()

    def _upload(self) -> dict[str, str]:
        s3 = self.engine.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        document = policies_document(SHIPPED.read_text("utf-8"))
        s3.put_object(Bucket=BUCKET, Key="policies/p.json", Body=json.dumps(document).encode())
        self.deploy()
        return {
            "CUSTOMERS_TABLE": "stepwell-local-customers",
            "RECORDS_TABLE": "stepwell-local-records",
            "PROGRAMS_BUCKET": BUCKET,
            "POLICIES_KEY": "policies/p.json",
        }

    def deploy(self, **changes: Any) -> None:
        """Put the journey's program, with changes to its message, into the bucket."""
        self.world.program = message_program(**changes)
        key = f"programs/{self.world.program.version}.json"
        body = json.dumps(message_document(**changes)).encode()
        self.engine.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def _providers(self) -> dict[str, str]:
        self.engine.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
        secret = self.engine.client("secretsmanager").create_secret(
            Name="stepwell-local-hash", SecretString="a secret of tests"
        )
        application = self.engine.client("sns").create_platform_application(
            Name="stepwell", Platform="GCM", Attributes={"PlatformCredential": "none"}
        )
        return {
            "HASH_SECRET_ARN": secret["ARN"],
            "EMAIL_FROM": "shop@example.com",
            "SMS_PROVIDER": "sns",
            "PUSH_PROVIDER": "sns",
            "PUSH_APPLICATION_ARN": application["PlatformApplicationArn"],
        }

    def _create_machine(self) -> None:
        self.engine.create_machine(
            MACHINE,
            (ROOT / "statemachines" / "send_message.asl.json").read_text("utf-8"),
            {
                "ConsentFunctionArn": function_arn("stepwell-local-consent"),
                "FrequencyCapFunctionArn": function_arn("stepwell-local-frequency-cap"),
                "DeliveryFunctionArn": function_arn("stepwell-local-delivery"),
            },
            express=True,
        )

    def send(self, asked: int = 0) -> dict[str, Any]:
        """The answer of StartSyncExecution."""
        return self.engine.start_sync(MACHINE, self.world.state(asked))

    def answer(self, asked: int = 0) -> dict[str, Any]:
        run = self.send(asked)
        assert run["Status"] == "SUCCEEDED", run
        answer: dict[str, Any] = json.loads(run["Output"])
        return answer

    def sms(self) -> list[tuple[str, str]]:
        backend = sns_backends[ACCOUNT][REGION]
        return [(number, text) for number, text, *_ in backend.sms_messages.values()]


@pytest.fixture
def sending() -> Iterator[Sending]:
    with LocalEngine(NOON) as engine:
        yield Sending(engine)


def test_the_output_is_the_answer(sending: Sending) -> None:
    answer = sending.answer()
    assert answer == {
        "outcome": "sent",
        "reason": "accepted",
        "channel": "sms",
        "until": None,
        "decision": f"2026-11-24T12:00:00.000Z#{EXECUTION}.suggest#0",
        "message": f"{EXECUTION}.suggest",
        "asked": 0,
    }
    assert sending.sms() == [("+447700900123", "Hello Ada")]
    assert sending.answer() == answer
    assert len(sending.sms()) == 1


def test_push_and_email_go_out_too(sending: Sending) -> None:
    for channel in ("push", "email"):
        sending.deploy(channels=[channel])
        state = sending.world.state(execution=f"x-{channel}")
        run = sending.engine.start_sync(MACHINE, state)
        assert json.loads(run["Output"])["channel"] == channel


def test_suppressed_before_caps_and_by_caps(sending: Sending) -> None:
    sending.world.put_units(("email", timedelta(hours=1)), ("email", timedelta(hours=2)))
    assert sending.answer()["reason"] == "capped"
    sending.world.put_enrollment(status="ended")
    run = sending.engine.start_sync(MACHINE, sending.world.state(execution="x2"))
    assert json.loads(run["Output"])["reason"] == "exited"


def test_deferred_says_until_when(sending: Sending) -> None:
    sending.engine.run_until(NOON + timedelta(hours=10))
    answer = sending.answer()
    assert (answer["outcome"], answer["until"]) == ("deferred", "2026-11-25T08:00:00.000Z")
    sending.engine.run_until(NOON + timedelta(hours=20))
    assert sending.answer(asked=1)["outcome"] == "sent"


def refuse_sms(sending: Sending) -> Callable[[Any, Any], Any]:
    """A delivery that answers as if SMS had been refused, then does its real work."""
    real = sending.engine.functions.handler("stepwell-local-delivery")

    def deliver(event: Any, context: Any) -> Any:
        cap = event["cap"]["result"]
        if cap["channel"] != "sms":
            return real(event, context)
        return {
            "outcome": "next_channel",
            "channels": cap["channels"],
            "message": cap["message"],
            "rules": cap["rules"],
        }

    return deliver


def test_a_refused_channel_goes_round_by_the_caps(sending: Sending) -> None:
    sending.engine.replace_function("stepwell-local-delivery", refuse_sms(sending))
    assert sending.answer()["channel"] == "push"
    assert [each["channel"] for each in sending.world.units()] == ["push"]


def test_a_delivery_that_dies_fails_the_run_and_the_next_ask_is_unknown(sending: Sending) -> None:
    real = sending.engine.functions.handler("stepwell-local-delivery")

    def die(event: Any, context: Any) -> Any:
        real(event, context)
        # As it stood between the provider's answer and the record.
        key = keys.message(CUSTOMER, f"{EXECUTION}.suggest")
        sending.world.store.write(Update(key, {"status": "claimed"}, ("answer", "answered")))
        raise RuntimeError("died after the send")

    sending.engine.replace_function("stepwell-local-delivery", die)
    run = sending.send()
    assert run["Status"] == "FAILED"
    assert "Output" not in run
    sending.engine.replace_function("stepwell-local-delivery", real)
    assert sending.answer()["outcome"] == "unknown"
    assert len(sending.sms()) == 1
