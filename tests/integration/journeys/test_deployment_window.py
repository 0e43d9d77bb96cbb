"""Who enters while a deployment is under way runs the definition that the router knows.

One story of two versions whose steps have other names, so that an execution of the one fails on the
other's definition: the second is deployed, and then the first again. First come machines, then
routers, and at each moment somebody enters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.events.model import to_message
from stepwell.storage.operations import Item
from tests.support.aws_faults import AwsFaults, Fault, Invocation, Kind, forget
from tests.support.crash_project import small_project
from tests.support.redeploying import deploy_engine, deploy_journeys
from tests.support.stage import PREFIX, TUESDAY, Stage
from tests.support.world import event

JOURNEY = """\
journey: path
purpose: marketing
entry: {event: Began}
exit: [{event: Left}]
steps:
  - hold:
      name: %(hold)s
      for: 10m
      until: [{event: Acted, then: continue}]
  - delay: {name: %(delay)s, for: 1h}
"""
OLD = JOURNEY % {"hold": "Wait", "delay": "Old way"}
NEW = JOURNEY % {"hold": "Hold on", "delay": "New way"}
EXPECTED = {
    "before": (1, "Old way"),
    "throttled": (1, "Old way"),
    "killed": (1, "Old way"),
    "between": (1, "Old way"),
    "cold": (1, "Old way"),
    "after": (2, "New way"),
    "rolling back": (2, "New way"),
    "rolled back": (3, "Old way"),
}
"""Whoever enters: the version of the machine and the last step."""


def body(stage: Stage, name: str, user: str) -> str:
    now = stage.engine.clock.now()
    return to_message(event(name, number=f"{user} {name}", user_id=user, at=now))


def send(stage: Stage, user: str, name: str = "Began") -> None:
    assert stage.route([body(stage, name, user)]) == {"batchItemFailures": []}
    stage.engine.settle()


def restart_router(stage: Stage) -> None:
    forget(stage.engine.functions.handler(f"{PREFIX}router"))


@contextmanager
def live(text: str) -> Iterator[tuple[Stage, list[Invocation]]]:
    """The stage, and how the router's next invocations are to go: as they stand in the list."""
    with small_project({"path": text}) as root, Stage(TUESDAY, project=root) as stage:
        watches: list[Invocation] = []
        with AwsFaults(stage) as faults:
            faults.watch("router", lambda _event: watches.pop(0) if watches else None)
            yield stage, watches


def fails_to_start(kind: Kind) -> Invocation:
    """The archive, who it is, the transaction, and then the start."""
    return Invocation(Fault(kind, at=4))


@dataclass(frozen=True)
class Told:
    """What the stage shows of somebody at the end."""

    execution: Mapping[str, Any]
    states: Sequence[str]
    version: str
    finished: Sequence[Item]


@dataclass(frozen=True)
class Story:
    """`queued` is the command whose call was throttled."""

    of: Mapping[str, Told]
    queued: Mapping[str, Any]


def tell(stage: Stage, user: str) -> Told:
    return Told(
        stage.engine.describe(stage.execution("path", user)),
        stage.states("path", user),
        stage.enrollment("path", user)["version"],
        stage.records(keys.FINISHED_PREFIX, user),
    )


@pytest.fixture(scope="module")
def story() -> Story:
    with (
        live(OLD) as (stage, watches),
        small_project({"path": NEW}) as new,
        small_project({"path": OLD}) as old,
    ):
        send(stage, "before")
        watches.append(fails_to_start(Kind.THROTTLED))
        send(stage, "throttled")
        queued = peeked(stage)
        killed = body(stage, "Began", "killed")
        watches.append(fails_to_start(Kind.KILLED_BEFORE))
        with pytest.raises(AssertionError, match="ExitError"):
            stage.route([killed])

        bundle = deploy_journeys(stage, new)
        send(stage, "between")
        send(stage, "leaves")
        send(stage, "leaves", "Acted")
        send(stage, "leaves", "Left")
        restart_router(stage)
        send(stage, "cold")

        deploy_engine(stage, bundle)
        stage.carry_out_commands()
        assert stage.route([killed]) == {"batchItemFailures": []}
        send(stage, "after")

        bundle = deploy_journeys(stage, old)
        send(stage, "rolling back")
        deploy_engine(stage, bundle)
        send(stage, "rolled back")

        stage.engine.run_until(TUESDAY + timedelta(hours=2))
        return Story({user: tell(stage, user) for user in (*EXPECTED, "leaves")}, queued)


def peeked(stage: Stage) -> dict[str, Any]:
    queue = stage.engine.client("sqs")
    found = queue.receive_message(QueueUrl=stage.commands_url, VisibilityTimeout=0)
    command: dict[str, Any] = json.loads(found["Messages"][0]["Body"])
    return command


@pytest.mark.parametrize("user", EXPECTED)
def test_whoever_enters_runs_one_definition_to_its_end(story: Story, user: str) -> None:
    number, last = EXPECTED[user]
    told = story.of[user]
    assert told.execution["status"] == "SUCCEEDED", told.execution
    assert told.execution["stateMachineVersionArn"].endswith(f":{PREFIX}path:{number}")
    assert last in told.states
    (finished,) = told.finished
    assert (finished["outcome"], finished["version"]) == ("completed", told.version)


def test_versions_are_two_and_came_back(story: Story) -> None:
    assert len({told.version for told in story.of.values()}) == 2
    assert story.of["before"].version == story.of["rolled back"].version


def test_whoever_leaves_is_stopped_whatever_the_version(story: Story) -> None:
    found = story.of["leaves"].execution
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Exited", "Left")
    assert found["stateMachineVersionArn"].endswith(":1")


def test_a_start_that_is_queued_names_its_version(story: Story) -> None:
    assert (story.queued["command"], story.queued["journey"]) == ("start", "path:1")


def test_a_router_that_was_not_told_of_versions_starts_what_is_deployed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As before there were versions: the environment is of the deployment before, or the code."""
    with live(OLD) as (stage, watches), small_project({"path": NEW}) as root:
        with monkeypatch.context() as untold:
            untold.delenv("MACHINE_VERSIONS_KEY")
            send(stage, "untold")
            assert "stateMachineVersionArn" not in stage.engine.describe(
                stage.execution("path", "untold")
            )
            assert "machine_version" not in stage.enrollment("path", "untold")
            watches.append(fails_to_start(Kind.THROTTLED))
            send(stage, "queued")
            assert peeked(stage)["journey"] == "path"
            stage.carry_out_commands()
        deploy_engine(stage, deploy_journeys(stage, root))
        send(stage, "told")
        stage.engine.run_until(TUESDAY + timedelta(hours=2))
        for user, last in (("untold", "Old way"), ("queued", "Old way"), ("told", "New way")):
            assert stage.engine.status(stage.execution("path", user)) == "SUCCEEDED"
            assert last in stage.states("path", user)


def test_a_router_that_does_not_find_its_versions_leaves_events_in_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As without its catalog: whatever it started might be of another definition."""
    with live(OLD) as (stage, _):
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("MACHINE_VERSIONS_KEY", "machine-versions/none.json")
            entry = body(stage, "Began", "ada")
            assert stage.route([entry]) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
        restart_router(stage)
        assert stage.route([entry]) == {"batchItemFailures": []}
        assert stage.enrollment("path")["machine_version"] == 1
