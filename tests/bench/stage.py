"""A whole stage in this process: real handlers on moto, compiled journeys, stepped time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local.account import ACCOUNT, REGION, function_arn, machine_arn
from infra.local.engine import LocalEngine
from infra.local.functions import Function
from tests.bench.bundle import compiled

BUCKET = "stepwell-local-programs"
FUNCTIONS = ("ingest", "router", "plan", "consent", "frequency_cap", "delivery")
_EXECUTIONS = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:stepwell-local-"
_EVENTS = "stepwell-local-events.fifo"


class Stage:
    """Takes calls of the tracking API and works them off, as the deployed stack does."""

    def __init__(self, start: datetime) -> None:
        self.engine = LocalEngine(start)
        self._open = ExitStack()
        self._queue_url = ""

    def __enter__(self) -> Self:
        self._open.enter_context(self.engine)
        self.engine.create_tables()
        self._put_bundle()
        self._put_write_key()
        self.engine.add_functions(self._functions())
        self._make_machines()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def send(self, calls: list[dict[str, Any]]) -> None:
        """Through ingest, the queue and the router, in batches of 20 and 10."""
        for start in range(0, len(calls), 20):
            self._ingest(calls[start : start + 20])
        while records := self._receive():
            answer = self.engine.invoke("stepwell-local-router", {"Records": records})
            if answer["batchItemFailures"]:
                raise RuntimeError(f"the router refused events: {answer}")

    def executions(self, journey: str) -> list[str]:
        """ARNs of a journey's executions."""
        machine = machine_arn(f"stepwell-local-{journey}")
        answer = self.engine.client("stepfunctions").list_executions(stateMachineArn=machine)
        return [each["executionArn"] for each in answer["executions"]]

    def _ingest(self, batch: list[dict[str, Any]]) -> None:
        event = {
            "path": "/v1/batch",
            "headers": {"Authorization": "Basic bG9jYWw6"},
            "body": json.dumps({"batch": batch}),
        }
        answer = self.engine.invoke("stepwell-local-ingest", event)
        if answer["statusCode"] != 200:
            raise RuntimeError(f"ingest answered {answer}")

    def _receive(self) -> list[dict[str, Any]]:
        """A batch as Lambda hands it over; taken off the queue, for nothing here comes again."""
        sqs = self.engine.client("sqs")
        taken = sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        for each in taken:
            sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=each["ReceiptHandle"])
        return [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": each["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{_EVENTS}",
                "awsRegion": REGION,
            }
            for each in taken
        ]

    # ------------------------------------------------------------------ set-up

    def _put_bundle(self) -> None:
        s3 = self.engine.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for path in compiled().folder.rglob("*.json"):
            key = path.relative_to(compiled().folder).as_posix()
            s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    def _put_write_key(self) -> None:
        key = hashlib.sha256(b"local").hexdigest()
        item = {"pk": f"WRITE_KEY#{key}", "sk": "WRITE_KEY", "source": "local"}
        self.engine.client("dynamodb").put_item(
            TableName="stepwell-local-customers",
            Item={name: {"S": value} for name, value in item.items()},
        )

    def _functions(self) -> Iterable[Function]:
        environment = self._environment()
        for folder in FUNCTIONS:
            name = f"stepwell-local-{folder.replace('_', '-')}"
            yield Function(name, (Path("functions") / folder,), environment=environment)

    def _environment(self) -> dict[str, str]:
        client = self.engine.client
        fifo = {"FifoQueue": "true"}
        events = client("sqs").create_queue(QueueName=_EVENTS, Attributes=fifo)
        self._queue_url = events["QueueUrl"]
        commands = client("sqs").create_queue(QueueName="stepwell-local-commands")
        secret = client("secretsmanager").create_secret(Name="hash", SecretString="x" * 64)
        client("sesv2").create_email_identity(EmailIdentity="example.com")
        application = client("sns").create_platform_application(
            Name="stepwell-local", Platform="GCM", Attributes={}
        )
        return {
            "STAGE": "local",
            "AWS_DEFAULT_REGION": REGION,
            "CUSTOMERS_TABLE": "stepwell-local-customers",
            "RECORDS_TABLE": "stepwell-local-records",
            "PROGRAMS_BUCKET": BUCKET,
            "CATALOG_KEY": compiled().catalog_key,
            "POLICIES_KEY": compiled().policies_key,
            "HASH_SECRET_ARN": secret["ARN"],
            "EVENTS_QUEUE_URL": self._queue_url,
            "COMMANDS_QUEUE_URL": commands["QueueUrl"],
            "JOURNEY_ARN_PREFIX": machine_arn("stepwell-local-"),
            "EXECUTION_ARN_PREFIX": _EXECUTIONS,
            "EMAIL_FROM": "shop@example.com",
            "EMAIL_CONFIGURATION_SET": "",
            "SMS_SENDER_ID": "Stepwell",
            "PUSH_APPLICATION_ARN": application["PlatformApplicationArn"],
        }

    def _make_machines(self) -> None:
        functions = {
            f"{name}FunctionArn": function_arn(f"stepwell-local-{function}")
            for name, function in (
                ("Plan", "plan"),
                ("Consent", "consent"),
                ("FrequencyCap", "frequency-cap"),
                ("Delivery", "delivery"),
            )
        }
        text = Path("statemachines/send_message.asl.json").read_text(encoding="utf-8")
        send = self.engine.create_machine(
            "stepwell-local-send_message", text, functions, express=True
        )
        tables = {
            "CustomersTable": "stepwell-local-customers",
            "RecordsTable": "stepwell-local-records",
        }
        for journey, machine in compiled().machines.items():
            self.engine.create_machine(
                f"stepwell-local-{journey}",
                json.dumps(machine),
                {**functions, **tables, "SendMessageArn": send},
            )
