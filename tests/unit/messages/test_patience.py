"""What one message's deferrals leave alone: other messages, and what was sent before."""

from __future__ import annotations

from datetime import timedelta

from stepwell.customers import keys
from stepwell.ports import ErrorKind, OutcomeUnknownError, ProviderError
from stepwell.storage.operations import Update
from stepwell.timestamps import from_text
from tests.support.messages import CUSTOMER, ENROLLMENT, NOON, World, message_program

FIRST_PAUSE = timedelta(minutes=1)
PUSHED_BACK = ProviderError("Throttling", ErrorKind.THROTTLED)


def test_what_may_have_been_sent_keeps_the_answer_to_it() -> None:
    world = World(program=message_program(purpose="transactional"))
    world.sms.fails = [OutcomeUnknownError(), PUSHED_BACK]
    world.send()
    key = keys.enrollment(CUSTOMER, ENROLLMENT)
    world.store.write(Update(key, {"wait_outcome": "replied", "wait_event": "e9"}))
    assert world.send(asked=1)["outcome"] == "deferred"
    assert world.enrollment()["wait_outcome"] == "replied"


def test_deferrals_of_earlier_messages_do_not_count() -> None:
    world = World()
    world.sms.fails = [PUSHED_BACK] * 13
    for asked in range(40, 52):
        answer = world.send(asked=asked)
        assert (answer["outcome"], answer["asked"]) == ("deferred", asked + 1)
        if asked == 40:
            assert NOON + FIRST_PAUSE <= from_text(answer["until"]) <= NOON + 2 * FIRST_PAUSE
    assert world.send(asked=52)["reason"] == "worthless"


def test_a_deferral_ends_at_a_whole_second() -> None:
    """Step Functions waits until the second, not the millisecond: never before the moment."""
    world = World(now=NOON + timedelta(milliseconds=250))
    world.sms.fails = [PUSHED_BACK]
    until = from_text(world.send()["until"])
    assert not until.microsecond
    assert world.now + FIRST_PAUSE <= until <= world.now + 2 * FIRST_PAUSE + timedelta(seconds=1)
