"""IAM statements, each with exact actions on exact resources.

A function's permissions are a list of these values, so that a review and a test read them as data.
What needs the tables or writes to a bucket also needs their key; `with_key` adds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

_DECRYPT = ("kms:Decrypt", "kms:DescribeKey")
_ENCRYPT = ("kms:Encrypt", "kms:GenerateDataKey")
_CHANGES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}


@dataclass(frozen=True, slots=True)
class Permission:
    """Actions on resources. `all_but` instead of `resources` allows everything but these."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    all_but: tuple[str, ...] = ()
    through: str = ""
    """Only in calls that this service makes for the caller."""
    to: str = ""
    """Of iam:PassRole: the service that may be given the role."""

    def statement(self) -> iam.PolicyStatement:
        conditions = {
            "kms:ViaService": self.through and f"{self.through}.{Aws.REGION}.amazonaws.com",
            "iam:PassedToService": self.to and f"{self.to}.amazonaws.com",
        }
        given = {name: value for name, value in conditions.items() if value}
        return iam.PolicyStatement(
            actions=list(self.actions),
            resources=list(self.resources) or None,
            not_resources=list(self.all_but) or None,
            conditions={"StringEquals": given} if given else None,
        )


def allow(resource: str, *actions: str) -> Permission:
    return Permission(actions, (resource,))


def with_key(permissions: Sequence[Permission], key_arn: str) -> tuple[Permission, ...]:
    """The permissions and what DynamoDB and S3 ask of the key in the caller's name."""
    actions = {action for each in permissions for action in each.actions}
    needed = list(permissions)
    if any(action.startswith("dynamodb:") for action in actions):
        uses = _DECRYPT + (_ENCRYPT if actions & _CHANGES else ())
        needed.append(Permission(uses, (key_arn,), through="dynamodb"))
    if "s3:PutObject" in actions:
        needed.append(Permission(("kms:GenerateDataKey",), (key_arn,), through="s3"))
    return tuple(needed)


TRACE = allow("*", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
TRACE_SAMPLED = Permission(
    (*TRACE.actions, "xray:GetSamplingRules", "xray:GetSamplingTargets"), ("*",)
)
TRACE_REASON = "X-Ray has no resources: its write actions accept only `*`."


def policy(permissions: Sequence[Permission]) -> iam.PolicyDocument:
    return iam.PolicyDocument(statements=[each.statement() for each in permissions])
