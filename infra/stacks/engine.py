"""What works on events: API, queues, functions and send_message. Deployed after the journeys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Aws, Duration, IgnoreMode, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from infra.acknowledgements import acknowledge_wildcard
from infra.compiled import Compiled
from infra.constructs.alarm import Alarms
from infra.constructs.api import TrackingApi
from infra.constructs.ended_executions import EndedExecutions
from infra.constructs.engine_alarms import EngineAlarms
from infra.constructs.feedback import FeedbackSources
from infra.constructs.function import ARCHITECTURE, RUNTIME, StepwellFunction
from infra.constructs.machines import Machines
from infra.constructs.quarantine_alarms import QuarantineAlarms
from infra.constructs.queue import WorkQueue
from infra.constructs.sweep import SweepSchedule
from infra.functions import SENTIMENT, TOLD_THE_URL, FunctionPlan, Surroundings, plans
from infra.layers import DESIGN_TIME
from infra.names import FALLBACK, SEND_MESSAGE, Names
from infra.permissions import Permission, allow, with_key
from infra.settings import Settings
from infra.stacks.data import DataStack

_ASKED_AT_ONCE = 2
"""Batches that Comprehend is asked about at the same time; a new account may ask 20 times a second.
"""
_SENDERS = {
    "ConsentFunctionArn": "consent",
    "FrequencyCapFunctionArn": "frequency_cap",
    "DeliveryFunctionArn": "delivery",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the deployed code lies."""

    functions: Path
    stepwell: Path
    dependencies: Path
    send_message: Path
    fallback: Path
    description: Path
    """The API's, in OpenAPI."""


