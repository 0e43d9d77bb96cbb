"""The hourly look at the quarantine, and its alarms. What to do: docs/quarantine.md."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

EVERY = Duration.hours(1)
DOCS = "docs/quarantine.md says what to do."


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
        alarms: sns.ITopic,
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
        self._alarm(
            "OldEntries",
            f"{name}-age",
            f"Refused events wait in quarantine for more than {alarm_days} days. {DOCS}",
            oldest,
            alarm_days * 24,
            # Without a count the state stays: the other alarm says that there is none.
            cloudwatch.TreatMissingData.IGNORE,
            alarms,
        )
        self._alarm(
            "WatchFails",
            f"{name}-watch-errors",
            f"What is open in quarantine cannot be counted. {DOCS}",
            watch.metric_errors(period=EVERY, statistic="Sum"),
            0,
            cloudwatch.TreatMissingData.NOT_BREACHING,
            alarms,
        )

    def _alarm(
        self,
        id_: str,
        name: str,
        description: str,
        metric: cloudwatch.Metric,
        threshold: int,
        missing: cloudwatch.TreatMissingData,
        alarms: sns.ITopic,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_name=name,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(alarms))
