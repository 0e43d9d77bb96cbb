"""`stepwell computed recompute` on moto: a changed definition, and a segment that follows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.recomputing import DeployedStage
from stepwell.cli import computed
from stepwell.cli.main import main
from stepwell.customers import keys
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import computed_view
from stepwell.storage.operations import StoreBusyError, Update
from tests.support.aws_faults import forget
from tests.support.stage import PREFIX, TUESDAY, Stage

ORDERS = {"name": "orders", "kind": "count", "event": "Order Completed"}
SPENT = {
    "name": "spent",
    "kind": "sum",
    "event": "Order Completed",
    "value": parse("event.properties.revenue"),
}
BEFORE = {"computed": [ORDERS], "segments": []}
AFTER = {
    "computed": [ORDERS, SPENT],
    "segments": [{"name": "big", "when": parse("customer.computed.spent >= 100.0")}],
}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(computed, "PAUSE", 0.0)
    with Stage(policies={"profile": BEFORE}) as stage:
        describe_router(stage)
        yield stage


def describe_router(stage: Stage) -> None:
    """The function as Lambda knows it; what runs is this process's."""
    role = stage.engine.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    named = ("POLICIES_KEY", "PROGRAMS_BUCKET", "ARCHIVE_BUCKET", "CUSTOMERS_TABLE")
    stage.engine.client("lambda").create_function(
        FunctionName=f"{PREFIX}router",
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="handler.handler",
        Code={"ZipFile": b"-"},
        Environment={"Variables": {each: os.environ[each] for each in (*named, "HASH_SECRET_ARN")}},
    )


def deploy(stage: Stage, profile: dict[str, Any]) -> None:
    """Other definitions go live."""
    s3, functions = stage.engine.client("s3"), stage.engine.client("lambda")
    bucket, before = f"{PREFIX}programs", os.environ["POLICIES_KEY"]
    document = json.loads(s3.get_object(Bucket=bucket, Key=before)["Body"].read())
    key = os.environ["POLICIES_KEY"] = "policies/changed.json"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document | {"profile": profile}).encode())
    name = f"{PREFIX}router"
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]
    settings["Variables"]["POLICIES_KEY"] = key
    functions.update_function_configuration(FunctionName=name, Environment=settings)
    forget(stage.engine.functions.handler(name))


def run(capsys: pytest.CaptureFixture[str], *options: str, status: int = 0) -> Any:
    capsys.readouterr()
    given = ["computed", "recompute", "--stage", "local", "--json", "--rounds", "2"]
    assert main([*given, *options]) == status
    return json.loads(capsys.readouterr().out)


def counts(result: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in result.items() if each and name != "seconds"}


def order(stage: Stage, user: str, revenue: float) -> None:
    stage.track("Order Completed", user, order_id=f"{user}-{revenue}", revenue=revenue)


def values(stage: Stage, user: str) -> dict[str, Any]:
    profile = stage.snapshot(user).profile
    return computed_view(profile, ProfileRules(AFTER), stage.engine.clock.now()).whole()


