"""The hourly look at the quarantine, and its alarms."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.alarm import Alarms

EVERY = Duration.hours(1)


class QuarantineAlarms(Construct):
    """An alarm on the age of the oldest open entry, and one on the function that counts it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        stage: str,
        watch: lambda_.Function,
        alarm_days: int,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, id_)
        events.Rule(
            self,
            "Hourly",
            rule_name=f"{name}-watch",
            description="Stepwell: counts what is open in quarantine",
            schedule=events.Schedule.rate(EVERY),
            targets=[targets.LambdaFunction(watch, retry_attempts=2)],
        )
        oldest = cloudwatch.Metric(
            namespace="Stepwell",
            metric_name="QuarantineOldestHours",
            dimensions_map={"service": "quarantine", "stage": stage},
            statistic="Maximum",
            period=EVERY,
        )
        alarms.add(
            self,
            "OldEntries",
            name="quarantine-age",
            says=f"Refused events wait in quarantine for more than {alarm_days} days",
            page="quarantine-age",
            metric=oldest,
            at_least=alarm_days * 24,
            # Without a count the state stays: the other alarm says that there is none.
            missing=cloudwatch.TreatMissingData.IGNORE,
        )
        alarms.add(
            self,
            "WatchFails",
            name="quarantine-watch-errors",
            says="What is open in quarantine cannot be counted",
            page="quarantine-watch-errors",
            metric=watch.metric_errors(period=EVERY, statistic="Sum"),
            at_least=1,
        )
