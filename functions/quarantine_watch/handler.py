"""quarantine_watch: how much is open in quarantine, and for how long; an alarm watches the time."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.quarantine import listed
from stepwell.aws.settings import QuarantineSettings, load
from stepwell.events.quarantine import CLOSED, ENTRIES, still_open

logger = Logger(service="quarantine")


class WatchSettings(QuarantineSettings):
    stage: str


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What is open, by the names of objects alone: this function reads none.

    What is closed is listed first: what leaves meanwhile is counted once more, and nothing is
    overlooked.
    """
    settings = load(WatchSettings)
    s3, bucket = client("s3"), settings.quarantine_bucket
    closed = [key for key, _ in listed(s3, bucket, f"{CLOSED}/")]
    count, oldest = still_open(listed(s3, bucket, f"{ENTRIES}/"), closed, clock.now())
    hours = oldest.total_seconds() / 3600
    metrics = EphemeralMetrics(namespace="Stepwell", service="quarantine")
    metrics.add_dimension("stage", settings.stage)
    metrics.add_metric("QuarantineOldestHours", MetricUnit.NoUnit, hours)
    metrics.flush_metrics()
    logger.info("quarantine counted", extra={"open": count, "oldest_hours": round(hours, 1)})
    return {"open": count, "oldest_hours": hours}