def test_a_changed_definition_is_computed_and_its_segment_follows(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.identify("bob", tier=1)
    order(stage, "ada", 80.0)
    order(stage, "bob", 5.0)
    deploy(stage, AFTER)
    order(stage, "ada", 40.0)
    assert values(stage, "ada") == {"orders": 2.0, "spent": 40.0}
    assert counts(run(capsys, "--dry-run")) == {"events": 4, "written": 2}
    assert values(stage, "ada") == {"orders": 2.0, "spent": 40.0}
    assert counts(run(capsys)) == {"events": 4, "written": 2}
    assert values(stage, "ada") == {"orders": 2.0, "spent": 120.0}
    assert values(stage, "bob") == {"orders": 1.0, "spent": 5.0}
    profile = stage.snapshot("ada").profile
    assert profile is not None
    assert profile["due_at"] == "2026-11-24T21:15:00.000Z"
    stage.engine.run_until(TUESDAY + timedelta(minutes=2))  # the sweep comes
    profile = stage.snapshot("ada").profile
    assert profile is not None
    assert list(profile["segments"]) == ["big"]
    assert "due_at" not in profile
    # The sweep's events, and that a segment was entered, are archived and applied as well.
    assert counts(run(capsys)) == {"events": 7, "already": 2}


def test_who_differs_is_told_with_both_numbers(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    order(stage, "ada", 80.0)
    deploy(stage, AFTER)
    key = keys.profile(stage.customer("ada"))
    stage.store.write(Update(key, set={"applied": "7-0000000000000000"}))
    (left,) = run(capsys, status=1)["differing"]
    assert left == {
        "customer": stage.customer("ada"),
        "archived": 1,
        "applied": 7,
        "is_proven": False,
    }
    given = ["computed", "recompute", "--stage", "local", "--rounds", "1"]
    assert main(given) == 1
    said = capsys.readouterr()
    assert f"  {left['customer']}: 1 in the archive, 7 applied\n" in said.out
    assert "round 1: 0 written, 1 differ\n" in said.err
    assert counts(run(capsys, "--unproven")) == {"events": 1, "written": 1, "assumed": 1}
    assert values(stage, "ada") == {"orders": 1.0, "spent": 80.0}


def test_an_event_that_comes_between_two_rounds_is_read_in_the_second(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order(stage, "ada", 80.0)
    deploy(stage, AFTER)
    held = once(lambda: order(stage, "ada", 5.0), DeployedStage.write)
    monkeypatch.setattr(DeployedStage, "write", held)
    assert counts(run(capsys)) == {"events": 2, "written": 1}
    assert values(stage, "ada") == {"orders": 2.0, "spent": 85.0}


def once(then: Callable[[], None], write: Callable[..., Any]) -> Callable[..., Any]:
    calls: list[int] = []

    def late(self: DeployedStage, updates: Any) -> Any:
        calls.append(len(updates))
        if len(calls) == 1:
            then()
        return write(self, updates)

    return late


def test_nothing_is_written_when_other_definitions_are_live_by_then(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order(stage, "ada", 80.0)
    deploy(stage, AFTER)
    monkeypatch.setattr(DeployedStage, "still_has_them", lambda _: False)
    assert main(["computed", "recompute", "--stage", "local"]) == 2
    assert "other definitions were deployed meanwhile: run it again" in capsys.readouterr().err
    assert values(stage, "ada")["spent"] == 0.0


def test_a_stage_without_computed_traits_is_refused(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(stage, {})
    assert main(["computed", "recompute", "--stage", "local"]) == 2
    assert "stage local has no computed traits" in capsys.readouterr().err
    for options in ([], ["--dry-run"]):
        assert main(["computed", "recompute", "--stage", "nowhere", *options]) == 2
        said = capsys.readouterr().err
        assert "stage nowhere: " in said
        assert "again" not in said, "it would fail as before"


def test_a_break_says_that_who_is_written_stays_so_once_somebody_may_be(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> Any:
        raise StoreBusyError("the table is busy")

    given = ["computed", "recompute", "--stage", "local"]
    order(stage, "ada", 80.0)
    deploy(stage, AFTER)
    with monkeypatch.context() as patched:
        patched.setattr(DynamoStore, "get_many", busy)
        for options in ([], ["--dry-run"]):
            assert main([*given, *options]) == 2
            assert capsys.readouterr().err == "stepwell: stage local: the table is busy\n"
    monkeypatch.setattr(DeployedStage, "write", busy)
    assert main(given) == 2
    said = "stage local: the table is busy; run it again: who is written stays so\n"
    assert capsys.readouterr().err == f"stepwell: {said}"


@pytest.mark.parametrize("rounds", ["0", "-1", "many", "1.5"])
def test_a_number_of_rounds_that_is_none_is_refused(
    rounds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["computed", "recompute", "--stage", "local", "--rounds", rounds])
    assert ended.value.code == 2
    assert f"'{rounds}' is no whole number from 1 on" in capsys.readouterr().err
