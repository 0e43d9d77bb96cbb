"""Templates reach moto whole: what is left out is told, what cannot be resolved fails."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local import moto_patches
from infra.local.account import REGION
from infra.local.assembly import AssemblyError, StackTemplate, read_assembly
from infra.local.clock import StepClock
from infra.local.deploy import Deployment, deploy, trimmed
from infra.local.intrinsics import Scope, UnresolvedError
from infra.local.template_parts import EventSource, Route, TemplateError

ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"


@pytest.fixture(autouse=True)
def moto() -> Iterator[None]:
    clock = StepClock(datetime(2026, 11, 24, tzinfo=UTC))
    patches, _ = moto_patches.install(clock, lambda _function, event: (event, None))
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield
    patches.undo()


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def function(**variables: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "stepwell-local-ingest",
            "Code": {"S3Bucket": "assets", "S3Key": "code.zip"},
            "Handler": "handler.handler",
            "Runtime": "python3.14",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 20,
            "MemorySize": 512,
            "Layers": [{"Ref": "Layer"}],
            "Environment": {"Variables": variables},
        },
        "DependsOn": ["Role"],
    }


@pytest.fixture
def assets(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "layer" / "python" / "stepwell").mkdir(parents=True)
    (tmp_path / "files" / "programs").mkdir(parents=True)
    (tmp_path / "files" / "programs" / "a.json").write_text("{}")
    return {
        "code.zip": tmp_path / "code",
        "layer.zip": tmp_path / "layer",
        "files.zip": tmp_path / "files",
    }


def stack(assets: dict[str, Path], name: str = "engine", **resources: Any) -> StackTemplate:
    layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": {"S3Key": "layer.zip"}}}
    outputs = resources.pop("Outputs", {})
    return StackTemplate(
        name,
        {"Resources": {"Role": ROLE, "Layer": layer, **resources}, "Outputs": outputs},
        assets,
    )


def deployed(*stacks: StackTemplate) -> Deployment:
    return deploy(stacks, client)


def test_a_functions_environment_is_resolved(assets: dict[str, Path]) -> None:
    variables = {
        "PLAIN": "text",
        "EMPTY": "",
        "QUEUE_URL": {"Ref": "Queue"},
        "QUEUE_ARN": {"Fn::GetAtt": ["Queue", "Arn"]},
        "BUCKET": {"Fn::Join": ["-", ["programs", {"Ref": "AWS::AccountId"}]]},
        "SUB": {"Fn::Sub": "${AWS::Region}/${Queue.Arn}"},
    }
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work"}}
    (made,) = deployed(stack(assets, Function=function(**variables), Queue=queue)).functions
    arn = "arn:aws:sqs:us-east-1:123456789012:work"
    assert made.environment == {
        "PLAIN": "text",
        "EMPTY": "",
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
        "QUEUE_ARN": arn,
        "BUCKET": "programs-123456789012",
        "SUB": f"us-east-1/{arn}",
    }
    assert made.path == (assets["code.zip"], assets["layer.zip"] / "python")
    assert (made.timeout, made.memory) == (20, 512)


def test_exports_are_seen_by_later_stacks(assets: dict[str, Path]) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work"}}
    output = {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}, "Export": {"Name": "data:Arn"}}
    first = stack(assets, "data", Queue=queue, Outputs={"Arn": output})
    second = stack(assets, Function=function(ARN={"Fn::ImportValue": "data:Arn"}))
    (made,) = deployed(first, second).functions
    assert made.environment["ARN"].endswith(":work")


def test_a_variable_that_refers_to_what_is_not_created_names_function_and_variable(
    assets: dict[str, Path],
) -> None:
    stage = {"Type": "AWS::ApiGateway::Stage", "Properties": {"StageName": "local"}}
    with pytest.raises(TemplateError, match="stepwell-local-ingest, variable STAGE_NAME"):
        deployed(stack(assets, Function=function(STAGE_NAME={"Ref": "Stage"}), Stage=stage))


def test_what_is_left_out_is_counted(assets: dict[str, Path]) -> None:
    policy = {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [], "PolicyDocument": {}}}
    left_out = deployed(stack(assets, One=policy, Two=policy)).left_out
    assert left_out == {"AWS::SQS::QueuePolicy": 2, "AWS::Lambda::LayerVersion": 1}


def test_a_trimmed_template_refers_to_nothing_left_out(assets: dict[str, Path]) -> None:
    template = {
        "Resources": {
            "Gone": {"Type": "X"},
            "Function": {
                **function(KEPT="yes", LOST={"Ref": "Gone"}),
                "DependsOn": ["Gone", "Role"],
            },
        },
        "Outputs": {"Kept": {"Value": "x"}, "Lost": {"Value": {"Fn::Sub": "${Gone.Arn}"}}},
    }
    result = trimmed(template, {"Gone", "Layer"})
    kept = result["Resources"]["Function"]
    assert "Gone" not in json.dumps(result)
    assert kept["DependsOn"] == ["Role"]
    assert kept["Properties"]["Environment"]["Variables"] == {"KEPT": "yes"}
    assert kept["Properties"]["Layers"] == []
    assert set(result["Outputs"]) == {"Kept"}


def test_routes_and_event_sources_are_read(assets: dict[str, Path]) -> None:
    arn = {"Fn::Join": ["", [URI, {"Fn::GetAtt": ["Function", "Arn"]}, "/invocations"]]}
    api = {"Ref": "Api"}

    def resource(parent: Any, part: str) -> dict[str, Any]:
        properties = {"ParentId": parent, "PathPart": part, "RestApiId": api}
        return {"Type": "AWS::ApiGateway::Resource", "Properties": properties}

    method = {
        "AuthorizationType": "AWS_IAM",
        "HttpMethod": "GET",
        "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": arn},
        "ResourceId": {"Ref": "Id"},
        "RestApiId": api,
    }
    mapping = {
        "BatchSize": 7,
        "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
        "FunctionName": {"Ref": "Function"},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    made = deployed(
        stack(
            assets,
            Api={"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api"}},
            Customers=resource({"Fn::GetAtt": ["Api", "RootResourceId"]}, "customers"),
            Id=resource({"Ref": "Customers"}, "{id}"),
            Method={"Type": "AWS::ApiGateway::Method", "Properties": method},
            Function=function(),
            Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work"}},
            Mapping={"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
        )
    )
    name = "stepwell-local-ingest"
    assert made.routes == [Route("GET", "/customers/{id}", name, "AWS_IAM")]
    arn_of_queue = "arn:aws:sqs:us-east-1:123456789012:work"
    assert made.event_sources == [EventSource(arn_of_queue, name, 7, reports_failures=True)]


def test_machines_execute_and_keep_their_kind(assets: dict[str, Path]) -> None:
    def machine(kind: str) -> dict[str, Any]:
        definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
        properties = {
            "StateMachineName": f"stepwell-local-{kind.lower()}",
            "StateMachineType": kind,
            "DefinitionString": json.dumps(definition),
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        }
        return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}

    made = deployed(stack(assets, One=machine("STANDARD"), Two=machine("EXPRESS")))
    states = client("stepfunctions")
    kinds = {states.describe_state_machine(stateMachineArn=arn)["type"] for arn in made.machines}
    assert kinds == {"STANDARD", "EXPRESS"}


def test_files_of_a_bucket_deployment_are_copied(assets: dict[str, Path]) -> None:
    properties = {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provider",
        "SourceObjectKeys": ["files.zip"],
        "DestinationBucketName": {"Ref": "Bucket"},
    }
    deployed(
        stack(
            assets,
            Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "programs"}},
            Files={"Type": "Custom::CDKBucketDeployment", "Properties": properties},
        )
    )
    body = client("s3").get_object(Bucket="programs", Key="programs/a.json")["Body"]
    assert body.read() == b"{}"


def test_markers_in_files_become_what_was_created(assets: dict[str, Path]) -> None:
    (assets["files.zip"] / "programs" / "a.json").write_text('{"path":<<marker:0>>,"b":1}')
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    machine = {
        "StateMachineName": "path",
        "DefinitionString": json.dumps(definition),
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    version = {
        "StateMachineArn": {"Ref": "Machine"},
        "StateMachineRevisionId": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
    }
    quoted = {"Fn::Join": ["", ['"', {"Fn::GetAtt": ["Version", "Arn"]}, '"']]}
    files = {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provider",
        "SourceObjectKeys": ["files.zip"],
        "SourceMarkers": [{"<<marker:0>>": quoted}],
        "DestinationBucketName": {"Ref": "Bucket"},
    }
    deployed(
        stack(
            assets,
            Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "programs"}},
            Files={"Type": "Custom::CDKBucketDeployment", "Properties": files},
            Version={"Type": "AWS::StepFunctions::StateMachineVersion", "Properties": version},
            Machine={"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
        )
    )
    body = client("s3").get_object(Bucket="programs", Key="programs/a.json")["Body"]
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:path:1"
    assert json.loads(body.read()) == {"path": arn, "b": 1}


def test_a_secret_can_be_read_by_its_arn_without_suffix(assets: dict[str, Path]) -> None:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "stepwell-local-key"}}
    deployed(stack(assets, Secret=secret))
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:stepwell-local-key"
    assert len(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]) == 64


def test_a_function_that_is_unknown_to_the_resolver_is_an_error() -> None:
    nothing: dict[str, str] = {}
    scope = Scope(lambda name: nothing[name], lambda name, _: nothing[name], nothing)
    for value in ({"Fn::Base64": "x"}, {"Ref": "Gone"}, {"Fn::GetAtt": ["Gone", "Arn"]}):
        with pytest.raises(UnresolvedError):
            scope.resolve(["text", {"deep": value}])


def test_stacks_come_after_those_they_depend_on(tmp_path: Path) -> None:
    artifacts = {}
    for name, needs in (("engine", ["journeys"]), ("journeys", ["data"]), ("data", [])):
        (tmp_path / f"{name}.json").write_text(json.dumps({"Resources": {}}))
        (tmp_path / f"{name}.assets.json").write_text(json.dumps({"files": {}}))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": {"templateFile": f"{name}.json"},
            "dependencies": [*needs, f"{name}.assets"],
        }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    assert [each.name for each in read_assembly(tmp_path)] == ["data", "journeys", "engine"]


def test_without_templates_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="make synth"):
        read_assembly(tmp_path)
