"""`cdk deploy` with the CDK's own command line, as docs/deploying.md says, and what AWS then has.

Twice: the second time one journey has changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from moto.cloudformation.parsing import get_model_map

from infra.local.account import ACCOUNT, REGION
from infra.local.deploy import STANDS_IN
from stepwell.journeys.compiler.project import journey_names
from tests.support.cdk_cli import SYNTHESIZED, CloudAccount, Project
from tests.support.local_stack import ROOT, make

STAGE = "local"
PREFIX = f"stepwell-{STAGE}-"
STACKS = tuple(f"{PREFIX}{name}" for name in ("data", "journeys", "engine"))
PROGRAMS = f"{PREFIX}programs-{ACCOUNT}-{REGION}"
CHANGED = "cart_abandonment"


@dataclass(frozen=True)
class Seen:
    """What AWS shows of a stage. Functions and machines by their name after the stage's."""

    stacks: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: Mapping[str, Mapping[str, str]]
    functions: Mapping[str, Mapping[str, Any]]
    machines: Mapping[str, Mapping[str, Any]]
    """With their definitions."""
    files: Mapping[str, bytes]

    def variable(self, name: str) -> str:
        """Of the router."""
        return str(self.functions["router"]["Environment"]["Variables"][name])

    def versions(self) -> Mapping[str, str]:
        """Of the journeys that the router starts."""
        versions = json.loads(self.files[self.variable("CATALOG_KEY")])["programs"]
        programs = {each: json.loads(self.files[f"programs/{each}.json"]) for each in versions}
        return {program["journey"]: version for version, program in programs.items()}

    def published(self) -> Mapping[str, int]:
        """The versions of the machines that the router starts."""
        arns = json.loads(self.files[self.variable("MACHINE_VERSIONS_KEY")])
        for journey, arn in arns.items():
            assert arn.startswith(f"{self.machines[journey]['stateMachineArn']}:")
        return {journey: int(arn.rpartition(":")[2]) for journey, arn in arns.items()}


def look(account: CloudAccount) -> Seen:
    cloudformation, states = account.client("cloudformation"), account.client("stepfunctions")
    stacks = {
        each["StackName"]: each
        for each in cloudformation.describe_stacks()["Stacks"]
        if each["StackName"].startswith(PREFIX)
    }
    machines = states.list_state_machines()["stateMachines"]
    bucket = account.client("s3")
    return Seen(
        stacks={name: each["StackStatus"] for name, each in stacks.items()},
        outputs={
            output["OutputKey"]: output["OutputValue"]
            for each in stacks.values()
            for output in each.get("Outputs", ())
        },
        resources={name: _resources(cloudformation, name) for name in stacks},
        functions={
            each["FunctionName"].removeprefix(PREFIX): each
            for each in account.client("lambda").list_functions()["Functions"]
        },
        machines={
            each["name"].removeprefix(PREFIX): states.describe_state_machine(
                stateMachineArn=each["stateMachineArn"]
            )
            for each in machines
        },
        files={
            each["Key"]: bucket.get_object(Bucket=PROGRAMS, Key=each["Key"])["Body"].read()
            for each in bucket.list_objects_v2(Bucket=PROGRAMS)["Contents"]
        },
    )


def template(stack: str, kind: str) -> Mapping[str, Mapping[str, Any]]:
    """Properties by logical id of what `make synth` wrote."""
    resources = Project(ROOT, STAGE).templates()[PREFIX + stack]["Resources"]
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def _resources(cloudformation: Any, stack: str) -> Mapping[str, str]:
    """Physical by logical ids; moto lists those that it left out without either."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["LogicalResourceId"]
    }


@pytest.fixture(scope="module")
def account() -> Iterator[CloudAccount]:
    make("cdk", "synth")
    with CloudAccount() as account:
        yield account


@pytest.fixture(scope="module")
def first(account: CloudAccount) -> Seen:
    """What `make synth` wrote, into an account that has nothing, not even what the CDK needs."""
    project = Project(ROOT, STAGE)
    project.bootstrap(account)
    project.deploy(account, *SYNTHESIZED)
    return look(account)


@pytest.fixture(scope="module")
def unchanged(account: CloudAccount, first: Seen) -> tuple[int, str]:
    return Project(ROOT, STAGE).differences(account)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Where a journey gets a step that it did not have."""
    project = Project.copy(tmp_path_factory.mktemp("project"), STAGE)
    path = project.folder / "statemachines" / "journeys" / CHANGED / "journey.yaml"
    path.write_text(path.read_text() + "  - delay: {name: And a day, for: 1d}\n")
    return project


