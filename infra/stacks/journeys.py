"""The journeys' state machines and compiled programs, in a stack of their own.

It is deployed between data and engine. The catalog that the router reads names the journeys that it
may start; a new catalog's key reaches the router as an environment variable with the engine, so it
goes live only when this stack has made the machines and put the programs into the bucket. The other
way round, a machine calls the functions plan and hand_over, and send_message, which the engine
makes later: it knows them by their stable names, not by a reference, so there is no cycle, and
nothing calls them before a catalog is live.

Machines are retained: deleting one kills what runs in it. A journey is taken out of service by
`status: draining`, and its folder removed when nobody is in it any more, if at all.

Each definition is published as a version of its machine, and the router starts the one that its
catalog was compiled with: until the engine is deployed, the old one. Versions are retained, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from infra.acknowledgements import (
    acknowledge,
    acknowledge_managed_policy,
    acknowledge_wildcard,
)
from infra.compiled import Compiled
from infra.constructs.alarm_clock import AlarmClock, may_set_alarms
from infra.constructs.machines import Machines
from infra.names import SEND_MESSAGE, Names
from infra.permissions import Permission, allow, with_key
from infra.settings import Settings, SettingsError
from infra.stacks.data import DataStack


class JourneysStack(Stack):
    """One Standard machine a journey; programs, catalog and policies in the bucket."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        data: DataStack,
        compiled: Compiled,
        **options: Any,
    ) -> None:
        super().__init__(scope, id_, **options)
        self._settings = settings
        self._names = Names(settings.stage)
        self._data = data
        if compiled.legs and not settings.parking:
            raise SettingsError(
                f"settings of stage {settings.stage}: parking is off, and these journeys have "
                f"park_waits_over: {', '.join(_journeys_of(compiled.legs))}"
            )
        if settings.parking:
            AlarmClock(self, "Alarms", names=self._names)
        self._deployer_logs = logs.LogGroup(
            self,
            "BundleLogs",
            log_group_name=f"/aws/lambda/{self._names.resource('bundle')}",
            retention=settings.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._programs = s3.Bucket.from_bucket_name(self, "Programs", self._names.programs_bucket())
        bundle = self._deploy("Bundle", deployment.Source.asset(str(compiled.folder)))
        self._acknowledge_deployer()
        versions = self._make_machines(compiled, bundle)
        self._deploy(
            "MachineVersions",
            deployment.Source.json_data(compiled.machine_versions_key, versions),
        )

    def _make_machines(
        self, compiled: Compiled, bundle: deployment.BucketDeployment
    ) -> dict[str, str]:
        """The ARN of the version that each journey is started at."""
        names = self._names
        machines = Machines(
            self,
            "Machines",
            log_group_name=names.states_log_group("journeys"),
            log_retention=self._settings.log_retention,
            permissions=self._permissions(),
            role_name=names.journeys_role(),
        )
        values = {
            "CustomersTable": names.resource("customers"),
            "RecordsTable": names.resource("records"),
            "PlanFunctionArn": names.function_arn("plan"),
            "HandOverFunctionArn": names.function_arn("hand_over"),
            "SendMessageArn": names.machine_arn(SEND_MESSAGE),
            "ScheduleGroup": names.parked_group(),
            "SchedulerRoleArn": names.alarms_role_arn(),
            "CommandsQueueArn": names.queue_arn("commands"),
            "CommandsDeadLettersArn": names.queue_arn("commands-dlq"),
        }
        versions = {}
        for name, definition in sorted({**compiled.machines, **compiled.legs}.items()):
            machine = machines.add(
                name,
                name=names.resource(name),
                kind=states.StateMachineType.STANDARD,
                definition=definition,
                values=values,
                retain=True,
            )
            # It names its program: an execution that started in between would not find it.
            machine.node.add_dependency(bundle)
            if name in compiled.machines:
                self._link_to_console(name)
                versions[name] = machines.publish(machine).attr_arn
        if self._settings.parking:
            acknowledge_wildcard(
                machines.role,
                names.parked_schedules(),
                "Schedules are made while it runs; their group is named exactly.",
            )
        return versions

    def _permissions(self) -> tuple[Permission, ...]:
        names, data = self._names, self._data
        return (
            *with_key(
                (
                    allow(data.customers.table_arn, "dynamodb:GetItem", "dynamodb:UpdateItem"),
                    allow(data.records.table_arn, "dynamodb:PutItem"),
                ),
                data.key.key_arn,
            ),
            # Both whatever the journeys are now: those that run may be of an earlier version.
            Permission(
                ("lambda:InvokeFunction",),
                (names.function_arn("plan"), names.function_arn("hand_over")),
            ),
            allow(names.machine_arn(SEND_MESSAGE), "states:StartSyncExecution"),
            *(may_set_alarms(names) if self._settings.parking else ()),
        )

    def _link_to_console(self, journey: str) -> None:
        console = f"https://{Aws.REGION}.console.aws.amazon.com/states/home?region={Aws.REGION}"
        CfnOutput(
            self,
            "ConsoleJourney" + "".join(word.capitalize() for word in journey.split("_")),
            value=f"{console}#/statemachines/view/{self._names.machine_arn(journey)}",
        )

    def _deploy(self, id_: str, source: deployment.ISource) -> deployment.BucketDeployment:
        """Put files into the programs' bucket; none that is there is deleted."""
        return deployment.BucketDeployment(
            self,
            id_,
            sources=[source],
            destination_bucket=self._programs,
            prune=False,
            log_group=self._deployer_logs,
        )

    def _acknowledge_deployer(self) -> None:
        """The deployer is CDK's own function with CDK's own role, so what it may do is not ours."""
        deployer = next(
            child
            for child in self.node.children
            if child.node.id.startswith("Custom::CDKBucketDeployment")
        )
        runs = "AWS CDK's own function, which runs only while this stack is deployed: "
        acknowledge_managed_policy(
            deployer,
            "AWSLambdaBasicExecutionRole",
            runs + "CDK gives it the policy for writing logs.",
        )
        acknowledge(deployer, "AwsSolutions-L1", runs + "CDK chooses its runtime and updates it.")
        for action in ("GetObject", "GetBucket", "List", "DeleteObject", "Abort"):
            acknowledge(
                deployer,
                f"AwsSolutions-IAM5[Action::s3:{action}*]",
                runs + "it copies one asset into one bucket, with CDK's groups of actions.",
            )
        assets = f"cdk-hnb659fds-assets-{Aws.ACCOUNT_ID}-{Aws.REGION}"
        for bucket in (assets, self._names.programs_bucket()):
            acknowledge_wildcard(
                deployer,
                f"arn:{Aws.PARTITION}:s3:::{bucket}/*",
                runs + "objects' names are content hashes, unknown before; the bucket is exact.",
            )


def _journeys_of(legs: Mapping[str, Any]) -> list[str]:
    return sorted(name.partition("-")[0] for name in legs)
