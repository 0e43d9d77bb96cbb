"""A whole stage in this process: tables, queues, bucket, machines and the real handlers on moto.

The state machines are the committed ones, the handlers those that are deployed, HTTP and event
source mappings apart: an event goes through ingest's handler into the queue, and `deliver` hands
what is queued to the router's handler as Lambda would.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from moto.sns.models import sns_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.clock import StepClock
from infra.local.engine import LocalEngine, function_arn, machine_arn
from infra.local.event_sources import record
from infra.local.functions import Function
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.write_keys import hash_write_key
from stepwell.customers import keys
from stepwell.customers.snapshot import Snapshot, load_snapshot
from stepwell.storage.operations import Item, Put, TableName
from stepwell.timestamps import to_text
from tests.support.roles import Grant, held_to_roles
from tests.support.stage_parts import (
    FUNCTIONS,
    INBOX_KEY,
    PLACEHOLDERS,
    PREFIX,
    ROOT,
    STATEMACHINES,
    WEBHOOK_KEY,
    bundle_folder,
    create_secrets,
    journey_machines,
    made_bundle,
    outcome_of,
    put_machine_versions,
    told_by,
    with_time_limits,
)

__all__ = [
    "ARCHIVE",
    "FUNCTIONS",
    "INBOX_KEY",
    "PREFIX",
    "QUARANTINE",
    "ROOT",
    "STATEMACHINES",
    "TUESDAY",
    "WEBHOOK_KEY",
    "Stage",
    "bundle_folder",
]

ARCHIVE = f"{PREFIX}archive-{ACCOUNT}-{REGION}"
QUARANTINE = f"{PREFIX}quarantine-{ACCOUNT}-{REGION}"
TUESDAY = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
"""A Tuesday, 21:14 in London."""


class Stage:
    """`with Stage(start) as stage:`.

    `policies` replaces parts of the shipped policies document; `seconds` time limits of
    send_message's definition, because those pass in real time. `project` is the root of another
    project whose journeys and policies run instead; `clock` another clock, standing at its start.
    `environment` has variables of functions that differ.
    """

    functions: ClassVar[tuple[str, ...]] = FUNCTIONS

    def __init__(
        self,
        start: datetime = TUESDAY,
        policies: Mapping[str, Any] | None = None,
        seconds: Mapping[int, int] | None = None,
        *,
        project: Path | None = None,
        clock: StepClock | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = environment or {}
        self.engine = LocalEngine(start, clock)
        self._declared: dict[str, set[Grant]] = {}
        self._roles = held_to_roles(self._declared)
        self._project = project
        self._policies = policies or {}
        self._seconds = seconds or {}
        self._sent = 0
        self.holds_commands = False
        """What alarms put into the commands queue stays there until `carry_out_commands`."""

    def __enter__(self) -> Self:
        self.engine.__enter__()
        self._roles.__enter__()
        try:
            self._set_up()
        except BaseException:  # else every stage after it would find its tables
            self._roles.__exit__(None, None, None)
            self.engine.__exit__(None, None, None)
            raise
        return self

    def _set_up(self) -> None:
        self._folder, self._bundle = (
            made_bundle(self._project / "statemachines") if self._project else bundle_folder()
        )
        self._declared[f"{PREFIX}hand-over"] = told_by(self._bundle.destinations)
        self.engine.create_tables()
        self.store = DynamoStore(
            self.engine.client("dynamodb"), f"{PREFIX}customers", f"{PREFIX}records"
        )
        self.store.write(Put(keys.write_key(hash_write_key("local")), {"source": "local"}))
        self._create_queues()
        environment = self._create_the_rest() | self._upload() | {**self._environment}
        self.engine.add_functions(
            Function(
                PREFIX + name.replace("_", "-"),
                (ROOT / "functions" / name,),
                environment=environment,
            )
            for name in self.functions
        )
        self._create_machines()
        self.engine.on_alarm = lambda: None if self.holds_commands else self.carry_out_commands()
        self.engine.on_sweep = self._after_sweep

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.engine.__exit__(kind, error, trace)
        self._roles.__exit__(None, None, None)
        if self._project:
            self._folder.cleanup()

    # ------------------------------------------------------------------ acting

    def call(
        self, kind: str, document: Mapping[str, Any] | str, *, key: str = "local"
    ) -> dict[str, Any]:
        """One call as API Gateway has it carried out: the authorizer, then ingest; its answer.

        A text is the body as it is.
        """
        basic = base64.b64encode(f"{key}:".encode()).decode()
        call = {
            "path": f"/v1/{kind}",
            "httpMethod": "POST",
            "headers": {"Authorization": f"Basic {basic}"},
        }
        arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:local/local/POST/v1/{kind}"
        found = self.engine.invoke(PREFIX + "authorizer", {**call, "methodArn": arn})
        answer: dict[str, Any] = self.engine.invoke(
            PREFIX + "ingest",
            {
                **call,
                "requestContext": {"authorizer": found["context"]},
                "body": document if isinstance(document, str) else json.dumps(document),
                "isBase64Encoded": False,
            },
        )
        return answer

    def track(self, event: str, user: str = "ada", **properties: Any) -> None:
        """An event that happens now, applied to its customer."""
        self._sent += 1
        document = {"event": event, "userId": user, "properties": properties}
        self._take("track", document | {"messageId": f"{event}-{self._sent}"})

    def identify(self, user: str = "ada", *, push: str | None = None, **traits: Any) -> None:
        context = {"device": {"type": "android", "token": push}} if push else {}
        self._take("identify", {"userId": user, "traits": traits, "context": context})

    def grant(self, *channels: str, purpose: str = "marketing", user: str = "ada") -> None:
        for channel in channels:
            granted = {"purpose": purpose, "channel": channel, "status": "granted"}
            self.track("Consent Updated", user, **granted)

    def deliver(self, times: int = 1) -> dict[str, Any]:
        """Hand everything that is queued to the router, each batch `times`; its last answer."""
        queue = self.engine.client("sqs")
        answer: dict[str, Any] = {}
        while messages := queue.receive_message(
            QueueUrl=self.events_url,
            MaxNumberOfMessages=10,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages"):
            for _ in range(times):
                answer = self._invoke_router([record(each, self.events_url) for each in messages])
            for each in messages:
                queue.delete_message(QueueUrl=self.events_url, ReceiptHandle=each["ReceiptHandle"])
        return answer

    def _after_sweep(self) -> None:
        self.deliver()

    def tell(self, *notices: str, times: int = 1) -> dict[str, Any]:
        """Hand provider notices to feedback `times`, then what it queued to the router."""
        records = [
            {"messageId": str(number), "body": body, "attributes": {}, "eventSource": "aws:sqs"}
            for number, body in enumerate(notices)
        ]
        answer: dict[str, Any] = {}
        for _ in range(times):
            answer = self.engine.invoke(PREFIX + "feedback", {"Records": records})
        self.deliver()
        self.engine.settle()
        return answer

    def carry_out_commands(self, times: int = 1) -> None:
        """Hand everything that lies in the commands queue to its function, each batch `times`."""
        queue = self.engine.client("sqs")
        while messages := queue.receive_message(
            QueueUrl=self.commands_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for each in messages:
                queue.delete_message(
                    QueueUrl=self.commands_url, ReceiptHandle=each["ReceiptHandle"]
                )
            records = [record(each, self.commands_url) for each in messages]
            for number in range(1, times + 1):
                for one in records:
                    one["attributes"]["ApproximateReceiveCount"] = str(number)
                answer = self.engine.invoke(PREFIX + "commands", {"Records": records})
                assert answer == {"batchItemFailures": []}, answer

    def route(self, bodies: list[str]) -> dict[str, Any]:
        """The router's answer to a batch of queue messages."""
        records = [
            {
                "messageId": str(number),
                "body": body,
                "attributes": {"MessageGroupId": "g"},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
        return self._invoke_router(records)

    def _invoke_router(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        answer: dict[str, Any] = self.engine.invoke(PREFIX + "router", {"Records": records})
        return answer

    def _take(self, kind: str, document: dict[str, Any]) -> None:
        now = {"timestamp": to_text(self.engine.clock.now())}
        answer = self.call(kind, document | now)
        assert answer["statusCode"] == 200, answer
        answer = self.deliver()
        assert answer == {"batchItemFailures": []}, answer
        self.engine.settle()

    # ------------------------------------------------------------------ looking

    def customer(self, user: str = "ada") -> str:
        answer = self.engine.invoke(PREFIX + "admin", {"pathParameters": {"id": user}})
        return str(json.loads(answer["body"])["customer"])

    def snapshot(self, user: str = "ada") -> Snapshot:
        return load_snapshot(self.store, self.customer(user))

    def enrollment(self, journey: str, user: str = "ada") -> Item:
        """The customer's only enrollment of a journey."""
        (found,) = (
            item
            for name, item in self.snapshot(user).enrollments.items()
            if name.startswith(f"{journey}#")
        )
        return found

    def execution(self, journey: str, user: str = "ada") -> str:
        """The ARN of the customer's only execution of a journey."""
        name = self.enrollment(journey, user)["execution"]
        machine = machine_arn(f"{PREFIX}{journey}").replace(":stateMachine:", ":execution:")
        return f"{machine}:{name}"

    def states(self, journey: str, user: str = "ada") -> list[str]:
        return self.engine.states(self.execution(journey, user))

    def records(self, prefix: str, user: str = "ada") -> list[Item]:
        partition = keys.partition(self.customer(user))
        return self.store.query(TableName.RECORDS, partition, prefix=prefix)

    def decisions(self, user: str = "ada") -> list[tuple[str, str, str | None, str]]:
        """(time, step, channel, "sent" or "<outcome>: <reason>") of each decision, by time."""
        return [
            (each["at"], each["step"], each.get("channel"), outcome_of(each))
            for each in self.records(keys.DECISION_PREFIX, user)
        ]

    def sent_sms(self) -> list[str]:
        """Texts that SNS took for phones."""
        return [text for _, text in self._sns().sms_messages.values()]

    def sent_push(self) -> list[str]:
        """Payloads that SNS took for devices."""
        endpoints = self._sns().platform_endpoints.values()
        return [text for each in endpoints for text in each.messages.values()]

    def _sns(self) -> Any:
        return sns_backends[ACCOUNT][REGION]

    # ------------------------------------------------------------------ setting up

    def _create_queues(self) -> None:
        sqs, fifo = self.engine.client("sqs"), {"FifoQueue": "true"}
        events = sqs.create_queue(QueueName=f"{PREFIX}events.fifo", Attributes=fifo)
        self.events_url = events["QueueUrl"]
        self.commands_url = sqs.create_queue(QueueName=f"{PREFIX}commands")["QueueUrl"]
        self.feedback_url = sqs.create_queue(QueueName=f"{PREFIX}feedback")["QueueUrl"]

    def _create_the_rest(self) -> dict[str, str]:
        secrets = create_secrets(self.engine.client("secretsmanager"))
        application = self.engine.client("sns").create_platform_application(
            Name="stepwell", Platform="GCM", Attributes={"PlatformCredential": "none"}
        )
        self.engine.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
        journeys = machine_arn(PREFIX)
        return {
            "STAGE": "local",
            "CUSTOMERS_TABLE": f"{PREFIX}customers",
            "RECORDS_TABLE": f"{PREFIX}records",
            "PROGRAMS_BUCKET": f"{PREFIX}programs",
            "ARCHIVE_BUCKET": ARCHIVE,
            "QUARANTINE_BUCKET": QUARANTINE,
            "HASH_SECRET_ARN": secrets["hash"],
            "INBOX_KEY_ARN": secrets["inbox-key"],
            "WEBHOOK_KEY_ARN": secrets["webhook-key"],
            "EVENTS_QUEUE_URL": self.events_url,
            "SWEEP_AT_MOST": "1000",
            "COMMANDS_QUEUE_URL": self.commands_url,
            "JOURNEY_ARN_PREFIX": journeys,
            "EXECUTION_ARN_PREFIX": journeys.replace(":stateMachine:", ":execution:"),
            "EMAIL_FROM": "shop@example.com",
            "POSTAL_ADDRESS": "Example Shop, 1 Example Street, London",
            "PUBLIC_URL": "https://api.example.com",
            "SMS_PROVIDER": "sns",
            "PUSH_PROVIDER": "sns",
            "PUSH_APPLICATION_ARN": application["PlatformApplicationArn"],
        }

    def _upload(self) -> dict[str, str]:
        folder, bundle = self._folder, self._bundle
        s3 = self.engine.client("s3")
        for bucket in (f"{PREFIX}programs", ARCHIVE, QUARANTINE):
            s3.create_bucket(Bucket=bucket)
        for path in Path(folder.name).rglob("*.json"):
            key = path.relative_to(folder.name).as_posix()
            s3.put_object(Bucket=f"{PREFIX}programs", Key=key, Body=path.read_bytes())
        put_machine_versions(s3, bundle, dict.fromkeys(bundle.machines, 1))
        policies_key = bundle.policies_key
        if self._policies:
            document = json.loads((Path(folder.name) / policies_key).read_text())
            policies_key = "policies/of-the-test.json"
            body = json.dumps(document | dict(self._policies))
            s3.put_object(Bucket=f"{PREFIX}programs", Key=policies_key, Body=body.encode())
        return {
            "CATALOG_KEY": bundle.catalog_key,
            "POLICIES_KEY": policies_key,
            "REGISTRY_KEY": bundle.registry_key,
            "DESTINATIONS_KEY": bundle.destinations_key,
            "MACHINE_VERSIONS_KEY": bundle.machine_versions_key,
        }

    def _create_machines(self) -> None:
        statemachines = self._project / "statemachines" if self._project else STATEMACHINES
        send_message = (statemachines / "send_message.asl.json").read_text()
        self.engine.create_machine(
            f"{PREFIX}send_message",
            with_time_limits(send_message, self._seconds),
            {
                "ConsentFunctionArn": function_arn(f"{PREFIX}consent"),
                "FrequencyCapFunctionArn": function_arn(f"{PREFIX}frequency-cap"),
                "DeliveryFunctionArn": function_arn(f"{PREFIX}delivery"),
            },
            express=True,
        )
        self.engine.create_machine(
            f"{PREFIX}fallback",
            (STATEMACHINES / "fallback.asl.json").read_text(),
            {"SendMessageArn": machine_arn(f"{PREFIX}send_message")},
        )
        self.engine.client("scheduler").create_schedule_group(Name=f"{PREFIX}parked")
        for journey, text in journey_machines(self._project, self._bundle):
            self.engine.create_machine(PREFIX + journey, text, PLACEHOLDERS)
        for name, legs in self._bundle.legs.items():
            self.engine.create_machine(PREFIX + name, json.dumps(legs), PLACEHOLDERS)
