"""The sweep by its schedule, with the real handlers: who leaves a segment by time alone."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.sweeping import scheduled_event
from stepwell.customers import keys
from stepwell.storage.operations import Update
from stepwell.timestamps import from_text, to_text
from tests.agreement.cases import project_of, read_case
from tests.support.aws_faults import AwsFaults, Fault, Invocation, Kind
from tests.support.stage import ARCHIVE, PREFIX, TUESDAY, Stage

CASE = Path(__file__).parents[2] / "agreement/kept/segments_that_time_changes.yaml"
LAST = "now - customer.computed.last_bought"
PROFILE = {
    "computed": {"last_bought": {"kind": "last", "event": "Bought"}},
    "segments": {
        "recent": {"when": f'{LAST} < duration("72h")'},
        "quiet": {"when": f'!customer.segments.recent && {LAST} < duration("73h")'},
    },
}
ALPHA = {
    "journey": "alpha",
    "purpose": "marketing",
    "entry": {"segment": "recent", "on": "leaving", "reentry": "always"},
    "steps": [{"delay": {"name": "An hour", "for": "1h"}}],
}
DAYS = timedelta(days=3)
MINUTE = timedelta(minutes=1)
SWEEP = f"{PREFIX}sweep"
CALLS = (*["dynamodb.Query"] * 16, "sqs.GetQueueAttributes", "sqs.SendMessageBatch")


@contextmanager
def stage_of_segments(**environment: str) -> Iterator[Stage]:
    """With `recent`: bought within three days; leaving it begins the journey `alpha`."""
    case = read_case(CASE.read_text(encoding="utf-8"))
    case = replace(case, journeys={"alpha": ALPHA}, profile=PROFILE)
    with project_of(case) as root, Stage(TUESDAY, project=root, environment=environment) as stage:
        yield stage


def bought(stage: Stage, user: str) -> datetime:
    """When they are due next."""
    stage.track("Bought", user, revenue=10)
    return due_at(stage, user)


def due_at(stage: Stage, user: str) -> datetime:
    return from_text((stage.snapshot(user).profile or {})["due_at"])


def segments(stage: Stage, user: str) -> set[str]:
    return set((stage.snapshot(user).profile or {})["segments"])


def begun(stage: Stage) -> Counter[str]:
    """How many executions of `alpha` each customer has."""
    machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
    [alpha] = [each for each in machines if each.name == f"{PREFIX}alpha"]
    return Counter(each.name.partition("-")[0] for each in alpha.executions)


def swept(stage: Stage) -> dict[str, Any]:
    now = to_text(stage.engine.clock.now())
    answer: dict[str, Any] = stage.engine.invoke(SWEEP, scheduled_event(now))
    return answer


def forget_deduplication() -> None:
    """As if SQS's five minutes had passed: from now on only the router knows an event."""
    sqs_backends[ACCOUNT][REGION].queues[f"{PREFIX}events.fifo"].deleted_messages.clear()


def test_a_segment_is_left_when_its_time_is_over_and_that_is_told_once() -> None:
    with stage_of_segments() as stage:
        due = bought(stage, "ada")
        assert (due, segments(stage, "ada")) == (TUESDAY + DAYS + MINUTE, {"recent"})
        stage.engine.run_until(due)
        stage.engine.settle()
        assert segments(stage, "ada") == {"recent"}, "nobody has looked yet"
        stage.engine.run_until(due + MINUTE)
        assert segments(stage, "ada") == {"quiet"}
        forget_deduplication()
        for _ in range(3):
            swept(stage)
            stage.deliver()
        stage.engine.run_until(due + timedelta(days=30))
        assert segments(stage, "ada") == set()
        assert begun(stage) == {stage.customer("ada"): 1}
        assert "".join(bodies(stage)).count('"name":"Segment Left"') == 2, "then quiet, and once"
        assert swept(stage) == {"told": 0, "left": False, "late_seconds": 0}


