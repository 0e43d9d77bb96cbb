"""A message that did not arrive goes on to the next channel: once, as one message of one cap."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.feedback.fallback import LATEST
from stepwell.feedback.taking import Taken
from stepwell.feedback.tools import NoticeTooEarlyError
from stepwell.ports import ErrorKind, OutcomeUnknownError, ProviderError
from stepwell.storage.operations import Delete, Put, Update
from stepwell.timestamps import to_text
from tests.support.feedback import MESSAGE, FeedbackWorld, notice
from tests.support.messages import CUSTOMER, ENROLLMENT, NOON, RUN, World, message_program

EMAIL_FIRST = message_program(channels=["email", "sms", "push"])
REFUSED = ProviderError("InvalidParameter", ErrorKind.CONFIGURATION)
PUSHED_BACK = ProviderError("Throttling", ErrorKind.THROTTLED)


def sent(**world: Any) -> FeedbackWorld:
    feedback = FeedbackWorld(World(**({"program": EMAIL_FIRST} | world)))
    assert feedback.world.send()["channel"] == "email"
    feedback.world.now = NOON + timedelta(minutes=10)
    return feedback


def asked(feedback: FeedbackWorld) -> Mapping[str, Any]:
    """What the only fallback's execution gets as an answer."""
    (question,) = feedback.questions()
    return feedback.world.send(**question)


def complete(feedback: FeedbackWorld, outcome: str = slots.COMPLETED) -> None:
    key = keys.enrollment(CUSTOMER, ENROLLMENT)
    feedback.world.store.write(Update(key, {"status": slots.ENDED, "outcome": outcome}))


def finished(feedback: FeedbackWorld, outcome: str) -> None:
    """The enrollment's item is gone or another run's; the run's record remains."""
    key = keys.finished(CUSTOMER, ENROLLMENT, RUN)
    feedback.world.store.write(Put(key, {"run": RUN, "outcome": outcome}))


