"""The schedule of the sweep, and an alarm on how late it is."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.alarm import Alarms
from stepwell.profile.living import SWEPT_EVERY

_MINUTES = int(SWEPT_EVERY.total_seconds() // 60)


class SweepSchedule(Construct):
    """On the minutes of the hour that moments are rounded up to, and so seconds after them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        stage: str,
        function: lambda_.Function,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, id_)
        events.Rule(
            self,
            "Schedule",
            rule_name=name,
            description="Stepwell: looks for customers whose segments time may have changed",
            schedule=events.Schedule.cron(minute=f"0/{_MINUTES}"),
            # Before the next run comes, which would find the same customers.
            targets=[
                targets.LambdaFunction(
                    function, retry_attempts=1, max_event_age=Duration.minutes(_MINUTES)
                )
            ],
        )
        alarms.add(
            self,
            "Failing",
            name="sweep-failing",
            says="Nobody is looked at whose segments time has changed: the sweep fails each time",
            page="sweep-late",
            metric=function.metric_errors(period=Duration.minutes(_MINUTES)),
            at_least=1,
            periods=(3, 3),
        )
        # The function says so in its log; a filter there tells a metric only when it does.
        behind = logs.MetricFilter(
            self,
            "Behind",
            log_group=function.log_group,
            filter_pattern=logs.FilterPattern.string_value("$.message", "=", "sweep behind"),
            metric_namespace=f"Stepwell/{stage}",
            metric_name="SweepLateSeconds",
            metric_value="$.late_seconds",
        )
        alarms.add(
            self,
            "Late",
            name="sweep-late",
            says="Customers whose segments time has changed are not looked at for over an hour",
            page="sweep-late",
            metric=behind.metric(statistic="Maximum", period=Duration.minutes(15)),
            at_least=3600,
            periods=(2, 2),
        )
