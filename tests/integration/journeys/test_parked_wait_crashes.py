"""The commands function dies at each of its calls to AWS while it resumes an enrollment, before the
call acts or after it acted; then the alarm's message comes again.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from infra.local.event_sources import record
from stepwell.customers import keys
from tests.integration.journeys.test_parked_waits import RINGS, SECOND, project
from tests.support.fakes import Crash
from tests.support.stage import PREFIX, Stage

JOURNEY = """\
journey: later
purpose: service
park_waits_over: 7d
entry: {event: Began}
exit: [{event: Left}]
steps:
  - delay: {name: A month, for: 30d}
  - message: {name: Hello, channels: [sms], template: hello}
"""
CALLS = 3
"""It reads, starts, and reads once more."""
CRASHES = [*itertools.product(range(1, CALLS + 1), (False, True)), (CALLS + 1, False)]


@contextmanager
def dying(crash: Crash) -> Iterator[None]:
    """Every call to AWS of this thread is watched; those of executions are not."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    here = threading.get_ident()

    def watched(self: Any, operation: str, request: Any) -> Any:
        if threading.get_ident() != here:
            return call(self, operation, request)
        return crash.watch(lambda: call(self, operation, request))

    with patch.object(BaseClient, "_make_api_call", watched):
        yield


@pytest.mark.parametrize("leaves", [False, True], ids=["who stays", "who leaves meanwhile"])
def test_one_leg_and_one_message_or_none_wherever_it_dies(tmp_path: Path, leaves: bool) -> None:
    with Stage(project=project(tmp_path, JOURNEY)) as stage:
        users = [f"user-{number}" for number in range(len(CRASHES))]
        for number, user in enumerate(users):
            stage.identify(user, phone=f"+4477009001{number:02d}", timezone="Europe/London")
            stage.track("Began", user)
        stage.holds_commands = True
        stage.engine.run_until(RINGS + SECOND)
        for record_, user, (at, after) in zip(_alarms(stage), users, CRASHES, strict=True):
            crash = Crash(at, after=after)
            with dying(crash):
                failed = _handle(stage, record_)
            assert failed == (at <= CALLS), "it makes other calls than this test thinks"
            if leaves:
                stage.track("Left", user)
            if failed:
                record_["attributes"]["ApproximateReceiveCount"] = "2"
                assert not _handle(stage, record_)
            stage.engine.settle()
        stage.engine.run_until_idle()
        sent = [each for user in users for each in _sent(stage, user)]
        outcomes = {stage.enrollment("later", user)["outcome"] for user in users}
        if not leaves:
            assert len(sent) == len(set(sent)) == len(users)
            assert outcomes == {"completed"}
        assert len(stage.sent_sms()) == len(sent)
        assert outcomes <= {"completed", "exited"}
        assert _running(stage) == []


def _alarms(stage: Stage) -> list[dict[str, Any]]:
    """Their messages, in the order in which the waits were parked."""
    queue, found = stage.engine.client("sqs"), list[dict[str, Any]]()
    while got := queue.receive_message(
        QueueUrl=stage.commands_url, MaxNumberOfMessages=10, AttributeNames=["All"]
    ).get("Messages"):
        found += [record(each, stage.commands_url) for each in got]
    return found


def _handle(stage: Stage, record_: dict[str, Any]) -> bool:
    """Whether the function failed, so that the message comes again."""
    answer, error = stage.engine.try_invoke(PREFIX + "commands", {"Records": [record_]})
    return error is not None or bool(answer["batchItemFailures"])


def _sent(stage: Stage, user: str) -> list[str]:
    found = stage.records(keys.MESSAGE_PREFIX, user)
    return [each["message"] for each in found if each["status"] == "sent"]


def _running(stage: Stage) -> list[str]:
    client: Any = stage.engine.client("stepfunctions")
    return [
        each["name"]
        for machine in client.list_state_machines()["stateMachines"]
        for each in client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        if each["status"] == "RUNNING"
    ]
