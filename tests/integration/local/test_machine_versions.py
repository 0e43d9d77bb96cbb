"""Versions of state machines as AWS has them, of which moto has a part."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.account import ACCOUNT, machine_arn
from infra.local.engine import LocalEngine
from infra.local.moto_patches import Patches, templates

NAME = "path"
OWN = machine_arn(NAME)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
EXECUTION = OWN.replace(":stateMachine:", ":execution:") + ":run"


def definition(*names: str) -> str:
    waits: dict[str, Any] = {
        name: {"Type": "Wait", "Seconds": 60, "Next": after}
        for name, after in zip(names, [*names[1:], "Done"], strict=True)
    }
    return json.dumps({"StartAt": names[0], "States": {**waits, "Done": {"Type": "Succeed"}}})


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    patches = Patches()
    with LocalEngine(datetime(2026, 11, 24, tzinfo=UTC)) as engine:
        templates.install(patches, lambda kind: pytest.fail(f"{kind} was left out"))
        yield engine
        patches.undo()


def start(engine: LocalEngine, arn: str, name: str = "run", **given: Any) -> str:
    states = engine.client("stepfunctions")
    answer = states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(given))
    return str(answer["executionArn"])


def change(engine: LocalEngine, *names: str) -> str:
    answer = engine.client("stepfunctions").update_state_machine(
        stateMachineArn=OWN, definition=definition(*names), publish=True
    )
    return str(answer["stateMachineVersionArn"])


def test_an_execution_of_a_version_runs_its_definition_to_the_end(engine: LocalEngine) -> None:
    engine.create_machine(NAME, definition("One", "Two"))
    assert change(engine, "Other") == f"{OWN}:2"
    execution = start(engine, f"{OWN}:1")
    change(engine, "Third")
    engine.run_until_idle()
    assert execution == EXECUTION
    assert engine.states(execution) == ["One", "Two", "Done"]
    found = engine.describe(execution)
    assert (found["status"], found["stateMachineArn"]) == ("SUCCEEDED", OWN)
    assert found["stateMachineVersionArn"] == f"{OWN}:1"


def test_an_execution_without_a_version_is_of_the_newest_definition(engine: LocalEngine) -> None:
    engine.create_machine(NAME, definition("One"))
    change(engine, "Other")
    execution = start(engine, OWN)
    engine.run_until_idle()
    assert engine.states(execution) == ["Other", "Done"]
    assert "stateMachineVersionArn" not in engine.describe(execution)


def test_names_are_those_of_the_machine_whatever_its_version(engine: LocalEngine) -> None:
    engine.create_machine(NAME, definition("One"))
    change(engine, "Other")
    for arn in (f"{OWN}:1", f"{OWN}:2", OWN):
        assert start(engine, arn) == EXECUTION
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(engine, f"{OWN}:2", other="input")
    engine.run_until_idle()
    assert engine.states(EXECUTION) == ["One", "Done"]
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(engine, f"{OWN}:2")


def test_an_execution_of_a_version_is_stopped_as_any(engine: LocalEngine) -> None:
    engine.create_machine(NAME, definition("One"))
    change(engine, "Other")
    execution = start(engine, f"{OWN}:1")
    engine.client("stepfunctions").stop_execution(executionArn=execution, error="Exited", cause="x")
    assert engine.status(execution) == "ABORTED"


def test_a_version_that_there_is_not_cannot_be_started(engine: LocalEngine) -> None:
    engine.create_machine(NAME, definition("One"))
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        start(engine, f"{OWN}:7")


# ------------------------------------------------------------------------------ from templates


def template(*names: str, **more: Any) -> str:
    machine = {"StateMachineName": NAME, "DefinitionString": definition(*names), "RoleArn": ROLE}
    version = {
        "StateMachineArn": {"Ref": "Machine"},
        "StateMachineRevisionId": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
    }
    files = {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:any",
        "SourceBucketNames": ["assets"],
        "SourceObjectKeys": ["a.zip"],
        "SourceMarkers": [{"<<marker>>": {"Fn::GetAtt": ["Version", "Arn"]}}],
        "SourceMarkersConfig": [{}],
        "DestinationBucketName": "programs",
        "Prune": False,
    }
    kinds = {
        "Files": ("Custom::CDKBucketDeployment", files),
        "Version": ("AWS::StepFunctions::StateMachineVersion", version),
        "Machine": ("AWS::StepFunctions::StateMachine", machine),
        **dict.fromkeys(more, ("AWS::StepFunctions::StateMachineVersion", version)),
    }
    resources = {name: {"Type": kind, "Properties": each} for name, (kind, each) in kinds.items()}
    return json.dumps({"Resources": resources})


@pytest.fixture
def stack(engine: LocalEngine) -> LocalEngine:
    s3 = engine.client("s3")
    for name in ("assets", "programs"):
        s3.create_bucket(Bucket=name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("version.txt", "<<marker>>")
    s3.put_object(Bucket="assets", Key="a.zip", Body=packed.getvalue())
    engine.client("cloudformation").create_stack(StackName="s", TemplateBody=template("One"))
    return engine


def told(engine: LocalEngine) -> str:
    found = engine.client("s3").get_object(Bucket="programs", Key="version.txt")
    return str(found["Body"].read().decode())


def published(engine: LocalEngine) -> str:
    (found,) = [
        each["PhysicalResourceId"]
        for each in engine.client("cloudformation").list_stack_resources(StackName="s")[
            "StackResourceSummaries"
        ]
        if each["LogicalResourceId"] == "Version"
    ]
    return str(found)


def update(engine: LocalEngine, body: str) -> None:
    engine.client("cloudformation").update_stack(StackName="s", TemplateBody=body)


def test_a_changed_machine_gets_a_version_and_what_names_it_follows(stack: LocalEngine) -> None:
    assert published(stack) == told(stack) == f"{OWN}:1"
    update(stack, template("Other"))
    assert published(stack) == told(stack) == f"{OWN}:2"
    update(stack, template("One"))
    assert published(stack) == told(stack) == f"{OWN}:3"
    for number, name in enumerate(("One", "Other", "One"), 1):
        execution = start(stack, f"{OWN}:{number}", f"run-{number}")
        stack.run_until_idle()
        assert stack.states(execution) == [name, "Done"]


def test_a_revision_that_has_a_version_gets_no_other(stack: LocalEngine) -> None:
    with pytest.raises(ClientError, match="is of this revision already"):
        update(stack, template("One", Second=True))
    update(stack, template("Other"))
    assert published(stack) == f"{OWN}:2"
