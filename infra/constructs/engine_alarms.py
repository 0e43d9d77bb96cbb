"""What is watched besides queues and quarantine: functions, executions, sending, the API.

Each metric that an alarm looks at costs, those inside of an expression too. So what AWS counts for
a whole account is taken from there, and journeys are counted by one rule of EventBridge instead of
by each of their machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.alarm import Alarms
from infra.constructs.ended_executions import EndedExecutions
from stepwell.handover.handing_over import NOT_HANDED_OVER
from stepwell.journeys.overdue import OVERDUE

PERIOD = Duration.minutes(5)
MOST_METRICS = 10
"""That CloudWatch takes in one alarm's expression."""
OPEN_PERCENT = 80


class EngineAlarms(Construct):
    """Alarms of one stage, `alarms.topic` hears of them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        alarms: Alarms,
        stage: str,
        functions: Mapping[str, lambda_.Function],
        ended: EndedExecutions,
        send_message_arn: str,
        api: Mapping[str, str],
    ) -> None:
        """`api` are the dimensions of the API's stage."""
        super().__init__(scope, id_)
        self._alarms = alarms
        self._watch_functions(functions)
        self._watch_journeys(ended)
        self._watch_log(
            "OverdueHolds",
            functions["router"],
            stage,
            f"*{OVERDUE}",
            page="overdue-holds",
            says="The time of a hold is long over, and its enrollment stood still",
        )
        self._watch_log(
            "GivenUpHandOvers",
            functions["hand_over"],
            stage,
            NOT_HANDED_OVER,  # that it tries again is nobody's alarm
            page="hand-overs-given-up",
            says="A human was to be asked, and no destination took it",
        )
        self._watch_sending(send_message_arn)
        self._watch_api(api)

    def _watch_functions(self, functions: Mapping[str, lambda_.Function]) -> None:
        names = sorted(functions)
        parts = [names[at : at + MOST_METRICS] for at in range(0, len(names), MOST_METRICS)]
        for number, part in enumerate(parts, start=1):
            metrics = [functions[name].metric_errors(period=PERIOD) for name in part]
            suffix = f"-{number}" if number > 1 else ""
            self._alarms.add(
                self,
                f"FunctionErrors{number}",
                name=f"function-errors{suffix}",
                says=f"Functions fail again and again: one of {', '.join(part)}",
                page="function-errors",
                metric=_sum(metrics),
                at_least=5,
                periods=(2, 3),
            )
        self._alarms.add(
            self,
            "FunctionThrottles",
            name="function-throttles",
            says="Lambda has turned functions away for a quarter of an hour",
            page="function-throttles",
            metric=_count("AWS/Lambda", "Throttles", {}),
            at_least=1,
            periods=(3, 3),
        )

    def _watch_journeys(self, ended: EndedExecutions) -> None:
        self._alarms.add(
            self,
            "JourneysFailed",
            name="journeys-failed",
            says="Executions of journeys failed, timed out or were stopped by hand",
            page="journeys-failed",
            metric=ended.count(period=PERIOD),
            at_least=1,
        )
        self._alarms.add(
            self,
            "ExecutionsThrottled",
            name="executions-throttled",
            says="Step Functions has slowed executions down for a quarter of an hour",
            page="executions-throttled",
            metric=_count("AWS/States", "ThrottledEvents", {"ServiceMetric": "StateTransition"}),
            at_least=1,
            periods=(3, 3),
        )
        count, limit = (
            cloudwatch.Metric(
                namespace="AWS/States", metric_name=name, statistic="Maximum", period=PERIOD
            )
            for name in ("OpenExecutionCount", "OpenExecutionLimit")
        )
        self._alarms.add(
            self,
            "OpenExecutions",
            name="open-executions",
            says=f"Open executions have reached {OPEN_PERCENT} % of the account's quota",
            page="open-executions",
            metric=cloudwatch.MathExpression(
                expression="100 * open / quota",
                using_metrics={"open": count, "quota": limit},
                period=PERIOD,
                label="percent of the quota",
            ),
            at_least=OPEN_PERCENT,
            periods=(3, 3),
        )

    def _watch_log(
        self,
        id_: str,
        function: lambda_.Function,
        stage: str,
        problem: str,
        *,
        page: str,
        says: str,
    ) -> None:
        """The function says so in its log; a filter there tells a metric only when it does."""
        found = logs.MetricFilter(
            self,
            id_,
            log_group=function.log_group,
            filter_pattern=logs.FilterPattern.string_value("$.problem", "=", problem),
            metric_namespace=f"Stepwell/{stage}",
            metric_name=id_,
            metric_value="1",
        )
        metric = found.metric(statistic="Sum", period=PERIOD)
        self._alarms.add(
            self, f"{id_}Alarm", name=page, says=says, page=page, metric=metric, at_least=1
        )

    def _watch_sending(self, machine_arn: str) -> None:
        of = {"StateMachineArn": machine_arn}
        self._alarms.add(
            self,
            "SendingFailed",
            name="sending-failed",
            says="send_message failed or timed out instead of answering",
            page="sending-failed",
            metric=_sum(
                [
                    _count("AWS/States", name, of)
                    for name in ("ExecutionsFailed", "ExecutionsTimedOut")
                ]
            ),
            at_least=1,
        )

    def _watch_api(self, api: Mapping[str, str]) -> None:
        self._alarms.add(
            self,
            "ApiErrors",
            name="api-errors",
            says="The API answers 5xx: it, ingest, admin or the authorizer",
            page="api-errors",
            metric=_count("AWS/ApiGateway", "5XXError", api),
            at_least=5,
            periods=(2, 3),
        )


def _count(namespace: str, name: str, of: Mapping[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(of),
        statistic="Sum",
        period=PERIOD,
    )


def _sum(metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """Of those that have numbers: a function that did not run has none, and `a + b` would have none
    either.
    """
    return cloudwatch.MathExpression(
        expression="SUM(METRICS())",
        using_metrics={f"m{number}": metric for number, metric in enumerate(metrics)},
        period=PERIOD,
        label="all together",
    )
