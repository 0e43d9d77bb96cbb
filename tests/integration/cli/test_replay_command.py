"""`stepwell replay` on moto: what it selects, nothing applied twice, a stage that is rebuilt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.sqs.models import sqs_backends

from infra.local.account import ACCOUNT, REGION
from stepwell.aws.archive import Archive
from stepwell.aws.events_queue import EventsQueue
from stepwell.cli import replay
from stepwell.cli.command import CommandError
from stepwell.cli.main import main
from stepwell.cli.replay import IN_QUEUE, Selection, check
from stepwell.customers.routing import MARKER_KEPT
from stepwell.customers.snapshot import Snapshot
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import to_message
from tests.support.stage import ARCHIVE, PREFIX, TUESDAY, Stage

DAYS = ("--from", "2026-11-24", "--to", "2026-11-25")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Today(datetime):
    """The command's clock: the stage's, and not this machine's."""

    @classmethod
    def now(cls, tz: Any = None) -> Today:
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(replay, "datetime", Today)
    with Stage() as stage:
        stage.identify("ada", tier=1)
        stage.identify("bob", tier=1)
        stage.track("Product Viewed", "ada", price=9.5)
        stage.engine.run_until(TUESDAY + timedelta(hours=4))
        stage.identify("ada", tier=2)
        stage.grant("sms", user="bob")
        forget_deduplication(stage)
        yield stage


def forget_deduplication(stage: Stage) -> None:
    """As if SQS's five minutes had passed: from now on only the router knows an event."""
    sqs_backends[ACCOUNT][REGION].queues[f"{PREFIX}events.fifo"].deleted_messages.clear()


def run(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, int]:
    assert main(["replay", *DAYS, "--stage", "local", "--json", *options]) == 0
    counts: dict[str, int] = json.loads(capsys.readouterr().out)
    return counts


def tables(stage: Stage) -> list[Any]:
    dynamodb = stage.engine.client("dynamodb")
    return [
        sorted(dynamodb.scan(TableName=PREFIX + table)["Items"], key=str)
        for table in ("customers", "records")
    ]


def objects(stage: Stage) -> int:
    return int(stage.engine.client("s3").list_objects_v2(Bucket=ARCHIVE)["KeyCount"])


def test_what_was_applied_is_not_applied_again(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    before, archived = tables(stage), objects(stage)
    for _ in range(2):
        assert run(capsys) == {"found": 5, "selected": 5, "sent": 5}
        assert stage.deliver() == {"batchItemFailures": []}
        forget_deduplication(stage)
    assert tables(stage) == before
    assert objects(stage) == archived


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        (("--event", "Product Viewed"), 1),
        (("--user", "ada"), 3),
        (("--user", "bob", "--event", "Consent Updated"), 1),
        (("--user", "cyd"), 0),
        (("--to", "2026-11-24"), 3),
    ],
)
def test_a_selection_is_sent_and_nothing_else(
    stage: Stage, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], selected: int
) -> None:
    assert run(capsys, *options)["selected"] == selected
    sqs = stage.engine.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=stage.events_url, AttributeNames=["All"])
    assert int(found["Attributes"]["ApproximateNumberOfMessages"]) == selected


def test_a_dry_run_counts_and_sends_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "--dry-run") == {"found": 5, "selected": 5, "sent": 0}
    assert stage.deliver() == {}
    assert main(["replay", *DAYS, "--stage", "local", "--dry-run"]) == 0
    assert capsys.readouterr().out == "5 of 5 archived events would be sent\n"


