"""hand-over: asks a human at a declared destination, or records that none could be asked."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.destinations.choosing import DestinationSettings, StageDestinations
from stepwell.aws.failures import without_values
from stepwell.aws.message_functions import policies, programs, store
from stepwell.aws.programs import read_text
from stepwell.aws.settings import load
from stepwell.handover.destinations import load_destinations
from stepwell.handover.handing_over import NOT_HANDED_OVER, Ask, give_up, hand_over, read_failure
from stepwell.handover.telling import read_reference
from stepwell.timestamps import from_text

logger = Logger(service="hand-over")


@cache
def destinations() -> StageDestinations:
    settings = load(DestinationSettings)
    text = read_text(client("s3"), settings.programs_bucket, settings.destinations_key)
    return StageDestinations(load_destinations(text, settings.stage), settings)


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"ids", "version", "step", "asked_at"}` in, with `failure` to give up; the outcome out."""
    reference = read_reference(event)
    ask = Ask(
        reference=reference,
        program=programs().version(reference.version),
        policies=policies(),
        asked_at=from_text(event["asked_at"]),
        now=clock.now(),
    )
    if "failure" not in event:
        return hand_over(ask, store=store(), destinations=destinations())
    failure = read_failure(event["failure"])
    about = {"hand_over": reference.id, "error": failure.error, "detail": failure.detail}
    answer = give_up(ask, failure, store=store())
    logger.error("nobody took the hand-over", extra={**about, "problem": NOT_HANDED_OVER})
    return answer
