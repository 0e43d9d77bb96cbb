"""How what providers tell reaches the feedback queue: EventBridge's rules, and the topic of texts.

SES sends its events to the default bus through a destination of the configuration set; End User
Messaging sends its own there by itself. Texts of customers come by a topic that a two-way number
names. What cannot be put into the queue lands in its dead-letter queue.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.queue import WorkQueue
from stepwell.feedback import email, texts, whatsapp

_OURS = events.Match.prefix("c")
"""Customers' ids begin so: what other programs of the account send never enters the queue."""
_EMAIL_EVENTS = ("DELIVERY", "BOUNCE", "COMPLAINT", "OPEN", "CLICK", "REJECT", "RENDERING_FAILURE")


class FeedbackSources(Construct):
    """`texts` is the topic that a two-way number is to publish to."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        work: WorkQueue,
        key: kms.IKey,
        email_configuration_set: str,
    ) -> None:
        super().__init__(scope, id_)
        self._work = work
        self._rule("Email", f"{name}-email", email, {"mail": {"tags": {"customer": _OURS}}})
        self._rule(
            "Texts", f"{name}-sms", texts, {"isFinal": [True], "context": {"customer": _OURS}}
        )
        self._rule("WhatsApp", f"{name}-whatsapp", whatsapp, None)
        if email_configuration_set:
            self._let_ses_tell(name, email_configuration_set)
        self.texts = self._make_topic(f"{name}-texts", key)

    def _rule(self, id_: str, name: str, provider: Any, detail: dict[str, Any] | None) -> None:
        events.Rule(
            self,
            id_,
            rule_name=name,
            description="Stepwell: what became of messages",
            event_pattern=events.EventPattern(
                source=[provider.SOURCE], detail_type=list(provider.DETAIL_TYPES), detail=detail
            ),
            targets=[targets.SqsQueue(self._work.queue, dead_letter_queue=self._work.dead_letters)],
        )

    def _let_ses_tell(self, name: str, configuration_set: str) -> None:
        bus = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default"
        ses.CfnConfigurationSetEventDestination(
            self,
            "FromSes",
            configuration_set_name=configuration_set,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                name=name,
                enabled=True,
                matching_event_types=list(_EMAIL_EVENTS),
                event_bridge_destination=ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                    event_bus_arn=bus
                ),
            ),
        )

    def _make_topic(self, name: str, key: kms.IKey) -> sns.Topic:
        """Encrypted; the key lets End User Messaging use it (`infra.stacks.data`)."""
        topic = sns.Topic(self, "InboundTexts", topic_name=name, master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TwoWayNumbersPublish",
                principals=[iam.ServicePrincipal("sms-voice.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        topic.add_subscription(
            subscriptions.SqsSubscription(
                self._work.queue,
                raw_message_delivery=False,  # its envelope has the time, which a text has not
                dead_letter_queue=self._work.dead_letters,
            )
        )
        return topic
