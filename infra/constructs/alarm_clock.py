"""What parked waits need: a group for their schedules, and the role by which those ring.

A schedule rings by putting its message into the commands queue, which the engine makes later: it is
known by its name. Both parts are retained, because enrollments that are parked need them.
"""

from __future__ import annotations

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.names import Names
from infra.permissions import Permission, allow, policy


class AlarmClock(Construct):
    """The group and the role of a stage, by their names."""

    def __init__(self, scope: Construct, id_: str, *, names: Names) -> None:
        super().__init__(scope, id_)
        group = scheduler.CfnScheduleGroup(self, "Group", name=names.parked_group())
        group.apply_removal_policy(RemovalPolicy.RETAIN)
        queues = tuple(names.queue_arn(each) for each in ("commands", "commands-dlq"))
        role = iam.Role(
            self,
            "Role",
            role_name=names.alarms_role(),
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
            inline_policies={"Exact": policy((Permission(("sqs:SendMessage",), queues),))},
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)


def may_set_alarms(names: Names) -> tuple[Permission, ...]:
    """What the journeys' machines need."""
    return (
        allow(names.parked_schedules(), "scheduler:CreateSchedule"),
        Permission(("iam:PassRole",), (names.alarms_role_arn(),), to="scheduler"),
    )
