"""sweep: tells the router, every five minutes, of customers for whom a moment has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.failures import without_values
from stepwell.aws.settings import EventsQueueSettings, TableSettings, load
from stepwell.profile.sweeping import sweep

logger = Logger(service="sweep")
_SECOND = timedelta(seconds=1)


class SweepSettings(TableSettings, EventsQueueSettings):
    sweep_at_most: int


@without_values
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Whoever is left is told of by the next run. An alarm looks for the warning."""
    settings = load(SweepSettings)
    index = DynamoStore(client("dynamodb"), settings.customers_table)
    queue = EventsQueue(client("sqs"), settings.events_queue_url)
    swept = sweep(index, queue, clock.now(), settings.sweep_at_most)
    counted = {"told": swept.told, "left": swept.left, "late_seconds": swept.late // _SECOND}
    if swept.is_behind:
        logger.warning("sweep behind", extra=counted)
    else:
        logger.info("swept", extra=counted)
    return counted
