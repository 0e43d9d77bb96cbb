"""State machines from committed definitions, with the role and the logs that they share.

Definitions are put inline, with their placeholders replaced in the text: a substitution map or a
file in S3 would hide the graph from a reviewer of the template, and the local stack reads inline
text only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from infra.acknowledgements import acknowledge, acknowledge_wildcard
from infra.permissions import TRACE_SAMPLED, Permission, allow, policy

LOG_DELIVERY = allow(
    "*",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


class DefinitionError(Exception):
    """A definition names a placeholder that nothing stands for."""


class Machines(Construct):
    """State machines that share `role` and one log group."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        log_group_name: str,
        log_retention: logs.RetentionDays,
        permissions: Sequence[Permission],
        role_name: str | None = None,
    ) -> None:
        """`role_name` is for machines that outlive the stack: they know their role by its name."""
        super().__init__(scope, id_)
        self._logs = logs.LogGroup(
            self,
            "Logs",
            log_group_name=log_group_name,
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self,
            "Role",
            role_name=role_name,
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={"Exact": policy((*permissions, LOG_DELIVERY, TRACE_SAMPLED))},
        )
        acknowledge_wildcard(
            self.role,
            "*",
            "X-Ray's write actions and those of log delivery have no resources, only `*`.",
        )

    def add(
        self,
        id_: str,
        *,
        name: str,
        kind: states.StateMachineType,
        definition: Mapping[str, Any],
        values: Mapping[str, str],
        retain: bool,
    ) -> states.CfnStateMachine:
        """One machine. `values` stand for the definition's `${…}` placeholders."""
        machine = states.CfnStateMachine(
            self,
            id_,
            state_machine_name=name,
            state_machine_type=kind.value,
            definition_string=fill_in(json.dumps(definition, ensure_ascii=False), values),
            role_arn=self.role.role_arn,
            logging_configuration=self._logging(),
            tracing_configuration=states.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        if retain:
            machine.apply_removal_policy(RemovalPolicy.RETAIN)
        acknowledge(
            machine,
            "AwsSolutions-SF1",
            "Errors are logged, without execution data: the decision record says what happened "
            "and why, and logging every state would cost more than the states.",
        )
        return machine

    def publish(self, machine: states.CfnStateMachine) -> states.CfnStateMachineVersion:
        """The version that is what the machine is now, kept when there is a next one.

        Its properties say which revision it is of and nothing else: a change of them alone would
        make CloudFormation publish the same revision again, and fail, for each has one version.
        """
        version = states.CfnStateMachineVersion(
            self,
            f"{machine.node.id}Version",
            state_machine_arn=machine.ref,
            state_machine_revision_id=machine.attr_state_machine_revision_id,
        )
        version.apply_removal_policy(RemovalPolicy.RETAIN)
        return version

    def _logging(self) -> states.CfnStateMachine.LoggingConfigurationProperty:
        return states.CfnStateMachine.LoggingConfigurationProperty(
            level="ERROR",
            include_execution_data=False,
            destinations=[
                states.CfnStateMachine.LogDestinationProperty(
                    cloud_watch_logs_log_group=states.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                        log_group_arn=self._logs.log_group_arn
                    )
                )
            ],
        )


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Replace `${Name}` by its value. Raises DefinitionError for a name without one."""
    unknown = {name for name in _PLACEHOLDER.findall(text) if name not in values}
    if unknown:
        raise DefinitionError(
            f"no value for {', '.join(sorted(unknown))}; there are {', '.join(sorted(values))}"
        )
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