@pytest.fixture(scope="module")
def second(
    account: CloudAccount, project: Project, first: Seen, unchanged: tuple[int, str]
) -> Seen:
    """The app as cdk.json runs it, with a customer in the table."""
    account.client("dynamodb").put_item(
        TableName=f"{PREFIX}customers", Item={"pk": {"S": "CUSTOMER#1"}, "sk": {"S": "PROFILE"}}
    )
    project.deploy(account)
    return look(account)


# ---------------------------------------------------------------- the first deployment


def test_first_deployment_creates_every_stack_with_its_outputs(
    account: CloudAccount, first: Seen
) -> None:
    assert first.stacks == dict.fromkeys(STACKS, "CREATE_COMPLETE")
    [api] = account.client("apigateway").get_rest_apis()["items"]
    assert api["name"] == f"{PREFIX}api"
    assert first.outputs["ApiUrl"] == (
        f"https://{api['id']}.execute-api.{REGION}.amazonaws.com/{STAGE}"
    )
    for journey in journey_names(ROOT):
        name = "ConsoleJourney" + journey.title().replace("_", "")
        assert first.outputs[name].endswith(first.machines[journey]["stateMachineArn"])


def test_first_deployment_leaves_out_only_what_is_known_to_be_left_out(
    account: CloudAccount, first: Seen
) -> None:
    known = get_model_map()
    for stack, template in Project(ROOT, STAGE).templates().items():
        kinds = {name: each["Type"] for name, each in template["Resources"].items()}
        expected = {n for n, kind in kinds.items() if kind in known or kind.startswith("Custom::")}
        assert first.resources[stack].keys() == expected
    assert account.left_out <= STANDS_IN.keys()
    assert account.left_out.isdisjoint(known)


def test_first_deployment_makes_the_tables(account: CloudAccount, first: Seen) -> None:
    dynamodb = account.client("dynamodb")
    wanted = template("data", "AWS::DynamoDB::Table").values()
    assert {each["TableName"] for each in wanted} == set(dynamodb.list_tables()["TableNames"])
    for each in wanted:
        table = dynamodb.describe_table(TableName=each["TableName"])["Table"]
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["DeletionProtectionEnabled"] is each["DeletionProtectionEnabled"]


def test_first_deployment_joins_queues_dead_letters_and_workers(
    account: CloudAccount, first: Seen
) -> None:
    workers = {"events": "router", "commands": "commands", "feedback": "feedback"}
    mappings = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    found = {each["EventSourceArn"]: each for each in mappings}
    assert len(found) == len(workers)
    for queue, worker in workers.items():
        end = ".fifo" if queue == "events" else ""
        attributes = _attributes(account, f"{PREFIX}{queue}{end}")
        assert ("FifoQueue" in attributes) is (queue == "events")
        redrive = json.loads(attributes["RedrivePolicy"])
        dead_letters = _attributes(account, f"{PREFIX}{queue}-dlq{end}")
        assert redrive["deadLetterTargetArn"] == dead_letters["QueueArn"]
        assert int(redrive["maxReceiveCount"]) == 4
        mapping = found[attributes["QueueArn"]]
        assert mapping["FunctionArn"] == first.functions[worker]["FunctionArn"]
        assert mapping["BatchSize"] == 10
        timeout = first.functions[worker]["Timeout"]
        assert int(attributes["VisibilityTimeout"]) == 6 * timeout
    events = _attributes(account, f"{PREFIX}events.fifo")
    assert events["FifoThroughputLimit"] == "perMessageGroupId"
    assert events["DeduplicationScope"] == "messageGroup"