def test_what_stood_in_the_queue_until_it_was_forgotten_is_not_applied(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    stage.engine.run_until(TUESDAY + MARKER_KEPT + timedelta(hours=5))
    dynamodb = stage.engine.client("dynamodb")
    for item in dynamodb.scan(TableName=f"{PREFIX}customers")["Items"]:
        if item["sk"]["S"] == "APPLIED":  # as DynamoDB does when its time is over
            key = {name: item[name] for name in ("pk", "sk")}
            dynamodb.delete_item(TableName=f"{PREFIX}customers", Key=key)
    before = tables(stage)
    assert stage.deliver() == {"batchItemFailures": []}
    assert tables(stage) == before


def test_an_event_that_never_got_through_is_applied(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was archived, failed on its way and was thrown away: replaying makes up for it."""
    lost = json.dumps({**_any_event(stage), "id": "lost", "traits": {"city": "York"}})
    Archive(stage.engine.client("s3"), ARCHIVE).keep([(lost, "")])
    assert "city" not in stage.snapshot("ada").traits
    run(capsys)
    stage.deliver()
    assert stage.snapshot("ada").traits["city"] == "York"
    assert stage.snapshot("ada").seq == 4


def _any_event(stage: Stage) -> dict[str, Any]:
    for minute in Archive(stage.engine.client("s3"), ARCHIVE).read(NOW.date(), NOW.date()):
        document: dict[str, Any] = json.loads(to_message(minute[0]))
        return document
    raise AssertionError("nothing is archived")


def grants(snapshot: Snapshot) -> dict[str, Any]:
    return dict((snapshot.consents or {}).get("grants", {}))


def test_a_stage_whose_customers_are_lost_is_rebuilt(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {user: stage.snapshot(user) for user in ("ada", "bob")}
    dynamodb = stage.engine.client("dynamodb")
    for item in dynamodb.scan(TableName=f"{PREFIX}customers")["Items"]:
        dynamodb.delete_item(
            TableName=f"{PREFIX}customers", Key={name: item[name] for name in ("pk", "sk")}
        )
    monkeypatch.setattr(f"{__name__}.NOW", TUESDAY + timedelta(days=100))
    assert main(["replay", *DAYS, "--stage", "local"]) == 2
    assert "would apply older events a second time" in capsys.readouterr().err
    stage.engine.run_until(TUESDAY + timedelta(days=100))
    assert run(capsys, "--rebuild")["sent"] == 5
    stage.deliver()
    assert grants(before["bob"])
    for user, snapshot in before.items():
        after = stage.snapshot(user)
        assert after.customer != snapshot.customer
        assert after.traits == snapshot.traits
        assert after.seq == snapshot.seq
        assert grants(after) == grants(snapshot)
        assert after.enrollments == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "2026-11-26", "--to", "2026-11-24"), "--to 2026-11-24 is before --from"),
        (("--from", "2026-10-01"), "--from 2026-10-01: the router knows what it applied since"),
        (("--rebuild", "--user", "ada"), "--rebuild takes all events"),
        (("--stage", "nowhere"), "stage nowhere: "),
    ],
)
def test_what_cannot_be_replayed_is_refused_and_sends_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert main(["replay", *DAYS, "--stage", "local", *options]) == 2
    assert message in capsys.readouterr().err
    assert stage.deliver() == {}


def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replay", "--from", "yesterday", "--to", "2026-11-24"])
    assert "'yesterday' is no date such as 2026-11-24" in capsys.readouterr().err


def test_the_oldest_day_is_known_for_as_long_as_the_queue_may_hold_its_events() -> None:
    oldest = (NOW + IN_QUEUE - MARKER_KEPT).date() + timedelta(days=1)
    check(Selection(oldest, NOW.date()), NOW, rebuild=False)
    with pytest.raises(CommandError):
        check(Selection(oldest - timedelta(days=1), NOW.date()), NOW, rebuild=False)


def test_a_queue_that_takes_no_more_is_told_with_what_it_took(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventsQueue, "send", _taken_once(EventsQueue.send))
    assert main(["replay", *DAYS, "--stage", "local"]) == 2
    assert "the events queue took 3 events and no more" in capsys.readouterr().err


def _taken_once(send: Any) -> Any:
    calls: list[int] = []

    def once(self: EventsQueue, events: Any) -> None:
        calls.append(len(events))
        if len(calls) > 1:
            raise QueueUnavailableError
        send(self, events)

    return once
