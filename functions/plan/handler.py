"""plan: when a delay ends in the customer's zone, and which way a split goes."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.failures import without_values
from stepwell.aws.programs import BucketPrograms, read_text
from stepwell.aws.settings import ProgramSettings, load
from stepwell.customers.people import load_for_enrollment
from stepwell.journeys.planning import plan
from stepwell.messages.policies import Policies, load_policies
from stepwell.storage.operations import Store

logger = Logger(service="plan")


class PlanSettings(ProgramSettings):
    customers_table: str


@cache
def store() -> Store:
    return DynamoStore(client("dynamodb"), load(PlanSettings).customers_table)


@cache
def programs() -> BucketPrograms:
    return BucketPrograms(client("s3"), load(PlanSettings).programs_bucket)


@cache
def policies() -> Policies:
    settings = load(PlanSettings)
    return load_policies(read_text(client("s3"), settings.programs_bucket, settings.policies_key))


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"ids", "version", "step"}` in; the plan out."""
    ids = event["ids"]
    answer = plan(
        programs().version(event["version"]),
        event["step"],
        enrollment_id=ids["enrollment"],
        snapshot=load_for_enrollment(store(), ids["customer"]),
        default_zone=policies().default_zone,
        profile=policies().profile,
        now=clock.now(),
    )
    for problem in answer.get("problems", ()):
        logger.warning("problem of a plan", extra={"problem": problem})
    return answer
