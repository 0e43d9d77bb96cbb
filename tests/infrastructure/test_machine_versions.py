"""Every journey's definition is published, kept, and told to the router under a name of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.compiled import Compiled, compile_journeys
from infra.local.assembly import read_assembly
from infra.local.intrinsics import Scope
from infra.local.template_parts import read_files, without_markers
from tests.infrastructure.synthesized import Synthesized, short
from tests.support.crash_project import small_project

MACHINE, VERSION = "AWS::StepFunctions::StateMachine", "AWS::StepFunctions::StateMachineVersion"
PATH = """\
journey: path
purpose: marketing
entry: {event: Began}
steps:
  - delay: {name: %s, for: 1h}
"""


def versions(synthesized: Synthesized) -> Mapping[str, Mapping[str, Any]]:
    """The resources of versions by the logical id of their machine."""
    return {
        each["Properties"]["StateMachineArn"]["Ref"]: each
        for _, each in synthesized.of_type(VERSION)
    }


def told(folder: Path, key: str) -> dict[str, str]:
    """What comes into the bucket under a name, with short references for what is known later."""
    (stack,) = [each for each in read_assembly(folder) if each.name.endswith("-journeys")]
    scope = Scope(str, lambda logical, name: short({"Fn::GetAtt": [logical, name]}), {})
    (found,) = [
        without_markers((files.folder / key).read_bytes(), files.markers)
        for files in read_files(stack, scope)
        if (files.folder / key).exists()
    ]
    content: dict[str, str] = json.loads(found)
    return content


def test_each_journey_has_a_version_of_its_machine_as_it_is(synthesized: Synthesized) -> None:
    found = versions(synthesized)
    assert found.keys() == {name for name, _ in synthesized.of_type(MACHINE, "journeys")}
    for machine, version in found.items():
        # With any other property a change of that would fail: a revision has one version.
        assert version["Properties"] == {
            "StateMachineArn": {"Ref": machine},
            "StateMachineRevisionId": {"Fn::GetAtt": [machine, "StateMachineRevisionId"]},
        }


def test_versions_are_kept_when_there_are_newer_ones(synthesized: Synthesized) -> None:
    for version in versions(synthesized).values():
        assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"


def test_logical_ids_of_versions_stay(synthesized: Synthesized) -> None:
    """Under another one CloudFormation would publish the same revision again, and fail."""
    assert {name for name, _ in synthesized.of_type(VERSION)} == {
        "MachinescartabandonmentVersionBD466B15",
        "MachineshesitationVersionF05AD0D0",
        "MachinesonboardingVersionC2B02A8D",
        "MachinespostpurchaseVersionCA009C6D",
        "MachineswinbackVersion2421C8C3",
    }


def test_the_router_is_told_where_the_versions_are_written(
    synthesized: Synthesized, compiled: Compiled
) -> None:
    variables = synthesized.functions()["router"]["Environment"]["Variables"]
    key = variables["MACHINE_VERSIONS_KEY"]
    assert key == compiled.machine_versions_key
    assert told(synthesized.folder, key) == {
        journey: f"Machines{journey.replace('_', '')}Version.Arn" for journey in compiled.machines
    }


def test_other_definitions_have_another_file(tmp_path: Path) -> None:
    """So a router that starts new while a deployment is under way reads the versions of its own."""
    keys = []
    for number, step in enumerate(("Old way", "New way", "Old way")):
        with small_project({"path": PATH % step}) as root:
            keys.append(
                compile_journeys(
                    root / "statemachines", tmp_path / str(number)
                ).machine_versions_key
            )
    assert keys[0] == keys[2] != keys[1]
