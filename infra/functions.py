"""The functions as data: settings they read, time and memory they get, what they may do.

The list is the single place to add a function; `infra.stacks.engine` makes them all alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from aws_cdk import aws_sqs as sqs

from infra.compiled import Compiled
from infra.names import FALLBACK, Names
from infra.permissions import Permission, allow
from infra.reaching_out import destinations, providers
from infra.settings import Settings
from infra.stacks.data import DataStack
from stepwell.storage.due import INDEX


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the functions work with."""

    settings: Settings
    data: DataStack
    compiled: Compiled
    events: sqs.IQueue
    commands: sqs.IQueue
    feedback: sqs.IQueue
    sentiment: sqs.IQueue | None = None
    """Where it is asked how messages sound; None: nobody is asked."""

    @property
    def names(self) -> Names:
        return Names(self.settings.stage)

    def environment(self) -> Mapping[str, str]:
        """Every variable that a function may ask for."""
        names, settings = self.names, self.settings
        return {
            "STAGE": settings.stage,
            "CUSTOMERS_TABLE": names.resource("customers"),
            "RECORDS_TABLE": names.resource("records"),
            "PROGRAMS_BUCKET": names.programs_bucket(),
            "ARCHIVE_BUCKET": names.archive_bucket(),
            "QUARANTINE_BUCKET": names.quarantine_bucket(),
            "CATALOG_KEY": self.compiled.catalog_key,
            "MACHINE_VERSIONS_KEY": self.compiled.machine_versions_key,
            "POLICIES_KEY": self.compiled.policies_key,
            "REGISTRY_KEY": self.compiled.registry_key,
            "DESTINATIONS_KEY": self.compiled.destinations_key,
            "UNKNOWN_EVENTS": settings.unknown_events,
            "HASH_SECRET_ARN": names.hashing_key_arn(),
            "INBOX_KEY_ARN": names.inbox_key_arn(),
            "WEBHOOK_KEY_ARN": names.webhook_key_arn(),
            "EVENTS_QUEUE_URL": self.events.queue_url,
            "COMMANDS_QUEUE_URL": self.commands.queue_url,
            "SENTIMENT_QUEUE_URL": self.sentiment.queue_url if self.sentiment else "",
            "COMPREHEND_LANGUAGES": " ".join(settings.comprehend_languages),
            "JOURNEY_ARN_PREFIX": names.journey_arn_prefix(),
            "EXECUTION_ARN_PREFIX": names.execution_arn_prefix(),
            "EMAIL_FROM": settings.email_from,
            "POSTAL_ADDRESS": settings.postal_address,
            "EMAIL_CONFIGURATION_SET": settings.email_configuration_set,
            "SMS_PROVIDER": settings.sms_provider,
            "SMS_ORIGINATION": settings.sms_origination,
            "SMS_CONFIGURATION_SET": settings.sms_configuration_set,
            "SMS_SENDER_ID": settings.sms_sender_id,
            "PUSH_PROVIDER": settings.push_provider,
            "PUSH_APPLICATION_ID": settings.push_application_id,
            "PUSH_APPLICATION_ARN": settings.push_application_arn,
            "WHATSAPP_NUMBER_ID": settings.whatsapp_number_id,
            "SWEEP_AT_MOST": str(settings.sweep_at_most),
            "LANES": json.dumps({name: asdict(lane) for name, lane in settings.lanes.items()}),
        }

    def customers(self, *actions: str) -> Permission:
        return allow(self.data.customers.table_arn, *(f"dynamodb:{each}" for each in actions))

    def due_index(self) -> Permission:
        """Reads of the index alone: keys of profiles, and no more of them."""
        return allow(f"{self.data.customers.table_arn}/index/{INDEX}", "dynamodb:Query")

    def records(self, *actions: str) -> Permission:
        return allow(self.data.records.table_arn, *(f"dynamodb:{each}" for each in actions))

    def rules(self) -> tuple[Permission, ...]:
        """Read the programs and the policies that messages are decided by."""
        return self.bucket_objects("programs"), self.bucket_objects("policies")

    def bucket_objects(self, folder: str) -> Permission:
        return allow(self.names.program_objects(folder), "s3:GetObject")

    def secret(self) -> Permission:
        """Secrets Manager appends six random characters to a secret's ARN; nothing else matches."""
        return allow(f"{self.names.hashing_key_arn()}-??????", "secretsmanager:GetSecretValue")

    def inbox_key(self) -> Permission:
        return allow(f"{self.names.inbox_key_arn()}-??????", "secretsmanager:GetSecretValue")

    def destinations(self) -> tuple[Permission, ...]:
        """Tell what is declared for this stage, and nothing else."""
        return destinations(self.compiled.destinations, self.names)

    def asks_for_sentiment(self) -> tuple[Permission, ...]:
        return (sends(self.sentiment),) if self.sentiment else ()

    def archive_key(self) -> Permission:
        """To read an object of the archive, which is encrypted with the stage's own key."""
        return Permission(("kms:Decrypt",), (self.data.key.key_arn,), through="s3")

    def executions(self) -> tuple[Permission, ...]:
        """Start and wake the journeys' machines, stop their executions; not send_message's.

        Step Functions asks for the machine's own ARN, whichever version of it is started.
        """
        names, parks = self.names, self.settings.parking
        journeys = sorted(self.compiled.machines)
        machines = [names.machine_arn(journey) for journey in journeys]
        executions = [names.execution_arns(journey) for journey in journeys]
        return (
            Permission(
                ("states:StartExecution", "states:SendTaskSuccess"),
                (*machines, *([names.legs_arns()] if parks else [])),
            ),
            Permission(
                ("states:StopExecution",),
                (*executions, *([names.legs_executions()] if parks else [])),
            ),
        )


