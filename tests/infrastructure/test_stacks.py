"""Data, queues, machines, API: what must be true of every one of them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.app import build
from infra.compiled import Compiled
from infra.constructs.machines import DefinitionError, fill_in
from infra.settings import settings_for
from infra.stacks.engine import Sources
from tests.infrastructure.synthesized import (
    Synthesized,
    definition,
    read_assembly,
    short,
    states,
)

# ------------------------------------------------------------------------------------ data


def test_tables_are_encrypted_kept_and_forget_by_themselves(synthesized: Synthesized) -> None:
    tables = synthesized.properties("AWS::DynamoDB::Table")
    assert {each["TableName"] for each in tables} == {
        "stepwell-local-customers",
        "stepwell-local-records",
    }
    for table in tables:
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"]["SSEType"] == "KMS"
        assert short(table["SSESpecification"]["KMSMasterKeyId"]) == "Key.Arn"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
        keys = {each["AttributeName"]: each["KeyType"] for each in table["KeySchema"]}
        assert keys == {"pk": "HASH", "sk": "RANGE"}


def test_key_is_rotated(synthesized: Synthesized) -> None:
    [key] = synthesized.properties("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True


def test_bucket_is_private_versioned_and_never_emptied(synthesized: Synthesized) -> None:
    buckets = synthesized.properties("AWS::S3::Bucket")
    for bucket in buckets:
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in bucket
    policies = synthesized.properties("AWS::S3::BucketPolicy")
    assert len(policies) == len(buckets) >= 3
    for policy in policies:
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    deployments = synthesized.properties("Custom::CDKBucketDeployment")
    assert [each["Prune"] for each in deployments] == [False, False]


def archive_of(data: Synthesized) -> Mapping[str, Any]:
    [archive] = [
        each
        for each in data.properties("AWS::S3::Bucket")
        if short(each["BucketName"]).startswith("stepwell-local-archive-")
    ]
    return archive


def test_archive_is_encrypted_with_the_key_and_forgets_what_was_overwritten(
    synthesized: Synthesized,
) -> None:
    archive = archive_of(synthesized)
    [rule] = archive["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert short(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]) == "Key.Arn"
    assert rule["BucketKeyEnabled"] is True  # else every object would be a request to KMS
    [forget] = archive["LifecycleConfiguration"]["Rules"]
    assert forget["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "ExpirationInDays" not in forget


def test_archive_keeps_events_as_long_as_the_stage_says(
    tmp_path: Path, sources: Sources, compiled: Compiled
) -> None:
    settings = dataclasses.replace(settings_for("local"), archive_days=400)
    build(settings, compiled, sources, outdir=str(tmp_path)).synth()
    [forget] = archive_of(read_assembly(tmp_path))["LifecycleConfiguration"]["Rules"]
    assert forget["ExpirationInDays"] == 400


# ----------------------------------------------------------------------------------- queues


def test_queues_have_dead_letters_that_are_kept_longest(synthesized: Synthesized) -> None:
    queues = synthesized.queues()
    assert queues.keys() == {
        *("events.fifo", "events-dlq.fifo", "commands", "commands-dlq"),
        *("feedback", "feedback-dlq"),
    }
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True
        if "-dlq" in name:
            assert queue["MessageRetentionPeriod"] == 14 * 86_400
        else:
            assert queue["RedrivePolicy"]["maxReceiveCount"] == 4
            assert "DeadLetters" in short(queue["RedrivePolicy"]["deadLetterTargetArn"])
            assert queue["MessageRetentionPeriod"] < 14 * 86_400


def test_queues_dead_letters_raise_alarms(synthesized: Synthesized) -> None:
    dead = {
        queue_id
        for queue_id, queue in synthesized.of_type("AWS::SQS::Queue")
        if "-dlq" in queue["Properties"]["QueueName"]
    }
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in synthesized.properties("AWS::CloudWatch::Alarm")
        for dimension in alarm.get("Dimensions", ())
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm["Threshold"] == 1
        and alarm["AlarmActions"]
        and "docs/runbooks/dead-letters.md" in alarm["AlarmDescription"]
    }
    assert watched == dead


def test_queues_fifo_is_ordered_by_group_at_high_throughput(synthesized: Synthesized) -> None:
    for name, queue in synthesized.queues().items():
        if name.endswith(".fifo"):
            assert queue["FifoQueue"] is True
            assert queue["DeduplicationScope"] == "messageGroup"
            assert queue["FifoThroughputLimit"] == "perMessageGroupId"
        else:
            assert "FifoQueue" not in queue


def test_queues_are_worked_off_with_partial_failures(synthesized: Synthesized) -> None:
    mappings = synthesized.properties("AWS::Lambda::EventSourceMapping")
    assert {short(each["EventSourceArn"]) for each in mappings} == {
        "EventsQueue.Arn",
        "CommandsQueue.Arn",
        "FeedbackQueue.Arn",
    }
    for mapping in mappings:
        assert mapping["BatchSize"] == 10
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize(
    ("queue", "worker"),
    [("events.fifo", "router"), ("commands", "commands"), ("feedback", "feedback")],
)
def test_queues_hide_messages_six_times_as_long_as_work_may_take(
    synthesized: Synthesized, queue: str, worker: str
) -> None:
    timeout = synthesized.functions()[worker]["Timeout"]
    assert synthesized.queues()[queue]["VisibilityTimeout"] >= 6 * timeout


# --------------------------------------------------------------------------------- machines


def test_machines_log_errors_without_data_and_are_traced(synthesized: Synthesized) -> None:
    machines = synthesized.machines()
    assert machines.keys() == {
        *("cart_abandonment", "hesitation", "onboarding", "post_purchase", "win_back"),
        *("send_message", "fallback"),
    }
    for name, machine in machines.items():
        logging = machine["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
        assert machine["TracingConfiguration"] == {"Enabled": True}
        express = name == "send_message"
        assert machine["StateMachineType"] == ("EXPRESS" if express else "STANDARD")
    groups = {short(each["LogGroupName"]) for each in synthesized.properties("AWS::Logs::LogGroup")}
    assert sum(name.startswith("/aws/vendedlogs/states/") for name in groups) == 3


def test_machines_of_journeys_outlive_their_stack(synthesized: Synthesized) -> None:
    for _, machine in synthesized.of_type("AWS::StepFunctions::StateMachine", "journeys"):
        assert machine["DeletionPolicy"] == machine["UpdateReplacePolicy"] == "Retain"


def test_machines_every_task_has_a_timeout(synthesized: Synthesized) -> None:
    for machine in synthesized.machines().values():
        tasks = [(name, each) for name, each in states(machine) if each["Type"] == "Task"]
        assert tasks
        for name, task in tasks:
            assert "TimeoutSeconds" in task or "TimeoutSecondsPath" in task, name


def test_machines_of_journeys_wait_and_choose(synthesized: Synthesized) -> None:
    for name, machine in synthesized.machines().items():
        if name != "send_message":
            assert {"Wait", "Choice"} <= {state["Type"] for _, state in states(machine)}


def test_machines_have_no_placeholder_left(synthesized: Synthesized) -> None:
    for machine in synthesized.machines().values():
        assert "${" not in json.dumps(definition(machine))


def test_machines_send_message_ends_before_the_task_that_asks(synthesized: Synthesized) -> None:
    assert definition(synthesized.machines()["send_message"])["TimeoutSeconds"] == 240


def test_fill_in_replaces_and_names_what_is_unknown() -> None:
    assert fill_in('{"a": "${One}"}', {"One": "1"}) == '{"a": "1"}'
    with pytest.raises(DefinitionError, match="Tow"):
        fill_in("${Tow} ${One}", {"One": "1"})


# -------------------------------------------------------------------------------- templates


def test_templates_stay_under_the_limits(synthesized: Synthesized) -> None:
    assert synthesized.templates.keys() == {"data", "journeys", "engine"}
    for name in synthesized.templates:
        [path] = synthesized.folder.glob(f"*-{name}.template.json")
        assert path.stat().st_size < 500_000  # of 1 MB
        assert len(synthesized.templates[name]["Resources"]) < 250  # of 500


def test_templates_ask_for_no_bootstrapped_account(synthesized: Synthesized) -> None:
    assert all("Rules" not in each for each in synthesized.templates.values())


def test_templates_deploy_data_then_journeys_then_engine(synthesized: Synthesized) -> None:
    manifest = json.loads((synthesized.folder / "manifest.json").read_text())["artifacts"]
    depends = {
        name.rpartition("-")[2]: {each.rpartition("-")[2] for each in artifact["dependencies"]}
        for name, artifact in manifest.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    assert "data" in depends["journeys"]
    assert "journeys" in depends["engine"]
    assert not depends["data"] & {"journeys", "engine"}
    assert "engine" not in depends["journeys"]


def test_outputs_lead_to_api_machines_and_tables(synthesized: Synthesized) -> None:
    outputs = {
        name: short(output["Value"])
        for template in synthesized.templates.values()
        for name, output in template["Outputs"].items()
    }
    assert outputs["ApiUrl"].startswith("https://")
    assert outputs["ApiUrl"].endswith("/local")
    assert outputs["ConsoleJourneyCartAbandonment"].endswith(":stepwell-local-cart_abandonment")
    assert outputs["ConsoleCustomersTable"].endswith("name=stepwell-local-customers")


def test_machines_call_only_what_the_engine_makes(synthesized: Synthesized) -> None:
    """Journeys know plan and send_message by name, so CloudFormation would not notice a rename."""
    made = {f":function:stepwell-local-{name}" for name in synthesized.functions()}
    made.add(":stateMachine:stepwell-local-send_message")
    called = {
        re.sub(r"^arn:<AWS::Partition>:\w+:<AWS::Region>:<AWS::AccountId>", "", arn)
        for machine in synthesized.machines().values()
        for _, state in states(machine)
        if state["Type"] == "Task"
        for name, arn in state["Parameters"].items()
        if name in {"FunctionName", "StateMachineArn"}
    }
    assert called
    assert called <= made
