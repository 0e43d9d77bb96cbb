"""Executions of journeys that ended without their enrollment come to the commands queue as events.

Step Functions tells EventBridge of every Standard execution that ends. Those that the router
stopped (`Exited`) are left out: their enrollment had ended before. What is left failed, timed out
or was stopped by hand, and its enrollment is ended by the commands function.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stepwell.aws.execution_events import DETAIL_TYPE
from stepwell.customers.legs import EXITED


class EndedExecutions(Construct):
    """The rule, and how often it was triggered."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, machine_arn_prefix: str, queue: sqs.IQueue
    ) -> None:
        super().__init__(scope, id_)
        self._rule = events.Rule(
            self,
            "Rule",
            rule_name=name,
            description="Stepwell: executions of journeys that failed, timed out or were stopped",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=[DETAIL_TYPE],
                detail=_detail(machine_arn_prefix),
            ),
            targets=[targets.SqsQueue(queue)],
        )

    def count(self, **options: Any) -> cloudwatch.Metric:
        """How many there were: EventBridge counts what a rule matches, for nothing."""
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions_map={"RuleName": self._rule.rule_name},
            statistic="Sum",
            **options,
        )


def _detail(machine_arn_prefix: str) -> dict[str, Any]:
    """A prefix, because machines of journeys that were removed are still there and may run.

    `anything-but` matches an error that is null, not one that is absent.
    """
    return {
        "stateMachineArn": [{"prefix": machine_arn_prefix}],
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        "$or": [
            {"error": [{"anything-but": [EXITED]}]},
            {"error": [{"exists": False}]},
        ],
    }
