"""What providers tell reaches the feedback queue, and nothing else may write there."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from infra.app import build
from infra.compiled import Compiled
from infra.settings import settings_for
from infra.stacks.engine import Sources
from tests.infrastructure.synthesized import Synthesized, listed, read_assembly, short

CUSTOMERS_OF_OURS = [{"prefix": "c"}]


def rules(synthesized: Synthesized) -> dict[str, Any]:
    """The rules with a pattern, by the service that they listen to."""
    return {
        rule["EventPattern"]["source"][0]: rule
        for rule in synthesized.properties("AWS::Events::Rule")
        if rule.get("EventPattern", {}).get("source") not in (None, ["aws.states"])
    }


def test_rules_take_what_is_known_of_each_provider_and_of_our_messages(
    synthesized: Synthesized,
) -> None:
    patterns = {source: rule["EventPattern"] for source, rule in rules(synthesized).items()}
    assert {source: set(each["detail-type"]) for source, each in patterns.items()} == {
        "aws.ses": {
            *("Email Delivered", "Email Bounced", "Email Complaint Received", "Email Opened"),
            *("Email Clicked", "Email Rejected", "Email Rendering Failed"),
        },
        "aws.sms-voice": {"Text Message Delivery Status Updated"},
        "aws.social-messaging": {
            *("WhatsApp Message Delivered", "WhatsApp Message Read"),
            *("WhatsApp Message Failed", "WhatsApp Message Undeliverable"),
        },
    }
    assert patterns["aws.ses"]["detail"] == {"mail": {"tags": {"customer": CUSTOMERS_OF_OURS}}}
    assert patterns["aws.sms-voice"]["detail"] == {
        "isFinal": [True],
        "context": {"customer": CUSTOMERS_OF_OURS},
    }


@pytest.mark.parametrize("source", ["aws.ses", "aws.sms-voice", "aws.social-messaging"])
def test_rules_lead_to_the_queue_and_what_does_not_arrive_to_its_dead_letters(
    synthesized: Synthesized, source: str
) -> None:
    (target,) = rules(synthesized)[source]["Targets"]
    assert short(target["Arn"]) == "FeedbackQueue.Arn"
    assert short(target["DeadLetterConfig"]["Arn"]) == "FeedbackQueueDeadLetters.Arn"


def test_texts_come_by_an_encrypted_topic_that_two_way_numbers_may_publish_to(
    synthesized: Synthesized,
) -> None:
    (topic,) = (
        each
        for each in synthesized.properties("AWS::SNS::Topic")
        if each["TopicName"] == "stepwell-local-feedback-texts"
    )
    assert short(topic["KmsMasterKeyId"]) == "Key.Arn"
    (subscription,) = (
        each
        for each in synthesized.properties("AWS::SNS::Subscription")
        if each["Protocol"] == "sqs"
    )
    assert short(subscription["Endpoint"]) == "FeedbackQueue.Arn"
    assert subscription.get("RawMessageDelivery") is not True  # the envelope has the time
    statements = [
        statement
        for policy in synthesized.properties("AWS::SNS::TopicPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    publishers = {
        short(each["Principal"]["Service"]): each["Condition"]["StringEquals"]
        for each in statements
        if "sns:Publish" in listed(each["Action"])
    }
    assert short(publishers["sms-voice.amazonaws.com"]["aws:SourceAccount"]) == "<AWS::AccountId>"
    (key,) = synthesized.properties("AWS::KMS::Key")
    users = [
        each["Principal"].get("Service")
        for each in key["KeyPolicy"]["Statement"]
        if "kms:GenerateDataKey" in listed(each["Action"])
    ]
    assert "sms-voice.amazonaws.com" in users


def test_queue_takes_from_these_rules_and_this_topic_only(synthesized: Synthesized) -> None:
    sources = {
        short(condition.get("aws:SourceArn", ""))
        for policy in synthesized.properties("AWS::SQS::QueuePolicy")
        if any("FeedbackQueue" in short(each) for each in policy["Queues"])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for condition in [statement["Condition"].get("ArnEquals", {})]
    }
    assert sources == {
        "FeedbackSourcesEmail.Arn",
        "FeedbackSourcesTexts.Arn",
        "FeedbackSourcesWhatsApp.Arn",
        "FeedbackSourcesInboundTexts",
    }


def test_ses_is_told_to_tell_when_there_is_a_configuration_set(
    synthesized: Synthesized, tmp_path: Path, sources: Sources, compiled: Compiled
) -> None:
    kind = "AWS::SES::ConfigurationSetEventDestination"
    assert not synthesized.properties(kind)
    settings = dataclasses.replace(settings_for("local"), email_configuration_set="shop")
    build(settings, compiled, sources, outdir=str(tmp_path)).synth()
    (destination,) = read_assembly(tmp_path).properties(kind)
    assert destination["ConfigurationSetName"] == "shop"
    told = destination["EventDestination"]
    assert "BOUNCE" in told["MatchingEventTypes"]
    assert short(told["EventBridgeDestination"]["EventBusArn"]).endswith(":event-bus/default")
