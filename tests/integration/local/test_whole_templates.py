"""Templates as they were synthesized: what moto leaves out is told, what it cannot do fails."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.local.account import REGION
from infra.local.moto_patches import Patches, templates

NAME = "stack"


@pytest.fixture
def left_out() -> Iterator[list[str]]:
    told: list[str] = []
    patches = Patches()
    templates.install(patches, told.append)
    with mock_aws():
        yield told
    patches.undo()


def client(service: str = "cloudformation") -> Any:
    return boto3.client(service, region_name=REGION)


def template(**resources: Any) -> str:
    return json.dumps({"Resources": resources})


def log_group(days: int) -> dict[str, Any]:
    properties = {"LogGroupName": "a-log", "RetentionInDays": days}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties}


def deployment(**more: Any) -> dict[str, Any]:
    properties = {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:any",
        "SourceBucketNames": ["assets"],
        "SourceObjectKeys": ["a.zip"],
        "DestinationBucketName": "programs",
        "Prune": False,
        **more,
    }
    return {"Type": "Custom::CDKBucketDeployment", "Properties": properties}


def archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for name, text in files.items():
            opened.writestr(f"programs/{name}.json", text)
    return packed.getvalue()


def files() -> list[str]:
    listed = client("s3").list_objects_v2(Bucket="programs").get("Contents", ())
    return [each["Key"] for each in listed]


def test_what_is_left_out_is_told_and_the_rest_is_made(left_out: list[str]) -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}
    client().create_stack(StackName=NAME, TemplateBody=template(Alarm=alarm, Log=log_group(1)))
    assert left_out == ["AWS::CloudWatch::Alarm"]
    [made] = client("logs").describe_log_groups()["logGroups"]
    assert made["logGroupName"] == "a-log"


def test_a_change_that_moto_cannot_make_fails_however_often_it_is_asked_for(
    left_out: list[str],
) -> None:
    client().create_stack(StackName=NAME, TemplateBody=template(Log=log_group(1)))
    for _ in range(2):
        with pytest.raises(ClientError, match=r"moto cannot change Log \(AWS::Logs::LogGroup\)"):
            client().update_stack(StackName=NAME, TemplateBody=template(Log=log_group(7)))


def test_a_custom_resource_that_nobody_carries_out_fails(left_out: list[str]) -> None:
    unknown = {"Type": "Custom::Other", "Properties": {"ServiceToken": "arn"}}
    with pytest.raises(ClientError, match="nothing here carries out Custom::Other"):
        client().create_stack(StackName=NAME, TemplateBody=template(Unknown=unknown))


def test_published_files_are_put_into_the_bucket_and_stay_there(left_out: list[str]) -> None:
    s3 = client("s3")
    for name in ("assets", "programs"):
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket="assets", Key="a.zip", Body=archive(one="1"))
    s3.put_object(Bucket="assets", Key="b.zip", Body=archive(two="2"))
    client().create_stack(StackName=NAME, TemplateBody=template(Files=deployment()))
    assert files() == ["programs/one.json"]
    changed = deployment(SourceObjectKeys=["b.zip"])
    client().update_stack(StackName=NAME, TemplateBody=template(Files=changed))
    assert files() == ["programs/one.json", "programs/two.json"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Prune": True}, "with pruning"),
        ({"Exclude": ["*.md"]}, "Exclude"),
        ({"SourceObjectKeys": ["gone.zip"]}, "gone.zip was not published to assets"),
    ],
)
def test_a_deployment_of_files_that_is_not_done_here_fails(
    left_out: list[str], more: dict[str, Any], said: str
) -> None:
    client("s3").create_bucket(Bucket="assets")
    with pytest.raises(ClientError, match=said):
        client().create_stack(StackName=NAME, TemplateBody=template(Files=deployment(**more)))
