"""`stepwell sweep` on moto: after the segments changed everybody is looked at again, once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepwell.cli.main import main
from tests.agreement.cases import Case, project_of, read_case
from tests.support.redeploying import deploy_engine, deploy_journeys
from tests.support.stage import PREFIX, TUESDAY, Stage

CASE = Path(__file__).parents[2] / "agreement/kept/segments_that_time_changes.yaml"
OLD = {"buyers": {"when": "has(customer.computed.last_bought)"}}
NEW = {**OLD, "known": {"when": 'has(customer.traits.email) && customer.traits.email != ""'}}


def case_with(segments: dict[str, Any]) -> Case:
    case = read_case(CASE.read_text(encoding="utf-8"))
    computed = {"last_bought": {"kind": "last", "event": "Bought"}}
    profile = {"computed": computed, "segments": segments}
    journey = {
        "journey": "alpha",
        "purpose": "marketing",
        "entry": {"event": "Began", "key": "event.properties.id"},
        "steps": [{"delay": {"name": "An hour", "for": "1h"}}],
    }
    return replace(case, journeys={"alpha": journey}, profile=profile)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with project_of(case_with(OLD)) as root, Stage(TUESDAY, project=root) as stage:
        for user in ("ada", "ben", "cat"):
            stage.identify(user, email=f"{user}@example.com")
        stage.track("Bought", "ada", revenue=10)
        tell_of_functions(stage)
        yield stage


def tell_of_functions(stage: Stage) -> None:
    """The functions as the operator's account knows them."""
    role = stage.engine.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    for name in ("router", "sweep"):
        wanted = ("PROGRAMS_BUCKET", "POLICIES_KEY", "CUSTOMERS_TABLE", "SWEEP_AT_MOST")
        stage.engine.client("lambda").create_function(
            FunctionName=PREFIX + name,
            Role=role["Role"]["Arn"],
            Runtime="python3.13",
            Handler="handler.handler",
            Code={"ZipFile": b"-"},
            Environment={"Variables": {each: os.environ[each] for each in wanted}},
        )


def deploy_new(stage: Stage) -> None:
    with project_of(case_with(NEW)) as root:
        bundle = deploy_journeys(stage, root)
    deploy_engine(stage, bundle)
    functions = stage.engine.client("lambda")
    for name in (PREFIX + "router", PREFIX + "sweep"):
        environment = functions.get_function_configuration(FunctionName=name)["Environment"]
        environment["Variables"]["POLICIES_KEY"] = bundle.policies_key
        functions.update_function_configuration(FunctionName=name, Environment=environment)


def run(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["sweep", "--stage", "local", "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def segments(stage: Stage) -> dict[str, set[str]]:
    people = ("ada", "ben", "cat")
    return {user: set((stage.snapshot(user).profile or {})["segments"]) for user in people}


def test_everybody_is_looked_at_once_after_the_segments_changed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = {"told": 0, "left": False}
    assert run(capsys, "--all") == nobody, "their segments follow from what is deployed"
    deploy_new(stage)
    stage.track("Left", "cat")
    assert segments(stage) == {"ada": {"buyers"}, "ben": set(), "cat": {"known"}}
    assert run(capsys, "--all", "--dry-run") == {"told": 2, "left": False}, "cat was looked at"
    assert run(capsys, "--all", "--rate", "1000") == {"told": 2, "left": False}
    assert run(capsys, "--all") == {"told": 2, "left": False}, "the router did not come to them"
    stage.deliver()
    assert segments(stage) == {"ada": {"buyers", "known"}, "ben": {"known"}, "cat": {"known"}}
    numbers = [stage.snapshot(user).seq for user in ("ada", "ben")]
    stage.deliver()
    assert numbers == [stage.snapshot(user).seq for user in ("ada", "ben")], "applied once"
    assert run(capsys, "--all") == nobody


def test_who_is_due_is_told_of_now(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys) == {"told": 0, "left": False, "late_seconds": 0}
    assert main(["sweep", "--stage", "local", "--all", "--dry-run"]) == 0
    assert capsys.readouterr().out == "0 customers would be looked at\n"
    assert main(["sweep", "--stage", "nowhere"]) == 2
    assert "stage nowhere: " in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["0", "-1", "many", "10001"])
def test_a_rate_that_is_none_is_refused(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sweep", "--all", "--rate", rate])
    assert "is no number" in capsys.readouterr().err
