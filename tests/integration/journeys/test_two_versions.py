"""A new version goes live while the old one runs: entries, wakes and exits go where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest

from stepwell.customers import keys
from stepwell.events.model import to_message
from tests.support.crash_project import small_project
from tests.support.races import together
from tests.support.redeploying import deploy_engine, deploy_journeys
from tests.support.stage import TUESDAY, Stage
from tests.support.world import event

OLD = """\
journey: path
purpose: marketing
entry: {event: Began}
exit: [{event: Left}]
steps:
  - hold:
      name: Wait
      for: 10m
      until: [{event: Acted, then: continue}]
  - delay: {name: Old way, for: 1h}
"""
NEW = """\
journey: path
purpose: marketing
entry: {event: Began}
exit: [{event: Opened}]
steps:
  - hold:
      name: Wait
      for: 10m
      until: [{event: Touched, then: continue}]
  - delay: {name: New way, for: 1h}
"""
RENAMED = NEW.replace("name: Wait", "name: Hold on")
"""An execution of its definition fails with an enrollment of the old version."""


@contextmanager
def live(text: str) -> Iterator[Stage]:
    with small_project({"path": text}) as root, Stage(TUESDAY, project=root) as stage:
        yield stage


def body(stage: Stage, name: str, user: str, number: int = 1) -> str:
    now = stage.engine.clock.now()
    return to_message(event(name, number=f"{user}-{number}", user_id=user, at=now))


def send(stage: Stage, name: str, user: str) -> None:
    assert stage.route([body(stage, name, user)]) == {"batchItemFailures": []}
    stage.engine.settle()


@pytest.fixture
def stage() -> Iterator[Stage]:
    """`old` entered under the old version and `new` under the new one."""
    with live(OLD) as stage, small_project({"path": NEW}) as root:
        send(stage, "Began", "old")
        deploy_engine(stage, deploy_journeys(stage, root))
        send(stage, "Began", "new")
        yield stage


def test_wakes_go_by_the_version_that_was_entered(stage: Stage) -> None:
    versions = {stage.enrollment("path", user)["version"] for user in ("old", "new")}
    assert len(versions) == 2
    for name in ("Acted", "Touched"):
        for user in ("old", "new"):
            send(stage, name, user)
    outcomes = {user: stage.enrollment("path", user)["wait_outcome"] for user in ("old", "new")}
    assert outcomes == {"old": "acted", "new": "touched"}
    assert stage.states("path", "old")[-1] == "Old way"
    assert stage.states("path", "new")[-1] == "New way"
    stage.engine.run_until_idle()
    for user in ("old", "new"):
        assert [each["outcome"] for each in stage.records(keys.FINISHED_PREFIX, user)] == [
            "completed"
        ]


def test_exits_go_by_the_version_that_was_entered(stage: Stage) -> None:
    for user in ("old", "new"):
        send(stage, "Left", user)
    ended = {user: stage.enrollment("path", user)["status"] for user in ("old", "new")}
    assert ended == {"old": "ended", "new": "active"}
    send(stage, "Opened", "new")
    assert stage.enrollment("path", "new")["status"] == "ended"
    assert {stage.states("path", user)[-1] for user in ("old", "new")} == {"Left"}


def test_who_is_in_the_old_version_does_not_enter_the_new_one(stage: Stage) -> None:
    before = stage.enrollment("path", "old")
    assert stage.route([body(stage, "Began", "old", 2)]) == {"batchItemFailures": []}
    assert stage.enrollment("path", "old")["run"] == before["run"]
    stage.engine.run_until_idle()
    assert len(stage.records(keys.FINISHED_PREFIX, "old")) == 1


def test_events_that_race_the_deployment_are_applied_once_by_one_version() -> None:
    with live(OLD) as stage, small_project({"path": RENAMED}) as root:
        users = [f"user-{number}" for number in range(6)]
        for user in users[:3]:
            send(stage, "Began", user)
        bodies = [body(stage, "Began", user) for user in users[3:]]
        bodies += [body(stage, name, user) for user in users[:3] for name in ("Acted", "Touched")]

        def deploy() -> None:
            deploy_engine(stage, deploy_journeys(stage, root))

        with stage.engine.clock.work():
            together(deploy, *(partial(stage.route, [each]) for each in bodies))
        stage.engine.run_until(TUESDAY + timedelta(minutes=5))
        for user in users[:3]:
            assert stage.enrollment("path", user)["wait_outcome"] == "acted"
            assert stage.states("path", user)[-1] == "Old way"
        stage.engine.run_until_idle()
        for user in users:
            (finished,) = stage.records(keys.FINISHED_PREFIX, user)
            assert finished["outcome"] == "completed"
            enrollment = stage.enrollment("path", user)
            assert finished["version"] == enrollment["version"]
            ways = {"Old way", "New way"} & set(stage.states("path", user))
            assert ways == {{1: "Old way", 2: "New way"}[enrollment["machine_version"]]}
