"""Which types of resources cost while nothing happens, how much of what, and why the others do not.

Prices are in the table of the cost forecast (stepwell/simulation/costs/prices.yaml).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MONTH_HOURS = 730
POLLS = 5 * 3 * 60 * MONTH_HOURS
"""Lambda asks a queue through five connections; each waits 20 seconds for a message."""
RUN_SECONDS = 1.0
"""That a scheduled function is taken to run for."""
RUN_LISTS = 2
"""Listings of a bucket by such a run."""
RUN_METRICS = 1
"""Metrics of one's own that such a run tells."""

Properties = Mapping[str, Any]
Template = Mapping[str, Any]


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
    yield Use("secret", 1, "the key of the hashes that stand for personal values")


def _alarm(properties: Properties, _template: Template) -> Iterator[Use]:
    looked_at = [each for each in properties.get("Metrics", ()) if "MetricStat" in each]
    why = "[runbooks](runbooks/README.md) has each; most are the functions', one metric each"
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
    why = f"Lambda asks the queue of {'events' if fifo else 'commands'} all the time"
    yield Use("fifo" if fifo else "queue", POLLS, why)


def _schedule(properties: Properties, template: Template) -> Iterator[Use]:
    """Of rules on events nothing is due while there are none; an hourly one runs its function."""
    if "ScheduleExpression" not in properties:
        return
    if properties["ScheduleExpression"] != "rate(1 hour)":
        raise ValueError(f"{properties['Name']}: only hourly schedules are known here")
    memory = _memory_of(properties["Targets"][0], template)
    why = "the hourly look at the quarantine"
    yield Use("invocation", MONTH_HOURS, why)
    yield Use("function_time", MONTH_HOURS * RUN_SECONDS * memory, why)
    yield Use("put", MONTH_HOURS * RUN_LISTS, f"{why} (listings cost as much)")
    yield Use("metric", RUN_METRICS, "the age of the oldest refused event, which an alarm looks at")


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
    "AWS::WAFv2::WebACLAssociation": _CONFIGURATION,
    "Custom::CDKBucketDeployment": "runs only while the stack is deployed",
}