def sends(queue: sqs.IQueue) -> Permission:
    return allow(queue.queue_arn, "sqs:SendMessage")


def consumes(queue: sqs.IQueue) -> Permission:
    return allow(
        queue.queue_arn, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
    )


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """One function. `folder` is below `functions/`; `variables` are read besides STAGE."""

    folder: str
    variables: tuple[str, ...]
    permissions: Callable[[Surroundings], tuple[Permission, ...]]
    timeout_seconds: int = 30


_BOTH_TABLES = ("CUSTOMERS_TABLE", "RECORDS_TABLE")
_POLICIES = ("PROGRAMS_BUCKET", "POLICIES_KEY")
_PREFIXES = ("JOURNEY_ARN_PREFIX", "EXECUTION_ARN_PREFIX")


TOLD_THE_URL = ("delivery",)
"""What also gets PUBLIC_URL, once there is an API: those that write links to it."""

FUNCTIONS = (
    FunctionPlan(
        "authorizer",
        ("CUSTOMERS_TABLE",),
        lambda s: (s.customers("GetItem"),),
        timeout_seconds=15,
    ),
    FunctionPlan(
        "ingest",
        (
            *("CUSTOMERS_TABLE", "EVENTS_QUEUE_URL"),
            *("PROGRAMS_BUCKET", "REGISTRY_KEY", "UNKNOWN_EVENTS", "QUARANTINE_BUCKET"),
        ),
        lambda s: (
            s.customers("GetItem"),
            sends(s.events),
            s.bucket_objects("registries"),
            allow(s.names.quarantined_calls(), "s3:PutObject"),
        ),
        timeout_seconds=20,
    ),
    FunctionPlan(
        "router",
        (
            *_BOTH_TABLES,
            *_POLICIES,
            *("CATALOG_KEY", "MACHINE_VERSIONS_KEY", "HASH_SECRET_ARN"),
            *("COMMANDS_QUEUE_URL", "EVENTS_QUEUE_URL", "ARCHIVE_BUCKET"),
            "SENTIMENT_QUEUE_URL",
            *_PREFIXES,
        ),
        lambda s: (
            s.customers("BatchGetItem", "Query", "PutItem", "UpdateItem"),
            s.records("PutItem"),
            *s.rules(),
            s.bucket_objects("catalogs"),
            s.bucket_objects("machine-versions"),
            allow(s.names.archived_events(), "s3:PutObject"),
            s.secret(),
            *s.executions(),
            sends(s.commands),
            sends(s.events),
            *s.asks_for_sentiment(),
            consumes(s.events),
        ),
    ),
    FunctionPlan(
        "commands",
        (*_BOTH_TABLES, *_POLICIES, "COMMANDS_QUEUE_URL", *_PREFIXES),
        lambda s: (
            s.customers("GetItem", "PutItem", "UpdateItem"),
            s.records("Query", "PutItem", "UpdateItem"),
            s.bucket_objects("policies"),
            *s.executions(),
            sends(s.commands),
            consumes(s.commands),
        ),
    ),
    FunctionPlan(
        "plan",
        ("CUSTOMERS_TABLE", *_POLICIES),
        lambda s: (s.customers("Query"), *s.rules()),
    ),
    FunctionPlan(
        "consent",
        (*_BOTH_TABLES, *_POLICIES, "HASH_SECRET_ARN"),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "PutItem"),
            s.records("BatchGetItem", "PutItem", "UpdateItem"),
            *s.rules(),
            s.secret(),
        ),
        timeout_seconds=10,
    ),
    FunctionPlan(
        "frequency_cap",
        (*_BOTH_TABLES, *_POLICIES),
        lambda s: (
            s.customers("GetItem", "PutItem"),
            s.records("PutItem", "UpdateItem"),
            *s.rules(),
        ),
        timeout_seconds=10,
    ),
    FunctionPlan(
        "delivery",
        (
            *_BOTH_TABLES,
            *_POLICIES,
            "HASH_SECRET_ARN",
            *("EMAIL_FROM", "EMAIL_CONFIGURATION_SET"),
            *("SMS_PROVIDER", "SMS_ORIGINATION", "SMS_CONFIGURATION_SET", "SMS_SENDER_ID"),
            *("PUSH_PROVIDER", "PUSH_APPLICATION_ID", "PUSH_APPLICATION_ARN"),
            *("WHATSAPP_NUMBER_ID", "LANES"),
            "POSTAL_ADDRESS",
        ),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
            s.records("BatchGetItem", "PutItem", "UpdateItem"),
            *s.rules(),
            s.secret(),
            *providers(s.settings),
        ),
        timeout_seconds=30,
    ),
    FunctionPlan(
        "hand_over",
        (*_BOTH_TABLES, *_POLICIES, "DESTINATIONS_KEY", "WEBHOOK_KEY_ARN"),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "UpdateItem", "ConditionCheckItem"),
            s.records("BatchGetItem", "PutItem"),
            *s.rules(),
            s.bucket_objects("destinations"),
            *s.destinations(),
        ),
    ),
    FunctionPlan(
        "unsubscribe",
        ("CUSTOMERS_TABLE", "EVENTS_QUEUE_URL", "HASH_SECRET_ARN"),
        lambda s: (s.customers("GetItem", "UpdateItem"), sends(s.events), s.secret()),
        timeout_seconds=20,
    ),
    FunctionPlan(
        "inbox",
        (*_BOTH_TABLES, "EVENTS_QUEUE_URL", "HASH_SECRET_ARN", "INBOX_KEY_ARN"),
        lambda s: (
            s.customers("GetItem"),
            s.records("GetItem", "BatchGetItem", "Query", "UpdateItem"),
            sends(s.events),
            s.secret(),
            s.inbox_key(),
        ),
        timeout_seconds=20,
    ),
    FunctionPlan(
        "feedback",
        (*_BOTH_TABLES, *_POLICIES, "HASH_SECRET_ARN", "EVENTS_QUEUE_URL", *_PREFIXES),
        lambda s: (
            s.customers("GetItem", "Query", "UpdateItem"),
            s.records("GetItem", "UpdateItem"),
            *s.rules(),
            s.secret(),
            allow(s.names.machine_arn(FALLBACK), "states:StartExecution"),
            sends(s.events),
            consumes(s.feedback),
        ),
    ),
    FunctionPlan(
        "quarantine_watch",
        ("QUARANTINE_BUCKET",),
        lambda s: (allow(s.data.quarantine.bucket_arn, "s3:ListBucket"),),
        timeout_seconds=300,
    ),
    FunctionPlan(
        "sweep",
        ("CUSTOMERS_TABLE", "EVENTS_QUEUE_URL", "SWEEP_AT_MOST"),
        lambda s: (
            s.due_index(),
            sends(s.events),
            allow(s.events.queue_arn, "sqs:GetQueueAttributes"),
        ),
        timeout_seconds=240,
    ),
    FunctionPlan(
        "admin",
        (*_BOTH_TABLES, *_POLICIES, "HASH_SECRET_ARN"),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "Query", "Scan"),
            s.records("Query"),
            s.bucket_objects("policies"),
            s.secret(),
        ),
        timeout_seconds=20,
    ),
)

SENTIMENT = FunctionPlan(
    "sentiment",
    ("ARCHIVE_BUCKET", "COMPREHEND_LANGUAGES", "EVENTS_QUEUE_URL"),
    lambda s: (
        allow(s.names.archived_events(), "s3:GetObject"),
        s.archive_key(),
        allow("*", "comprehend:DetectSentiment"),
        sends(s.events),
        *((consumes(s.sentiment),) if s.sentiment else ()),
    ),
    timeout_seconds=60,
)
"""Only where a stage asks Comprehend."""


def plans(settings: Settings) -> tuple[FunctionPlan, ...]:
    """The functions of a stage."""
    return (*FUNCTIONS, *((SENTIMENT,) if settings.comprehend else ()))
