"""What is deployed for parked waits: all of it with the setting, nothing without."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.app import build
from infra.compiled import Compiled, compile_journeys
from infra.layers import ROOT
from infra.local.assembly import read_assembly as read_templates
from infra.local.stack import LocalStack
from infra.settings import SettingsError, settings_for
from infra.stacks.engine import Sources
from tests.infrastructure.synthesized import (
    Synthesized,
    definition,
    read_assembly,
    short,
    statements,
    states,
)

LOCAL = "<AWS::Partition>:{}:<AWS::Region>:<AWS::AccountId>:"


@pytest.fixture(scope="module")
def parking_journeys(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    root = tmp_path_factory.mktemp("parking")
    shutil.copytree(ROOT / "statemachines", root / "statemachines")
    shutil.copytree(ROOT / "events" / "schemas", root / "events" / "schemas")
    path = root / "statemachines" / "journeys" / "win_back" / "journey.yaml"
    path.write_text(path.read_text().replace("entry:", "park_waits_over: 7d\nentry:", 1))
    return compile_journeys(root / "statemachines", root / "bundle")


@pytest.fixture(scope="module")
def parking(
    tmp_path_factory: pytest.TempPathFactory, sources: Sources, parking_journeys: Compiled
) -> Synthesized:
    """cdk-nag has found nothing, or this raises."""
    folder = tmp_path_factory.mktemp("cdk") / "out"
    settings = dataclasses.replace(settings_for("local"), parking=True)
    build(settings, parking_journeys, sources, outdir=str(folder)).synth()
    return read_assembly(folder)


def test_a_version_has_a_machine_of_its_own_for_later_legs_that_is_kept(
    parking: Synthesized,
) -> None:
    [name] = [each for each in parking.machines() if "-" in each]
    journey = definition(parking.machines()["win_back"])
    version = journey["Comment"].partition("version ")[2].partition(".")[0]
    assert name == f"win_back-{version[:16]}"
    legs = definition(parking.machines()[name])
    assert legs["StartAt"] == "Where to go on"
    assert len(parking.machines()[name]["StateMachineName"]) <= 80
    kept = [
        each
        for _, each in parking.of_type("AWS::StepFunctions::StateMachine", "journeys")
        if each["Properties"]["StateMachineName"].endswith(name)
    ]
    assert [each["DeletionPolicy"] for each in kept] == ["Retain"]


def test_machines_of_later_legs_have_no_versions(parking: Synthesized) -> None:
    """They are of one version of their journey already, and never change."""
    published = {
        each["Properties"]["StateMachineArn"]["Ref"]
        for _, each in parking.of_type("AWS::StepFunctions::StateMachineVersion")
    }
    names = {
        logical_id: each["Properties"]["StateMachineName"]
        for logical_id, each in parking.of_type("AWS::StepFunctions::StateMachine", "journeys")
    }
    legs = {logical_id for logical_id, name in names.items() if "win_back-" in name}
    assert len(legs) == 1
    assert published == names.keys() - legs


def test_alarms_go_into_the_commands_queue_or_its_dead_letters(parking: Synthesized) -> None:
    alarms = [
        each["Parameters"]
        for _, each in states(parking.machines()["win_back"])
        if each.get("Resource", "").endswith("createSchedule")
    ]
    assert len(alarms) == 2
    [group] = parking.properties("AWS::Scheduler::ScheduleGroup")
    queues = f"arn:{LOCAL.format('sqs')}stepwell-local-commands"
    for each in alarms:
        assert each["GroupName"] == group["Name"] == "stepwell-local-parked"
        assert each["Target"]["Arn"] == queues
        assert each["Target"]["DeadLetterConfig"] == {"Arn": f"{queues}-dlq"}
        assert each["ActionAfterCompletion"] == "DELETE"
    [role] = [
        each
        for each in parking.properties("AWS::IAM::Role", "journeys")
        if "scheduler.amazonaws.com" in json.dumps(each["AssumeRolePolicyDocument"])
    ]
    assert alarms[0]["Target"]["RoleArn"].endswith(":role/stepwell-local-parked-<AWS::Region>")
    assert short(role["RoleName"]) == "stepwell-local-parked-<AWS::Region>"
    [may] = statements(role)
    assert may["Action"] == "sqs:SendMessage"
    assert [short(each) for each in may["Resource"]] == [queues, f"{queues}-dlq"]
    assert {"commands", "commands-dlq"} <= parking.queues().keys()


def test_machines_may_set_alarms_and_pass_one_role_to_the_scheduler(parking: Synthesized) -> None:
    role = parking.role(parking.machines()["win_back"]["RoleArn"])
    found = {str(each["Action"]): each for each in statements(role)}
    schedules = short(found["scheduler:CreateSchedule"]["Resource"])
    assert schedules == f"arn:{LOCAL.format('scheduler')}schedule/stepwell-local-parked/*"
    passed = found["iam:PassRole"]
    assert short(passed["Resource"]).endswith(":role/stepwell-local-parked-<AWS::Region>")
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}
    }


@pytest.mark.parametrize("function", ["router", "commands"])
def test_later_legs_are_started_woken_and_stopped(parking: Synthesized, function: str) -> None:
    role = parking.role(parking.functions()[function]["Role"])
    legs = "stepwell-local-*-????????????????"
    found = {
        action: [short(each) for each in statement["Resource"]]
        for statement in statements(role)
        if isinstance(statement["Resource"], list)
        for action in (
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        )
    }
    machine = f"arn:{LOCAL.format('states')}stateMachine:{legs}"
    assert machine in found["states:StartExecution"]
    assert machine in found["states:SendTaskSuccess"]
    execution = f"arn:{LOCAL.format('states')}execution:{legs}:*"
    assert execution in found["states:StopExecution"]


def test_without_the_setting_there_is_nothing_of_it(synthesized: Synthesized) -> None:
    text = json.dumps(synthesized.templates)
    assert "scheduler" not in text.lower()
    assert "????" not in text.replace("-??????", "")


def test_a_stage_without_the_setting_refuses_journeys_that_park(
    tmp_path: Path, sources: Sources, parking_journeys: Compiled
) -> None:
    with pytest.raises(SettingsError, match=r"parking is off.*win_back"):
        build(settings_for("local"), parking_journeys, sources, outdir=str(tmp_path / "out"))


def test_the_same_templates_work_on_one_machine(parking: Synthesized, tmp_path: Path) -> None:
    """An alarm rings, the poller takes its message to the commands function in a process of its
    own, and that starts the leg; which fails in sight, for its wait is none that there is.
    """
    start, complaints = datetime(2026, 11, 24, 21, 14, tzinfo=UTC), list[str]()
    with LocalStack(start, tmp_path, complaints.append, lambda _table, _item: None) as stack:
        stack.deploy(read_templates(parking.folder), None)
        stack.event_sources.start(stack.deployment.event_sources)
        [arn] = [each for each in stack.deployment.machines if "win_back-" in each]
        version = definition(parking.machines()["win_back"])["Comment"].split()[4].rstrip(".")
        _put_parked(stack, version)
        _set_alarm(stack, version, start + timedelta(days=60))
        stack.clock.run_until(start + timedelta(days=60, seconds=1), timeout=60)
        machines = stack.client("stepfunctions")
        [leg] = machines.list_executions(stateMachineArn=arn)["executions"]
        assert (leg["name"], leg["status"]) == ("c1-x-1-2", "FAILED")
        assert not stack.client("scheduler").list_schedules(GroupName=GROUP)["Schedules"]
        assert complaints == []


GROUP = "stepwell-local-parked"
ENROLLMENT = {"pk": {"S": "CUSTOMER#c1"}, "sk": {"S": "ENROLLMENT#win_back#one"}}


def _put_parked(stack: LocalStack, version: str) -> None:
    texts = {"journey": "win_back", "version": version, "execution": "c1-x-1", "status": "active"}
    item = ENROLLMENT | {name: {"S": each} for name, each in texts.items()}
    numbers = {name: {"N": each} for name, each in {"run": "1", "leg": "2"}.items()}
    stack.client("dynamodb").put_item(TableName="stepwell-local-customers", Item=item | numbers)


def _set_alarm(stack: LocalStack, version: str, moment: datetime) -> None:
    """As the machine does it."""
    message = {
        "command": "resume",
        "version": version,
        "after": "no_such_wait",
        "next_leg": "2",
        "ids": {"customer": "c1", "enrollment": "win_back#one", "run": 1, "execution": "c1-x-1"},
        "key": ENROLLMENT,
        "run": "1",
    }
    stack.client("scheduler").create_schedule(
        Name="c1-x-1-2",
        GroupName=GROUP,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": "arn:aws:sqs:us-east-1:123456789012:stepwell-local-commands",
            "RoleArn": "arn:aws:iam::123456789012:role/stepwell-local-parked-us-east-1",
            "Input": json.dumps(message),
        },
    )