class EngineStack(Stack):
    """`functions` by folder, `queues` by name."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        data: DataStack,
        compiled: Compiled,
        sources: Sources,
        **options: Any,
    ) -> None:
        super().__init__(scope, id_, **options)
        self._settings = settings
        self._names = Names(settings.stage)
        self._sources = sources
        self._plans = {plan.folder: plan for plan in plans(settings)}
        alarms = Alarms(self._make_alarm_topic(data), self._names.resource(""))
        events = self._make_queue(
            "EventsQueue", "events", fifo=True, worker="router", alarms=alarms
        )
        commands = self._make_queue(
            "CommandsQueue", "commands", fifo=False, worker="commands", alarms=alarms
        )
        feedback = self._make_queue(
            "FeedbackQueue", "feedback", fifo=False, worker="feedback", alarms=alarms
        )
        sentiment = self._make_sentiment_queue(alarms)
        self._surroundings = Surroundings(
            settings,
            data,
            compiled,
            events.queue,
            commands.queue,
            feedback.queue,
            sentiment.queue if sentiment else None,
        )
        self._layers = self._make_layers()
        self.functions = {
            folder: self._make_function(plan).function for folder, plan in self._plans.items()
        }
        for work, worker, concurrency in (
            (events, "router", settings.router_concurrency),
            (commands, "commands", settings.commands_concurrency),
            (feedback, "feedback", settings.feedback_concurrency),
        ):
            work.work_off_with(self.functions[worker], batch_size=10, concurrency=concurrency)
        if sentiment:
            sentiment.work_off_with(
                self.functions[SENTIMENT.folder], batch_size=10, concurrency=_ASKED_AT_ONCE
            )
        FeedbackSources(
            self,
            "FeedbackSources",
            name=self._names.resource("feedback"),
            work=feedback,
            key=data.key,
            email_configuration_set=settings.email_configuration_set,
        )
        send_message = self._make_send_message()
        ended = EndedExecutions(
            self,
            "EndedExecutions",
            name=self._names.resource("ended-executions"),
            machine_arn_prefix=self._names.journey_arn_prefix(),
            queue=commands.queue,
        )
        self._make_fallback()
        self._make_api()
        self._watch(alarms, ended, send_message)

    def _make_api(self) -> None:
        api = TrackingApi(
            self,
            "Http",
            name=self._names.resource("api"),
            settings=self._settings,
            description=self._sources.description,
            authorizer=self.functions["authorizer"],
            ingest=self.functions["ingest"],
            admin=self.functions["admin"],
            unsubscribe=self.functions["unsubscribe"],
            inbox=self.functions["inbox"],
        )
        url = self._settings.public_url or api.url
        for folder in TOLD_THE_URL:
            self.functions[folder].add_environment("PUBLIC_URL", url)
        api.output_url(self)

    def _watch(
        self, alarms: Alarms, ended: EndedExecutions, send_message: states.CfnStateMachine
    ) -> None:
        watch = "quarantine_watch"  # has an alarm of its own
        QuarantineAlarms(
            self,
            "Quarantine",
            name=self._names.resource("quarantine"),
            stage=self._settings.stage,
            watch=self.functions[watch],
            alarm_days=self._settings.quarantine_alarm_days,
            alarms=alarms,
        )
        SweepSchedule(
            self,
            "Swept",
            name=self._names.resource("sweep"),
            stage=self._settings.stage,
            function=self.functions["sweep"],
            alarms=alarms,
        )
        EngineAlarms(
            self,
            "Watched",
            alarms=alarms,
            stage=self._settings.stage,
            functions={name: each for name, each in self.functions.items() if name != watch},
            ended=ended,
            send_message_arn=send_message.attr_arn,
            api={"ApiName": self._names.resource("api"), "Stage": self._settings.stage},
        )

    def _make_alarm_topic(self, data: DataStack) -> sns.Topic:
        topic = sns.Topic(
            self,
            "Alarms",
            topic_name=self._names.resource("alarms"),
            master_key=data.key,
            enforce_ssl=True,
        )
        # With a policy of its own the topic loses SNS's default, by which alarms could publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if self._settings.alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(self._settings.alarm_email))
        return topic

    def _make_queue(
        self, id_: str, name: str, *, fifo: bool, worker: str, alarms: Alarms
    ) -> WorkQueue:
        return WorkQueue(
            self,
            id_,
            name=self._names.resource(name),
            fifo=fifo,
            worker_timeout=self._timeout(worker),
            alarms=alarms,
        )

    def _make_sentiment_queue(self, alarms: Alarms) -> WorkQueue | None:
        if not self._settings.comprehend:
            return None
        name = SENTIMENT.folder
        return self._make_queue("SentimentQueue", name, fifo=False, worker=name, alarms=alarms)

    def _timeout(self, folder: str) -> Duration:
        return Duration.seconds(self._plans[folder].timeout_seconds)

    def _make_layers(self) -> tuple[lambda_.LayerVersion, ...]:
        dependencies = lambda_.Code.from_asset(str(self._sources.dependencies))
        engine = lambda_.Code.from_asset(
            str(self._sources.stepwell), exclude=list(DESIGN_TIME), ignore_mode=IgnoreMode.DOCKER
        )
        return tuple(
            lambda_.LayerVersion(
                self,
                f"{name.capitalize()}Layer",
                layer_version_name=self._names.resource(name),
                code=code,
                compatible_runtimes=[RUNTIME],
                compatible_architectures=[ARCHITECTURE],
                removal_policy=RemovalPolicy.DESTROY,
            )
            for name, code in (("dependencies", dependencies), ("stepwell", engine))
        )

    def _make_function(self, plan: FunctionPlan) -> StepwellFunction:
        variables = self._surroundings.environment()
        permissions = plan.permissions(self._surroundings)
        made = StepwellFunction(
            self,
            "".join(word.capitalize() for word in plan.folder.split("_")),
            name=self._names.function(plan.folder),
            code=self._sources.functions / plan.folder,
            layers=self._layers,
            environment={name: variables[name] for name in ("STAGE", *plan.variables)},
            permissions=with_key(permissions, self._surroundings.data.key.key_arn),
            timeout=self._timeout(plan.folder),
            memory_mb=self._settings.memory_mb,
            log_retention=self._settings.log_retention,
            reserved_concurrency=self._settings.delivery_concurrency
            if plan.folder == "delivery"
            else None,
        )
        self._acknowledge_patterns(made, permissions)
        return made

    def _acknowledge_patterns(
        self, made: StepwellFunction, permissions: tuple[Permission, ...]
    ) -> None:
        """Each pattern in a function's resources has a reason; without one it is a finding."""
        reasons = {
            "s3:GetObject": "Objects are named by the hash of their content: a running journey "
            "reads the version it started with, and who asks Comprehend the batch of the message. "
            "Only their folder can be named.",
            "s3:PutObject": "Objects are named by their time and their content: only "
            "their folder can be named.",
            "states:StopExecution": "Executions are made while it runs; the machine is named "
            "exactly.",
            "states:StartExecution": "After a parked wait a journey goes on in the machine of "
            "its own version, and those of earlier deployments are known by their versions only.",
            "connect:StartTaskContact": "Contacts are made while it runs; instance and flow are "
            "named exactly.",
            "sms-voice:SendTextMessage": "AWS chooses who a text comes from, of all that the "
            "account has; a setting names one.",
            "comprehend:DetectSentiment": "Comprehend has no resources for texts that are asked "
            "about one by one: AWS takes only `*` here.",
            "sns:Publish": "Endpoints are made from customers' device tokens; the application is "
            "named exactly.",
        }
        for permission in permissions:
            reason = reasons.get(permission.actions[0], "")
            for resource in permission.resources:
                if reason and "*" in resource:
                    acknowledge_wildcard(made.role, resource, reason)

    def _make_send_message(self) -> states.CfnStateMachine:
        arns = {
            placeholder: self._names.function_arn(folder)
            for placeholder, folder in _SENDERS.items()
        }
        machines = Machines(
            self,
            "Sending",
            log_group_name=self._names.states_log_group(SEND_MESSAGE),
            log_retention=self._settings.log_retention,
            permissions=(Permission(("lambda:InvokeFunction",), tuple(arns.values())),),
        )
        definition: Mapping[str, Any] = json.loads(self._sources.send_message.read_text())
        machine = machines.add(
            SEND_MESSAGE,
            name=self._names.resource(SEND_MESSAGE),
            kind=states.StateMachineType.EXPRESS,
            definition=definition,
            values=arns,
            retain=False,
        )
        for folder in _SENDERS.values():
            machine.node.add_dependency(self.functions[folder])
        return machine

    def _make_fallback(self) -> None:
        """What sends a message by its next channel when its journey may have ended."""
        sender = self._names.machine_arn(SEND_MESSAGE)
        machines = Machines(
            self,
            "FallingBack",
            log_group_name=self._names.states_log_group(FALLBACK),
            log_retention=self._settings.log_retention,
            permissions=(allow(sender, "states:StartSyncExecution"),),
        )
        machines.add(
            FALLBACK,
            name=self._names.resource(FALLBACK),
            kind=states.StateMachineType.STANDARD,
            definition=json.loads(self._sources.fallback.read_text()),
            values={"SendMessageArn": sender},
            retain=False,
        )
