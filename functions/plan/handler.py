"""plan: when a delay ends in the customer's zone, and which way a split goes."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.failures import without_values
from stepwell.aws.message_functions import policies, programs, store
from stepwell.customers.people import load_for_enrollment
from stepwell.journeys.planning import plan

logger = Logger(service="plan")


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
