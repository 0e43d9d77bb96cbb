"""What is deployed for parked waits: all of it with the setting, nothing without."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from infra.app import build
from infra.compiled import Compiled, compile_journeys
from infra.layers import ROOT
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
    [name] = parking.machines().keys() - {
        *("cart_abandonment", "onboarding", "post_purchase", "win_back", "send_message")
    }
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
