"""A Lambda function with a role of its own, exact permissions, and a log group that forgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgements import acknowledge_wildcard
from infra.permissions import TRACE, TRACE_REASON, Permission, allow, policy

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64


class StepwellFunction(Construct):
    """`function` and its `role`; nothing may be added to the role's policy afterwards."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        code: Path,
        layers: Sequence[lambda_.ILayerVersion],
        environment: Mapping[str, str],
        permissions: Sequence[Permission],
        timeout: Duration,
        memory_mb: int,
        log_retention: logs.RetentionDays,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        writes_logs = allow(log_group.log_group_arn, "logs:CreateLogStream", "logs:PutLogEvents")
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Exact": policy((*permissions, writes_logs, TRACE))},
        )
        acknowledge_wildcard(self.role, "*", TRACE_REASON)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(code), exclude=["**/__pycache__/**", "__pycache__"]),
            layers=list(layers),
            environment=dict(environment),
            role=self.role.without_policy_updates(),
            timeout=timeout,
            memory_size=memory_mb,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log_group,
            reserved_concurrent_executions=reserved_concurrency,
        )
