"""What providers tell, through feedback's and the router's real handlers on moto."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.aws.hasher import SecretHasher
from stepwell.customers import keys
from stepwell.messages.suppression import suppression_key
from stepwell.storage.operations import Item, TableName
from tests.support.feedback import sample
from tests.support.feedback_stage import about, fallbacks, messages
from tests.support.journey_projects import write_project
from tests.support.stage import PREFIX, Stage

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
JOURNEY = """\
journey: welcome
purpose: service
entry: {event: Began, reentry: always}
exit: [{event: Left}]
steps:
  - message: {name: Hello, channels: [email, sms], template: hello}
"""
NAMES: Mapping[str, Any] = {"email": "ada@example.com", "phone": "+447700900123"}
DELIVERED, OPENED = "2026-11-24T12:00:02.000Z", "2026-11-24T12:05:00.000Z"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_project(tmp_path_factory.mktemp("welcome"), {"welcome": JOURNEY})
    shipped = Path(__file__).parents[3] / "statemachines" / "send_message.asl.json"
    (root / "statemachines" / "send_message.asl.json").write_text(shipped.read_text())
    return root


@pytest.fixture
def stage(project: Path) -> Iterator[Stage]:
    with Stage(NOON, project=project) as stage:
        stage.identify(**NAMES, timezone="Europe/London")
        stage.track("Began", word="x")
        stage.engine.run_until(NOON + timedelta(minutes=10))
        yield stage


def suppressed(stage: Stage, channel: str, address: str) -> Item:
    hasher = SecretHasher(stage.engine.client("secretsmanager"), f"{PREFIX}hash")
    return stage.store.get(suppression_key(channel, address, hasher)) or {}


def test_a_bounce_after_the_journey_has_ended_goes_on_by_text(stage: Stage) -> None:
    assert stage.engine.status(stage.execution("welcome")) == "SUCCEEDED"
    assert stage.tell(about(stage, "email_bounced"), times=3) == {"batchItemFailures": []}
    stage.engine.run_until_idle()
    assert [(step, channel, outcome) for _, step, channel, outcome in stage.decisions()] == [
        ("hello", "email", "sent"),
        ("hello", "sms", "sent"),
    ]
    assert stage.sent_sms() == ["Hello"]
    (execution,) = fallbacks(stage)
    assert stage.engine.status(execution) == "SUCCEEDED"
    assert stage.engine.states(execution) == [
        "Send by the next channel",
        "What happened",
        "Decided",
    ]
    (message,) = messages(stage)
    assert (message["failed_channels"], message["status"]) == (["email"], "sent")
    assert "bounce" in suppressed(stage, "email", "ada@example.com")
    assert "ada@" not in str(stage.engine.describe(execution))


def test_what_a_customer_does_is_an_event_that_is_applied_once(stage: Stage) -> None:
    before = stage.snapshot().seq
    told = [about(stage, name) for name in ("email_delivered", "email_opened", "email_clicked")]
    stage.tell(*told, *reversed(told), times=2)
    assert stage.snapshot().seq == before + 3
    (message,) = messages(stage)
    assert (message["delivered_at"], message["opened_at"]) == (DELIVERED, OPENED)
    assert not fallbacks(stage)


def test_a_text_that_says_stop_ends_texts_and_shows_in_the_profile(stage: Stage) -> None:
    stage.tell(sample("text_stop"))
    assert stage.snapshot().consent_view()["service"] == {"sms": False}
    assert "stop" in suppressed(stage, "sms", "+447700900123")
    stage.tell(about(stage, "email_bounced"))
    stage.engine.run_until_idle()
    assert stage.decisions()[-1][1:] == ("hello", None, "suppressed: no_consent")
    stage.tell(sample("text_start", **{"2026-11-24T12:05": "2026-11-24T12:06"}))
    assert stage.snapshot().consent_view()["service"] == {"sms": True}
    assert "stop" not in suppressed(stage, "sms", "+447700900123")


def test_what_cannot_be_read_fails_alone(stage: Stage) -> None:
    answer = stage.tell("no JSON", about(stage, "email_opened"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert "opened_at" in messages(stage)[0]


def test_a_run_whose_place_another_has_taken_goes_on_too(project: Path) -> None:
    with Stage(NOON, project=project) as stage:
        stage.identify(**NAMES, timezone="Europe/London")
        stage.track("Began", word="x")
        bounce = about(stage, "email_bounced")
        stage.track("Began", word="y")  # begins anew, and replaces nothing: the first has ended
        stage.tell(bounce)
        stage.engine.run_until_idle()
        outcomes = [outcome for *_, outcome in stage.decisions()]
        assert outcomes.count("sent") == 3
        records = stage.store.query(
            TableName.RECORDS, keys.partition(stage.customer()), prefix=keys.FINISHED_PREFIX
        )
        assert len(records) == 2
