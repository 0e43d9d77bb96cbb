"""Every AWS call of feedback's real handler fails, in every way, and the notice comes again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stepwell.customers import keys
from tests.support.aws_faults import AwsFaults, Invocation, Kind, every_fault
from tests.support.feedback import sample, with_id
from tests.support.journey_projects import write_project
from tests.support.redelivery import redeliver
from tests.support.stage import Stage

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
JOURNEY = """\
journey: welcome
purpose: service
entry: {event: Began}
steps:
  - message: {name: Hello, channels: [email, sms], template: hello}
"""
CALLS = [
    "dynamodb.GetItem",
    "dynamodb.UpdateItem",
    "dynamodb.UpdateItem",
    "sqs.SendMessageBatch",
    "dynamodb.UpdateItem",
    "stepfunctions.StartExecution",
]
"""Of a bounce in a process that is warm: the message, the address, the receipt, the event, the
mark, the fallback.
"""


KINDS = (Kind.KILLED_AFTER, Kind.THROTTLED)
"""A lost answer is, for what was written, a process that died after it. Dying at each call of the
rules is in tests/unit/feedback/test_crashes.py.
"""


@dataclass
class Watched:
    """A stage whose functions' clients are watched from the beginning."""

    stage: Stage
    faults: AwsFaults

    def bounced(self, user: str, number: int, watch: Invocation | None) -> list[str | None]:
        """The channels of the user's sends, after a bounce of the first one."""
        stage, email = self.stage, f"{user}@example.com"
        phone = f"+4477009001{number:02}"
        stage.identify(user, email=email, phone=phone, timezone="Europe/London")
        stage.track("Began", user, word="x")
        (message,) = stage.records(keys.MESSAGE_PREFIX, user)
        own = {"ada@example.com": email}
        text = sample("email_bounced", stage.customer(user), message["message"], **own)
        seq, watches = stage.snapshot(user).seq, iter([watch])
        self.faults.watch("feedback", lambda _: next(watches, None))
        redeliver(stage, "feedback", [with_id(text, message["provider_id"])])
        stage.deliver()
        stage.engine.run_until_idle()
        assert stage.snapshot(user).seq == seq + 1, "the event is applied once"
        return [channel for _, _, channel, outcome in stage.decisions(user) if outcome == "sent"]


@pytest.fixture(scope="module")
def feedback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    root = write_project(tmp_path_factory.mktemp("welcome"), {"welcome": JOURNEY})
    machine = "statemachines/send_message.asl.json"
    (root / machine).write_text((Path(__file__).parents[3] / machine).read_text())
    with Stage(NOON, project=root) as stage, AwsFaults(stage) as faults:
        feedback = Watched(stage, faults)
        feedback.bounced("warm", 0, None)
        yield feedback


def test_the_faults_cover_every_call(feedback: Watched) -> None:
    watch = Invocation()
    assert feedback.bounced("calm", 99, watch) == ["email", "sms"]
    assert watch.calls == CALLS


def test_a_bounce_whose_taking_fails_is_one_event_and_one_fallback(feedback: Watched) -> None:
    for number, fault in enumerate(every_fault(len(CALLS), KINDS), start=1):
        watch = Invocation(fault)
        assert feedback.bounced(f"u{number}", number, watch) == ["email", "sms"], str(fault)
        assert watch.has_failed, str(fault)
