"""A process may die before or after each call; the notice comes again, and all is as with none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell.feedback.notices import Notice
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.feedback import EMAIL_ADDRESS, PHONE_NUMBER, FeedbackWorld, notice
from tests.support.messages import NOON, World, message_program

MOST_CALLS = 6
BOUNCED = ("email_bounced", ["email", "sms"])
NOTICES = [
    BOUNCED,
    ("email_bounced", ["email"]),
    ("email_complained", ["email", "sms"]),
    ("email_opened", ["email", "sms"]),
    ("text_stop", ["email"]),
    ("text_start", ["email"]),
    ("text_reply", ["email"]),
]


def crashes() -> list[Any]:
    return [
        pytest.param(number, after, id=f"{'after' if after else 'before'}-call-{number}")
        for number in range(1, MOST_CALLS + 1)
        for after in (False, True)
    ]


def hear_with_crash(feedback: FeedbackWorld, heard: Notice, crash: Crash) -> bool:
    """Whether it crashed; the notice has come again then."""
    feedback.queue.crash = feedback.executions.crash = crash
    try:
        feedback.hear(heard, store=CrashingStore(feedback.world.store, crash))
    except CrashError:
        feedback.queue.crash = feedback.executions.crash = Crash(0)
        feedback.world.now += timedelta(minutes=3)
        feedback.hear(heard)
        return True
    return False


def outcome(feedback: FeedbackWorld) -> dict[str, Any]:
    """All that a user or an operator would see, moments of writing apart."""
    message = feedback.message()
    return {
        "events": feedback.events(),
        "ids": [each.id for each in feedback.queue.once()],
        "message": {name: each for name, each in message.items() if name != "updated_at"},
        "suppressions": [
            feedback.suppression("email", EMAIL_ADDRESS),
            feedback.suppression("sms", PHONE_NUMBER),
        ],
        "questions": feedback.questions(),
    }


def prepared(channels: list[str]) -> FeedbackWorld:
    feedback = FeedbackWorld(World(program=message_program(channels=channels)))
    feedback.world.send()
    feedback.world.now = NOON + timedelta(minutes=10)
    return feedback


def test_the_crashes_cover_every_call() -> None:
    crash = Crash(at=0)
    hear_with_crash(prepared(BOUNCED[1]), notice(BOUNCED[0]), crash)
    assert crash.calls == MOST_CALLS


@pytest.mark.parametrize(("name", "channels"), NOTICES)
@pytest.mark.parametrize(("number", "after"), crashes())
def test_a_notice_that_comes_again_leaves_what_it_leaves_without_a_crash(
    number: int, after: bool, name: str, channels: list[str]
) -> None:
    whole, broken = prepared(channels), prepared(channels)
    hear_with_crash(whole, notice(name), Crash(0))
    hear_with_crash(broken, notice(name), Crash(number, after))
    assert outcome(broken) == outcome(whole)
    assert len(broken.questions()) == ((name, channels) == BOUNCED)


@pytest.mark.parametrize(("number", "after"), crashes())
def test_then_the_message_goes_out_once_more_and_no_oftener(number: int, after: bool) -> None:
    feedback = prepared(BOUNCED[1])
    hear_with_crash(feedback, notice(BOUNCED[0]), Crash(number, after))
    for question in feedback.questions() * 2:
        assert feedback.world.send(**question)["channel"] == "sms"
    feedback.hear(notice(BOUNCED[0]))
    assert [each.channel for each in feedback.world.sent()] == ["sms", "email"]
    assert [each["state"] for each in feedback.world.units()] == ["confirmed"]
    assert len({name for _, name, _ in feedback.executions.of("start")}) == 1
