"""What only AWS would notice: who may publish, what comes before what, what logs keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.settings import STAGES
from tests.infrastructure.synthesized import Synthesized, listed, short

# ---------------------------------------------------------------------------------- alarms


def test_alarms_may_publish_to_their_topic(synthesized: Synthesized) -> None:
    """A topic with a policy of its own has lost SNS's default, which lets the account publish."""
    [policy] = (
        each
        for each in synthesized.properties("AWS::SNS::TopicPolicy")
        if {short(topic) for topic in each["Topics"]} == {"Alarms"}
    )
    topic = "Alarms"
    for alarm in synthesized.properties("AWS::CloudWatch::Alarm"):
        assert [short(each) for each in alarm["AlarmActions"]] == [topic]
    [allowed] = _allowed(policy["PolicyDocument"], "cloudwatch.amazonaws.com")
    assert allowed["Action"] == "sns:Publish"
    assert short(allowed["Resource"]) == topic
    source = allowed["Condition"]["StringEquals"]["aws:SourceAccount"]
    assert short(source) == "<AWS::AccountId>"


def test_alarms_may_use_the_key_of_their_topic(synthesized: Synthesized) -> None:
    [topic] = (
        each
        for each in synthesized.properties("AWS::SNS::Topic")
        if each["TopicName"] == "stepwell-local-alarms"
    )
    assert short(topic["KmsMasterKeyId"]) == "Key.Arn"
    [key] = synthesized.properties("AWS::KMS::Key")
    [allowed] = _allowed(key["KeyPolicy"], "cloudwatch.amazonaws.com")
    assert set(allowed["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def _allowed(policy: Mapping[str, Any], service: str) -> list[Mapping[str, Any]]:
    return [
        statement
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] == {"Service": service}
    ]


# ---------------------------------------------------------------------------------- machines


def test_machines_change_when_their_programs_are_in_the_bucket(synthesized: Synthesized) -> None:
    """Every definition names its program; an execution started in between would not find it."""
    (bundle, _), _ = synthesized.of_type("Custom::CDKBucketDeployment")
    machines = list(synthesized.of_type("AWS::StepFunctions::StateMachine", "journeys"))
    assert machines
    for _, machine in machines:
        assert bundle in listed(machine["DependsOn"])


def test_machines_of_journeys_have_a_role_whose_arn_stays(synthesized: Synthesized) -> None:
    """A machine outlives its stack and an execution its definition: both keep the role's ARN."""
    machines = synthesized.properties("AWS::StepFunctions::StateMachine", "journeys")
    [name] = {short(synthesized.role(machine["RoleArn"])["RoleName"]) for machine in machines}
    assert name == "stepwell-local-journeys-<AWS::Region>"
    assert len(name.replace("<AWS::Region>", "ap-southeast-1")) <= 64


# --------------------------------------------------------------------------------------- API


def test_api_traces_hold_no_path(synthesized: Synthesized) -> None:
    """API Gateway writes the whole URL and the caller's address into its trace segments."""
    [stage] = synthesized.properties("AWS::ApiGateway::Stage")
    assert not stage.get("TracingEnabled")


def test_api_error_log_forgets_too(synthesized: Synthesized) -> None:
    """API Gateway makes this group itself, to keep for ever, if it is not there first."""
    [(api, _)] = synthesized.of_type("AWS::ApiGateway::RestApi")
    [(_, stage)] = synthesized.of_type("AWS::ApiGateway::Stage")
    groups = {
        short(group["Properties"]["LogGroupName"]): (logical_id, group["Properties"])
        for logical_id, group in synthesized.of_type("AWS::Logs::LogGroup", "engine")
    }
    logical_id, group = groups[f"API-Gateway-Execution-Logs_{short({'Ref': api})}/local"]
    assert group["RetentionInDays"] == 1
    assert logical_id in listed(stage["DependsOn"])


# ---------------------------------------------------------------------------------- settings


def test_settings_as_shipped_fit_a_new_account() -> None:
    """A new account may run ten functions at once, and none of them can be reserved."""
    assert {settings.delivery_concurrency for settings in STAGES.values()} == {None}