def bodies(stage: Stage) -> Iterator[str]:
    s3 = stage.engine.client("s3")
    for each in s3.list_objects_v2(Bucket=ARCHIVE)["Contents"]:
        body = s3.get_object(Bucket=ARCHIVE, Key=each["Key"])["Body"].read()
        yield gzip.decompress(body).decode()


def test_who_becomes_due_by_an_update_is_swept_as_well() -> None:
    """So a recomputation from the archive has everybody looked at whom it wrote."""
    with stage_of_segments() as stage:
        bought(stage, "ada")
        soon = TUESDAY + 6 * MINUTE
        changes = {"due": to_text(soon), "due_at": to_text(soon), "segments_by": "others"}
        for write in (stage.store.write, lambda each: stage.store.transact([each])):
            write(Update(keys.profile(stage.customer("ada")), set=changes))
        stage.engine.run_until(soon + MINUTE)
        profile = stage.snapshot("ada").profile or {}
        assert profile["segments_by"] != "others"
        assert profile["due_at"] > to_text(soon)


def test_many_who_are_due_at_once_are_looked_at_some_at_a_time() -> None:
    with stage_of_segments(SWEEP_AT_MOST="2") as stage:
        people = [f"p{number}" for number in range(5)]
        (due,) = {bought(stage, each) for each in people}
        left = []
        for run in range(4):
            stage.engine.run_until(due + run * 5 * MINUTE + MINUTE)
            left.append(sum("recent" not in segments(stage, each) for each in people))
        assert left == [2, 4, 5, 5]


def test_a_sweep_that_fails_anywhere_is_made_good_by_the_next() -> None:
    faults = [Fault(kind, at) for at in (1, 16, 17, 18) for kind in Kind]
    with stage_of_segments() as stage, AwsFaults(stage) as hooks:
        watches: list[Invocation] = []
        hooks.watch("sweep", lambda _: watches.pop() if watches else None)
        due = []
        for number, fault in enumerate(faults):
            due.append((bought(stage, f"u{number}"), f"u{number}", fault))
            stage.engine.run_until(stage.engine.clock.now() + 10 * MINUTE)
        for moment, user, fault in due:
            stage.engine.run_until(moment)
            watch = Invocation(fault)
            watches.append(watch)
            stage.engine.try_invoke(SWEEP, scheduled_event(to_text(moment)))
            assert tuple(watch.calls[: fault.at]) == CALLS[: fault.at]
            assert watch.has_failed, str(fault)
            stage.deliver()
            forget_deduplication()
            stage.engine.run_until(moment + MINUTE)
            assert "recent" not in segments(stage, user), str(fault)
        stage.engine.run_until_idle()
        assert begun(stage) == {stage.customer(user): 1 for _, user, _ in due}


def test_a_sweep_says_what_it_did_and_asks_no_more_than_it_has_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with stage_of_segments(SWEEP_AT_MOST="2") as stage, AwsFaults(stage) as hooks:
        due = bought(stage, "ada")
        watch = Invocation()
        hooks.watch("sweep", lambda _: watch)
        assert swept(stage) == {"told": 0, "left": False, "late_seconds": 0}
        assert watch.calls == ["dynamodb.Query"] * 16, "nobody is due, and nobody else is asked"
        stage.engine.on_sweep = lambda: None  # the router comes to nothing
        stage.engine.run_until(due)
        for number in range(2):
            document = {"event": "Left", "userId": f"u{number}", "messageId": f"m{number}"}
            assert stage.call("track", document)["statusCode"] == 200
        assert swept(stage) == {"told": 0, "left": True, "late_seconds": 0}, "apps come first"
        stage.deliver()
        assert swept(stage) == {"told": 1, "left": False, "late_seconds": 0}
        stage.engine.run_until(due + 59 * MINUTE)
        assert swept(stage)["late_seconds"] == 59 * 60
        assert "sweep behind" not in caplog.messages
        stage.engine.run_until(due + 60 * MINUTE)
        assert swept(stage)["late_seconds"] == 60 * 60
        assert "sweep behind" in caplog.messages
