"""Which types of resources cost while nothing happens, how much of what, and why the others do not.

Prices are in the table of the cost forecast (stepwell/simulation/costs/prices.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepwell.profile.living import SHARDS

MONTH_HOURS = 730
POLLS = 5 * 3 * 60 * MONTH_HOURS
"""Lambda asks a queue through five connections; each waits 20 seconds for a message."""
RUN_SECONDS = 1.0
"""That a scheduled function is taken to run for."""

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_EVERY_MINUTES = re.compile(r"cron\(0/(\d+) \* \* \* \? \*\)")

Properties = Mapping[str, Any]
Template = Mapping[str, Any]


class IdleCostError(Exception):
    """A resource that nobody has thought about; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Use:
    """`number` of what a price of the table is for."""

    price: str
    number: float
    why: str


Priced = Callable[[Properties, Template], Iterator[Use]]


def _key(_properties: Properties, _template: Template) -> Iterator[Use]:
    yield Use(
        "key",
        1,
        "one key for tables, archive, quarantine and alarms, so that what is personal cannot be "
        "read without it; each of its first two yearly rotations adds as much",
    )


def _secret(_properties: Properties, _template: Template) -> Iterator[Use]:
    yield Use(
        "secret",
        1,
        "the key of the hashes that stand for personal values, that of the in-app inbox, which "
        "backends know, and that of which the keys of webhooks are made",
    )


def _alarm(properties: Properties, _template: Template) -> Iterator[Use]:
    looked_at = [each for each in properties.get("Metrics", ()) if "MetricStat" in each]
    why = "[runbooks](runbooks/README.md) has each; every function's errors are a metric"
    yield Use("alarm", len(looked_at) or 1, why)


def _firewall(properties: Properties, _template: Template) -> Iterator[Use]:
    why = "a public API should have one; `firewall=False` leaves it out"
    yield Use("firewall", 1, why)
    yield Use(
        "firewall_rule",
        len(properties["Rules"]),
        "[bad addresses, rate per address, known bad inputs](deploying.md#the-firewall)",
    )


def _polling(properties: Properties, template: Template) -> Iterator[Use]:
    queue = template["Resources"][properties["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
    fifo = queue.get("FifoQueue", False)
    named = "queue of events" if fifo else "queues of commands and feedback"
    why = f"Lambda asks the {named} all the time"
    yield Use("fifo" if fifo else "queue", POLLS, why)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What a scheduled function does in each run, besides running."""

    why: str
    listings: int = 0
    reads: float = 0.0
    """Read request units of DynamoDB."""
    metrics: Mapping[str, str] = field(default_factory=dict)
    """Metrics of one's own that it tells, each with what it is for."""


SCHEDULED: Mapping[str, Scheduled] = {
    "quarantine-watch": Scheduled(
        "the hourly look at the quarantine",
        listings=2,
        metrics={
            "QuarantineOldestHours": "the age of the oldest refused event, which an alarm looks at"
        },
    ),
    "sweep": Scheduled(
        "the look every five minutes for [customers whose segments time changes](sweep.md)",
        reads=SHARDS * 0.5,
    ),
}
"""By the rule's name after the stage."""


def _schedule(properties: Properties, template: Template) -> Iterator[Use]:
    """Rules on events cost nothing while there are none; a schedule runs its function."""
    if "ScheduleExpression" not in properties:
        return
    known = [each for name, each in SCHEDULED.items() if properties["Name"].endswith(f"-{name}")]
    runs = _runs(properties["ScheduleExpression"])
    if not known or runs is None:
        raise IdleCostError(
            f"rule {properties['Name']} runs by {properties['ScheduleExpression']}, and nobody has "
            "said what that costs: add it to SCHEDULED in infra/idle_prices.py."
        )
    [does] = known
    memory = _memory_of(properties["Targets"][0], template)
    yield Use("invocation", runs, does.why)
    yield Use("function_time", runs * RUN_SECONDS * memory, does.why)
    if does.reads:
        yield Use("read", runs * does.reads, does.why)
    if does.listings:
        yield Use("put", runs * does.listings, f"{does.why} (listings cost as much)")
    for why in does.metrics.values():
        yield Use("metric", 1, why)


def _runs(schedule: str) -> float | None:
    """Runs a month of `rate(…)`, or of every so many minutes of the hour; None for another kind."""
    minutes = _EVERY_MINUTES.fullmatch(schedule)
    if minutes:
        return MONTH_HOURS * 60 / int(minutes[1])
    found = _RATE.fullmatch(schedule)
    if not found:
        return None
    hours = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}[found[2]] * int(found[1])
    return MONTH_HOURS / hours


def _memory_of(target: Mapping[str, Any], template: Template) -> float:
    """In GB."""
    function = template["Resources"][target["Arn"]["Fn::GetAtt"][0]]
    return float(function["Properties"]["MemorySize"]) / 1024


PRICED: Mapping[str, Priced] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::Events::Rule": _schedule,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::EventSourceMapping": _polling,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::WAFv2::WebACL": _firewall,
}

_USED = "is paid by use"
_STORED = "is paid by what is stored in it"
_CONFIGURATION = "is configuration"

FREE: Mapping[str, str] = {
    "AWS::ApiGateway::Account": _CONFIGURATION,
    "AWS::ApiGateway::ApiKey": _CONFIGURATION,
    "AWS::ApiGateway::Authorizer": _CONFIGURATION,
    "AWS::ApiGateway::Deployment": _CONFIGURATION,
    "AWS::ApiGateway::GatewayResponse": _CONFIGURATION,
    "AWS::ApiGateway::Method": _CONFIGURATION,
    "AWS::ApiGateway::Resource": _CONFIGURATION,
    "AWS::ApiGateway::RestApi": _USED,
    "AWS::ApiGateway::Stage": "has no cache, and is paid by use",
    "AWS::ApiGateway::UsagePlan": _CONFIGURATION,
    "AWS::ApiGateway::UsagePlanKey": _CONFIGURATION,
    "AWS::DynamoDB::Table": "is on demand, and its storage and backup are paid by what is in it",
    "AWS::IAM::Policy": _CONFIGURATION,
    "AWS::IAM::Role": _CONFIGURATION,
    "AWS::KMS::Alias": _CONFIGURATION,
    "AWS::Lambda::Function": _USED,
    "AWS::Lambda::LayerVersion": "is inside the 75 GB of code that an account may have",
    "AWS::Lambda::Permission": _CONFIGURATION,
    "AWS::Logs::LogGroup": _STORED,
    "AWS::Logs::MetricFilter": "has a metric only in hours in which it finds something",
    "AWS::S3::Bucket": _STORED,
    "AWS::S3::BucketPolicy": _CONFIGURATION,
    "AWS::SNS::Subscription": _CONFIGURATION,
    "AWS::SNS::Topic": _USED,
    "AWS::SNS::TopicPolicy": _CONFIGURATION,
    "AWS::SQS::Queue": _USED,
    "AWS::SQS::QueuePolicy": _CONFIGURATION,
    "AWS::StepFunctions::StateMachine": _USED,
    "AWS::StepFunctions::StateMachineVersion": _CONFIGURATION,
    "AWS::WAFv2::WebACLAssociation": _CONFIGURATION,
    "Custom::CDKBucketDeployment": "runs only while the stack is deployed",
}