class TestGoingOn:
    def test_a_bounce_asks_for_the_next_channel_of_the_same_message(self) -> None:
        feedback = sent()
        assert feedback.hear(notice("email_bounced")) is Taken.FELL_BACK
        answer = asked(feedback)
        assert (answer["outcome"], answer["channel"]) == ("sent", "sms")
        assert [each.channel for each in feedback.world.sent()] == ["sms", "email"]
        assert {each.message_id for each in feedback.world.sent()} == {MESSAGE}

    def test_it_is_one_cap_unit_on_the_new_channel(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        asked(feedback)
        (unit,) = feedback.world.units()
        at = to_text(feedback.world.now)
        assert unit == {
            "message": MESSAGE,
            "at": at,
            "channel": "sms",
            "purpose": "marketing",
            "state": "confirmed",
        }

    def test_the_unit_stays_when_no_other_channel_takes_it(self) -> None:
        feedback = sent()
        feedback.world.sms.fails, feedback.world.push.fails = [REFUSED], [REFUSED, REFUSED]
        feedback.hear(notice("email_bounced"))
        assert asked(feedback)["outcome"] == "failed"
        assert [each["state"] for each in feedback.world.units()] == ["confirmed"]

    def test_the_records_say_why(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        asked(feedback)
        decision = feedback.world.decisions()[-1]
        assert decision["rules"][0] == {
            "rule": "fallback",
            "result": "asked_again",
            "failed_channels": ["email"],
            "channels": ["email", "sms", "push"],
        }
        assert "email" not in decision["rules"][4]["channels"]

    def test_the_second_channel_may_fail_too(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        asked(feedback)
        feedback.hear(notice("sms_unreachable"))
        first, second = feedback.questions()
        assert (first["asked"], second["asked"]) == (1, 2)
        assert feedback.world.send(**second)["channel"] == "push"
        assert len(feedback.world.units()) == 1

    def test_it_does_not_open_the_slot_of_the_hold_again(self) -> None:
        feedback = sent()
        before = feedback.world.enrollment()
        feedback.hear(notice("email_bounced"))
        asked(feedback)
        assert feedback.world.enrollment() == before

    def test_a_push_back_leaves_the_slot_of_the_hold_open(self) -> None:
        feedback = sent()
        before = feedback.world.enrollment()
        feedback.world.sms.fails = [PUSHED_BACK]
        feedback.hear(notice("email_bounced"))
        assert asked(feedback)["outcome"] == "deferred"
        assert feedback.world.enrollment() == before

    def test_quiet_hours_defer_it(self) -> None:
        feedback = sent(now=datetime(2026, 11, 24, 20, 55, tzinfo=NOON.tzinfo))
        feedback.world.now = datetime(2026, 11, 24, 21, 5, tzinfo=NOON.tzinfo)
        feedback.hear(notice("email_bounced"))
        answer = asked(feedback)
        assert (answer["outcome"], answer["until"]) == ("deferred", "2026-11-25T08:00:00.000Z")
        feedback.world.now = datetime(2026, 11, 25, 8, 0, tzinfo=NOON.tzinfo)
        (question,) = feedback.questions()
        again = feedback.world.send(**(question | {"asked": answer["asked"]}))
        assert (again["outcome"], again["channel"]) == ("sent", "sms")


class TestWhoseEnrollmentHasEnded:
    def test_completed_it_goes_on(self) -> None:
        feedback = sent()
        complete(feedback)
        feedback.hear(notice("email_bounced"))
        assert asked(feedback)["outcome"] == "sent"

    @pytest.mark.parametrize("outcome", ["exited", "converted", "replaced", "failed"])
    def test_left_it_does_not(self, outcome: str) -> None:
        feedback = sent()
        complete(feedback, outcome)
        feedback.hear(notice("email_bounced"))
        answer = asked(feedback)
        assert (answer["outcome"], answer["reason"]) == ("suppressed", "exited")

    @pytest.mark.parametrize(
        ("outcome", "answered"), [("completed", "failed"), ("replaced", "suppressed")]
    )
    def test_another_run_has_its_place(self, outcome: str, answered: str) -> None:
        """The event that the run began with is gone, which the push's text needs, not the SMS's."""
        feedback = sent(program=message_program(channels=["email", "push"]))
        feedback.world.put_enrollment(run=RUN + 1)
        finished(feedback, outcome)
        feedback.hear(notice("email_bounced"))
        assert asked(feedback)["outcome"] == answered
        assert [each.channel for each in feedback.world.sent()] == ["email"]

    def test_another_run_has_its_place_and_the_text_needs_no_event(self) -> None:
        feedback = sent()
        feedback.world.put_enrollment(run=RUN + 1)
        finished(feedback, slots.COMPLETED)
        feedback.hear(notice("email_bounced"))
        assert (asked(feedback)["outcome"], asked(feedback)["channel"]) == ("sent", "sms")

    def test_forgotten_it_goes_by_the_record(self) -> None:
        feedback = sent()
        feedback.world.store.write(Delete(keys.enrollment(CUSTOMER, ENROLLMENT)))
        feedback.hear(notice("email_bounced"))
        assert asked(feedback)["reason"] == "exited"

    def test_an_exit_just_before_the_send_counts(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        (question,) = feedback.questions()
        state = dict(question)
        feedback.world.consent(state)
        feedback.world.cap(state)
        complete(feedback, "exited")
        assert feedback.world.deliver(state)["answer"]["reason"] == "exited"
        assert len(feedback.world.sent()) == 1


class TestNot:
    def assert_nothing_follows(self, feedback: FeedbackWorld, name: str = "email_bounced") -> None:
        assert feedback.hear(notice(name)) is Taken.TOLD
        assert not feedback.executions.calls
        assert feedback.message()["status"] == "sent"

    @pytest.mark.parametrize("name", ["email_opened", "email_clicked"])
    def test_after_it_was_read(self, name: str) -> None:
        feedback = sent()
        feedback.hear(notice(name))
        self.assert_nothing_follows(feedback)

    def test_after_a_complaint(self) -> None:
        self.assert_nothing_follows(sent(), "email_complained")

    def test_without_a_channel_that_is_left(self) -> None:
        self.assert_nothing_follows(sent(program=message_program(channels=["email"])))

    def test_days_later(self) -> None:
        feedback = sent()
        feedback.world.now = NOON + LATEST + timedelta(seconds=1)
        self.assert_nothing_follows(feedback)

    def test_for_a_send_that_is_not_the_last(self) -> None:
        feedback = sent()
        assert feedback.hear(notice("email_bounced", "provider-0")) is Taken.TOLD
        assert not feedback.executions.calls

    def test_for_a_late_notice_of_another_send_on_the_failed_channel(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        asked(feedback)
        assert feedback.hear(notice("email_bounced", "provider-0")) is Taken.TOLD
        assert len(feedback.questions()) == 1

    def test_when_nobody_knows_whether_it_went_out(self) -> None:
        feedback = FeedbackWorld(World(program=EMAIL_FIRST))
        feedback.world.email.fails = [OutcomeUnknownError("ReadTimeout")]
        assert feedback.world.send()["outcome"] == "unknown"
        feedback.hear(notice("email_bounced"))
        assert not feedback.executions.calls


class TestTwiceAndAtOnce:
    def test_a_notice_that_comes_again_is_the_same_fallback(self) -> None:
        feedback = sent()
        for _ in range(3):
            assert feedback.hear(notice("email_bounced")) is Taken.FELL_BACK
        assert len(feedback.questions()) == 1
        assert asked(feedback)["channel"] == "sms"
        feedback.hear(notice("email_bounced"))
        assert len({name for _, name, _ in feedback.executions.of("start")}) == 1

    def test_two_bounces_of_one_send_are_one_fallback(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced_for_now"))
        feedback.hear(notice("email_bounced"))
        assert len(feedback.questions()) == 1

    def test_a_bounce_before_the_answer_is_recorded_comes_again(self) -> None:
        feedback = FeedbackWorld(World(program=EMAIL_FIRST))
        heard: list[str] = []

        def bounce() -> None:
            with pytest.raises(NoticeTooEarlyError):
                feedback.hear(notice("email_bounced"))
            heard.append("too early")

        feedback.world.email.after = bounce
        assert feedback.world.send()["outcome"] == "sent"
        assert heard
        assert feedback.hear(notice("email_bounced")) is Taken.FELL_BACK
        assert feedback.events() == ["Message Failed"]

    def test_a_claim_that_a_crash_left_is_not_waited_for(self) -> None:
        feedback = FeedbackWorld(World(program=EMAIL_FIRST))
        feedback.world.email.fails = [ZeroDivisionError()]
        with pytest.raises(ZeroDivisionError):
            feedback.world.send()
        feedback.world.now = NOON + timedelta(minutes=10)
        assert feedback.hear(notice("email_bounced")) is Taken.TOLD

    def test_the_journeys_late_ask_gets_the_answer_that_it_was_given(self) -> None:
        feedback = FeedbackWorld(World(program=EMAIL_FIRST))
        first = feedback.world.send()
        feedback.hear(notice("email_bounced"))
        assert feedback.world.send() == first
        asked(feedback)
        assert feedback.world.send()["outcome"] == "sent"
        assert len(feedback.world.sent()) == 2

    def test_the_execution_is_named_after_customer_and_message(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        ((machine, name, state),) = feedback.executions.of("start")
        assert machine == "fallback"
        assert name.startswith(f"{CUSTOMER}-")
        assert len(name) <= 80
        assert not any(each in json.dumps(state) for each in ("ada@", "7700900123", "Ada"))

    def test_an_old_notice_after_the_second_failure_starts_nothing_new(self) -> None:
        feedback = sent()
        feedback.hear(notice("email_bounced"))
        asked(feedback)
        feedback.hear(notice("sms_unreachable"))
        before = {name for _, name, _ in feedback.executions.of("start")}
        feedback.hear(notice("email_bounced"))
        assert {name for _, name, _ in feedback.executions.of("start")} == before
        assert len(before) == 2

    def test_notices_at_once_are_one_fallback(self) -> None:
        for _ in range(20):
            feedback = sent()
            heard = [notice("email_bounced"), notice("email_bounced_for_now")] * 3
            with ThreadPoolExecutor(len(heard)) as pool:
                assert {*pool.map(feedback.hear, heard)} == {Taken.FELL_BACK}
            assert len(feedback.questions()) == 1
            assert feedback.message()["revision"] == 3
