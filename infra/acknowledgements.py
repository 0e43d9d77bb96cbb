"""cdk-nag findings that are accepted, each with its reason, beside the construct it is about."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept a rule, or one finding as `Rule[Finding]`, on a construct and what is below it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_managed_policy(construct: IConstruct, policy: str, reason: str) -> None:
    """Accept one of AWS's managed policies, of those for services."""
    arn = f"arn:<AWS::Partition>:iam::aws:policy/service-role/{policy}"
    acknowledge(construct, f"AwsSolutions-IAM4[Policy::{arn}]", reason)


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Accept one resource with an asterisk in an IAM policy; `resource` as it is in the policy.

    cdk-nag shows pseudo parameters as `<AWS::Region>`, so the text is brought into that form.
    """
    acknowledge(
        construct, f"AwsSolutions-IAM5[Resource::{_as_nag_shows(construct, resource)}]", reason
    )


def _as_nag_shows(construct: IConstruct, resource: str) -> str:
    resolved = Stack.of(construct).resolve(resource)
    if isinstance(resolved, str):
        return resolved
    parts = resolved["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in parts)
