"""Alarms, all alike: they go to one topic, and their description names the page that says what to
do. What is not reported is no alarm: CloudWatch has no numbers of what does not run.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True, slots=True)
class Alarms:
    """Where a stage's alarms go, and what their names begin with."""

    topic: sns.ITopic
    prefix: str

    def add(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        says: str,
        page: str,
        metric: cloudwatch.IMetric,
        at_least: float,
        periods: tuple[int, int] = (1, 1),
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        """An alarm when the metric is `at_least` so much in m of the last n `periods`, (m, n).

        `page` is one of docs/runbooks/.
        """
        breaching, looked_at = periods
        alarm = cloudwatch.Alarm(
            scope,
            id_,
            alarm_name=f"{self.prefix}{name}",
            alarm_description=f"{says}. What to do: {RUNBOOKS}/{page}.md",
            metric=metric,
            threshold=at_least,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=looked_at,
            datapoints_to_alarm=breaching,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
