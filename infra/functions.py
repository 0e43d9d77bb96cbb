"""The functions as data: settings they read, time and memory they get, what they may do.

The list is the single place to add a function; `infra.stacks.engine` makes them all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_sqs as sqs

from infra.compiled import Compiled
from infra.names import Names
from infra.permissions import Permission, allow
from infra.settings import Settings
from infra.stacks.data import DataStack


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the functions work with."""

    settings: Settings
    data: DataStack
    compiled: Compiled
    events: sqs.IQueue
    commands: sqs.IQueue

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
            "POLICIES_KEY": self.compiled.policies_key,
            "REGISTRY_KEY": self.compiled.registry_key,
            "UNKNOWN_EVENTS": settings.unknown_events,
            "HASH_SECRET_ARN": names.hashing_key_arn(),
            "EVENTS_QUEUE_URL": self.events.queue_url,
            "COMMANDS_QUEUE_URL": self.commands.queue_url,
            "JOURNEY_ARN_PREFIX": names.journey_arn_prefix(),
            "EXECUTION_ARN_PREFIX": names.execution_arn_prefix(),
            "EMAIL_FROM": settings.email_from,
            "EMAIL_CONFIGURATION_SET": settings.email_configuration_set,
            "SMS_SENDER_ID": settings.sms_sender_id,
            "PUSH_APPLICATION_ARN": settings.push_application_arn,
        }

    def customers(self, *actions: str) -> Permission:
        return allow(self.data.customers.table_arn, *(f"dynamodb:{each}" for each in actions))

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

    def executions(self) -> tuple[Permission, ...]:
        """Start and wake the journeys' machines, stop their executions; not send_message's."""
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


def providers(settings: Settings) -> tuple[Permission, ...]:
    """What delivery may send through. A phone number has no ARN: it is all that is none of SNS.

    SES asks for the sender's address instead of its domain where it knows both.
    """
    senders = dict.fromkeys((settings.email_identity, settings.email_from))
    email = [_ses(f"identity/{sender}") for sender in senders]
    if settings.email_configuration_set:
        email.append(_ses(f"configuration-set/{settings.email_configuration_set}"))
    sms = Permission(("sns:Publish",), all_but=(f"arn:{Aws.PARTITION}:sns:*:*:*",))
    application = settings.push_application_arn
    if not application:
        return Permission(("ses:SendEmail",), tuple(email)), sms
    return (
        Permission(("ses:SendEmail",), tuple(email)),
        sms,
        allow(application, "sns:CreatePlatformEndpoint"),
        allow(push_endpoints(application), "sns:Publish"),
    )


def push_endpoints(application_arn: str) -> str:
    """The pattern of an application's endpoints."""
    return application_arn.replace(":app/", ":endpoint/") + "/*"


def _ses(resource: str) -> str:
    return f"arn:{Aws.PARTITION}:ses:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


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
            *("CATALOG_KEY", "HASH_SECRET_ARN", "COMMANDS_QUEUE_URL", "ARCHIVE_BUCKET"),
            *_PREFIXES,
        ),
        lambda s: (
            s.customers("BatchGetItem", "Query", "PutItem", "UpdateItem"),
            s.records("PutItem"),
            *s.rules(),
            s.bucket_objects("catalogs"),
            allow(s.names.archived_events(), "s3:PutObject"),
            s.secret(),
            *s.executions(),
            sends(s.commands),
            consumes(s.events),
        ),
    ),
    FunctionPlan(
        "commands",
        ("CUSTOMERS_TABLE", *_PREFIXES),
        lambda s: (s.customers("GetItem"), *s.executions(), consumes(s.commands)),
    ),
    FunctionPlan(
        "plan",
        ("CUSTOMERS_TABLE", *_POLICIES),
        lambda s: (s.customers("Query"), *s.rules()),
    ),
    FunctionPlan(
        "consent",
        (*_BOTH_TABLES, *_POLICIES),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "PutItem"),
            s.records("BatchGetItem", "PutItem", "UpdateItem"),
            *s.rules(),
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
            *("EMAIL_FROM", "EMAIL_CONFIGURATION_SET", "SMS_SENDER_ID", "PUSH_APPLICATION_ARN"),
        ),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "PutItem", "UpdateItem", "ConditionCheckItem"),
            s.records("BatchGetItem", "PutItem", "UpdateItem"),
            *s.rules(),
            *providers(s.settings),
        ),
        timeout_seconds=30,
    ),
    FunctionPlan(
        "quarantine_watch",
        ("QUARANTINE_BUCKET",),
        lambda s: (allow(s.data.quarantine.bucket_arn, "s3:ListBucket"),),
        timeout_seconds=300,
    ),
    FunctionPlan(
        "admin",
        (*_BOTH_TABLES, "HASH_SECRET_ARN"),
        lambda s: (
            s.customers("GetItem", "BatchGetItem", "Query"),
            s.records("Query"),
            s.secret(),
        ),
        timeout_seconds=20,
    ),
)