def _attributes(account: CloudAccount, queue: str) -> Mapping[str, str]:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    attributes: Mapping[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return attributes


def test_first_deployment_gives_functions_their_code_layers_and_settings(
    account: CloudAccount, first: Seen
) -> None:
    roles = {each["Arn"] for each in account.client("iam").list_roles()["Roles"]}
    wanted = template("engine", "AWS::Lambda::Function").values()
    assert len(wanted) >= 10
    for each in wanted:
        function = first.functions[each["FunctionName"].removeprefix(PREFIX)]
        variables = function["Environment"]["Variables"]
        assert variables.keys() == each["Environment"]["Variables"].keys()
        assert variables["STAGE"] == STAGE
        assert not [text for text in variables.values() if "${" in text or "{'" in text]
        assert function["Role"] in roles
        assert len(function["Layers"]) == 2
        assert function["CodeSize"] > 100
        for name in ("MemorySize", "Timeout", "Handler", "Runtime", "Architectures"):
            assert function[name] == each[name]
    url = account.client("sqs").get_queue_url(QueueName=f"{PREFIX}events.fifo")["QueueUrl"]
    ingest = first.functions["ingest"]["Environment"]["Variables"]
    assert ingest["EVENTS_QUEUE_URL"] == url


def test_first_deployment_puts_machines_where_they_run_and_what_they_call_exists(
    first: Seen,
) -> None:
    assert first.machines.keys() == {"send_message", "fallback", *journey_names(ROOT)}
    functions = {each["FunctionArn"] for each in first.functions.values()}
    for name, machine in first.machines.items():
        assert machine["type"] == ("EXPRESS" if name == "send_message" else "STANDARD")
        called = _called(json.loads(machine["definition"]))
        assert called["lambda:invoke"] <= functions
        machines = {each["stateMachineArn"] for each in first.machines.values()}
        assert called["aws-sdk:sfn:startSyncExecution"] <= machines
        assert any(called.values())


def _called(definition: Any) -> Mapping[str, set[str]]:
    """The functions and machines in a definition, by how they are called."""
    arguments = {
        "lambda:invoke": "FunctionName",
        "aws-sdk:sfn:startSyncExecution": "StateMachineArn",
    }
    found: dict[str, set[str]] = {kind: set() for kind in arguments}
    for state in definition["States"].values():
        kind = state.get("Resource", "").removeprefix("arn:aws:states:::")
        if kind in arguments:
            found[kind].add(state["Parameters"][arguments[kind]])
    return found


def test_first_deployment_publishes_what_the_functions_are_told_to_read(first: Seen) -> None:
    for name in ("CATALOG_KEY", "POLICIES_KEY"):
        assert first.variable(name) in first.files
    assert first.functions["ingest"]["Environment"]["Variables"]["REGISTRY_KEY"] in first.files
    assert first.versions().keys() == set(journey_names(ROOT))
    for journey, version in first.versions().items():
        assert version in first.machines[journey]["definition"]


def test_first_deployment_publishes_the_machines_and_tells_the_router(first: Seen) -> None:
    assert first.published() == dict.fromkeys(journey_names(ROOT), 1)


def test_after_a_deployment_nothing_is_left_to_deploy(unchanged: tuple[int, str]) -> None:
    code, said = unchanged
    assert code == 0, said


# ---------------------------------------------------------------- the second deployment


def test_second_deployment_changes_what_the_journey_changed(first: Seen, second: Seen) -> None:
    assert second.stacks == {
        STACKS[0]: "CREATE_COMPLETE",
        STACKS[1]: "UPDATE_COMPLETE",
        STACKS[2]: "UPDATE_COMPLETE",
    }
    texts = [
        {n: each["definition"] for n, each in seen.machines.items()} for seen in (first, second)
    ]
    assert texts[0].keys() == texts[1].keys()
    assert {name for name in texts[0] if texts[0][name] != texts[1][name]} == {CHANGED}
    before, after = (json.loads(each[CHANGED]) for each in texts)
    assert {name for name in after["States"] if name not in before["States"]} == {"And a day"}
    versions = first.versions(), second.versions()
    assert {name for name in versions[0] if versions[0][name] != versions[1][name]} == {CHANGED}
    assert versions[1][CHANGED] in second.machines[CHANGED]["definition"]


def test_second_deployment_shows_the_router_the_new_catalog(first: Seen, second: Seen) -> None:
    assert second.variable("CATALOG_KEY") != first.variable("CATALOG_KEY")
    assert second.variable("POLICIES_KEY") == first.variable("POLICIES_KEY")
    for name, function in second.functions.items():
        assert function["Layers"] == first.functions[name]["Layers"]
        assert function["CodeSha256"] == first.functions[name]["CodeSha256"]


def test_second_deployment_tells_the_router_the_new_version(
    account: CloudAccount, first: Seen, second: Seen
) -> None:
    assert second.published() == {**first.published(), CHANGED: 2}
    states = account.client("stepfunctions")
    for seen in (first, second):
        machine = seen.machines[CHANGED]
        arn = f"{machine['stateMachineArn']}:{seen.published()[CHANGED]}"
        found = states.describe_state_machine(stateMachineArn=arn)
        assert found["definition"] == machine["definition"]


def test_second_deployment_keeps_what_running_executions_read(first: Seen, second: Seen) -> None:
    kept = {name: content for name, content in second.files.items() if name in first.files}
    assert kept == first.files
    assert second.variable("CATALOG_KEY") not in first.files


def test_second_deployment_deletes_nothing_and_replaces_the_version_of_what_changed(
    account: CloudAccount, first: Seen, second: Seen
) -> None:
    replaced = {
        name: (arn, second.resources[stack][name])
        for stack, resources in first.resources.items()
        for name, arn in resources.items()
        if arn != second.resources[stack][name]
    }
    machine = first.machines[CHANGED]["stateMachineArn"]
    assert list(replaced.values()) == [(f"{machine}:1", f"{machine}:2")]
    assert [each.keys() for each in second.resources.values()] == [
        each.keys() for each in first.resources.values()
    ]
    assert second.outputs == first.outputs
    assert account.client("dynamodb").scan(TableName=f"{PREFIX}customers")["Count"] == 1


def test_what_the_template_has_and_the_account_does_not_is_shown(
    account: CloudAccount, project: Project, second: Seen
) -> None:
    path = project.folder / "cdk.out" / f"{PREFIX}journeys.template.json"
    path.write_text(path.read_text().replace("And a day", "And another day"))
    code, said = project.differences(account)
    assert code == 1, said
    assert said.count("There were no differences") == 2
    assert "And another day" in said


# ---------------------------------------------------------------- after a deployment


@pytest.fixture(scope="module")
def checks(account: CloudAccount, second: Seen) -> Mapping[str, Mapping[str, str]]:
    """What `stepwell doctor` says, by the check's name. Moto makes no secret from a template."""
    account.client("secretsmanager").create_secret(Name=f"{PREFIX}hashing-key", SecretString="x")
    command = [sys.executable, "-m", "stepwell.cli.main", "doctor", "--stage", STAGE, "--json"]
    done = subprocess.run(
        command, env=account.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    return {each["check"]: each for each in json.loads(done.stdout)["checks"]}


def test_doctor_finds_what_was_deployed(checks: Mapping[str, Mapping[str, str]]) -> None:
    assert checks["stacks"]["means"] == f"data, journeys, engine are deployed in {REGION}"
    assert checks["hashing secret"]["level"] == "ok"
    assert checks["alarm emails"]["means"].startswith("nobody is told")


def test_doctor_finds_what_is_to_do_yet(checks: Mapping[str, Mapping[str, str]]) -> None:
    assert "write-keys add shop --stage local" in checks["write keys"]["mend"]
    assert "shop@example.com, an example address" in checks["email sender"]["means"]
