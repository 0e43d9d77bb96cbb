"""What a notice does: to the address, to the message's record, as an event; in any order, twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.aws.providers.email import SesEmail
from stepwell.aws.providers.end_user_push import EndUserPush
from stepwell.aws.providers.end_user_sms import EndUserSms
from stepwell.aws.providers.whatsapp import WhatsApp
from stepwell.customers import keys
from stepwell.events.model import CONSENT_EVENT
from stepwell.feedback.notices import InboundText, MessageNotice
from stepwell.feedback.taking import TOO_EARLY, Taken
from stepwell.feedback.tools import NoticeTooEarlyError
from stepwell.ports import ToldById
from stepwell.storage.operations import Delete, Put, Update
from tests.support.fakes import Crash, CrashingStore
from tests.support.feedback import (
    EMAIL_ADDRESS,
    MESSAGE,
    PHONE_NUMBER,
    FeedbackWorld,
    notice,
)
from tests.support.messages import CUSTOMER, JOURNEY, NOON, World, message_program

ONE_EMAIL = message_program(channels=["email"])


def sent(**world: Any) -> FeedbackWorld:
    """One message, sent by email unless the world says otherwise, ten minutes ago."""
    feedback = FeedbackWorld(World(**({"program": ONE_EMAIL} | world)))
    assert feedback.world.send()["outcome"] == "sent"
    feedback.world.now = NOON + timedelta(minutes=10)
    return feedback


def test_a_delivery_is_in_the_record_and_an_event_of_the_customer() -> None:
    feedback = sent()
    assert feedback.hear(notice("email_delivered")) is Taken.TOLD
    assert feedback.message()["delivered_at"] == "2026-11-24T12:00:02.000Z"
    (event,) = feedback.queue.events
    assert (event.name, event.customer, event.user_id) == ("Message Delivered", CUSTOMER, None)
    assert event.properties == {
        "message": MESSAGE,
        "step": "suggest",
        "journey": JOURNEY,
        "version": ONE_EMAIL.version,
        "execution": "c1-0123456789abcdef-7",
        "enrollment": "cart#0123456789abcdef",
        "run": 7,
        "channel": "email",
        "purpose": "marketing",
    }


@pytest.mark.parametrize(
    ("name", "reason"), [("email_bounced", "bounce"), ("email_complained", "complaint")]
)
def test_a_hard_bounce_and_a_complaint_end_the_address_for_everybody(
    name: str, reason: str
) -> None:
    feedback = sent()
    feedback.hear(notice(name))
    suppression = feedback.suppression("email", EMAIL_ADDRESS) or {}
    assert suppression[reason] == {"at": "2026-11-24T12:05:00.000Z", "proof": f"ses-{name}-0001"}
    answer = feedback.world.send(execution="c1-0123456789abcdef-8")
    assert (answer["outcome"], answer["reason"]) == ("suppressed", "address_suppressed")
    assert not feedback.executions.calls


def test_a_full_mailbox_fails_the_message_and_not_the_address() -> None:
    feedback = sent()
    feedback.hear(notice("email_bounced_for_now"))
    assert feedback.suppression("email", EMAIL_ADDRESS) is None
    reason = "bounce_transient_mailboxfull"
    assert feedback.message()["failure"] == {"channel": "email", "reason": reason}
    (event,) = feedback.queue.events
    assert (event.name, event.properties["reason"]) == ("Message Failed", reason)


def test_an_invalid_number_that_the_notice_leaves_out_is_the_one_that_it_went_to() -> None:
    feedback = sent(program=message_program(channels=["sms"]))
    feedback.world.put_profile(addresses={"sms": "+447700900777"})
    feedback.hear(notice("sms_invalid_without_number"))
    assert "invalid" in (feedback.suppression("sms", PHONE_NUMBER) or {})
    assert feedback.suppression("sms", "+447700900777") is None


def test_an_open_by_a_machine_is_told_apart() -> None:
    feedback = sent()
    feedback.hear(notice("email_opened_by_machine"))
    assert "opened_at" not in feedback.message()
    assert feedback.message()["machine_opened_at"] == "2026-11-24T12:00:09.000Z"
    assert feedback.events() == ["Message Opened By Machine"]


ALL = ("email_delivered", "email_opened", "email_opened_by_machine", "email_clicked")
LATE = ("email_bounced_for_now", "email_bounced", "email_complained")


@given(st.permutations([*ALL, *LATE, *ALL]))
def test_every_order_with_repetitions_ends_the_same(order: list[str]) -> None:
    feedback = sent()
    for name in order:
        feedback.hear(notice(name))
    message = feedback.message()
    assert {name: message[name] for name in message if name.endswith("_at")} == {
        "first_asked_at": "2026-11-24T12:00:00.000Z",
        "claimed_at": "2026-11-24T12:00:00.000Z",
        "updated_at": "2026-11-24T12:00:00.000Z",
        "delivered_at": "2026-11-24T12:00:02.000Z",
        "machine_opened_at": "2026-11-24T12:00:09.000Z",
        "opened_at": "2026-11-24T12:05:00.000Z",
        "clicked_at": "2026-11-24T12:06:00.000Z",
        "failed_at": "2026-11-24T12:05:00.000Z",
        "complained_at": "2026-11-24T12:05:00.000Z",
    }
    assert message["status"] == "sent"
    assert sorted(feedback.events()) == [
        "Message Clicked",
        "Message Complained",
        "Message Delivered",
        "Message Failed",
        "Message Opened",
        "Message Opened By Machine",
    ]
    assert {"bounce", "complaint"} <= set(feedback.suppression("email", EMAIL_ADDRESS) or {})


@pytest.mark.parametrize("name", ["email_bounced", "sms_unreachable"])
def test_what_is_not_ours_changes_nothing(name: str) -> None:
    feedback = sent()
    assert feedback.hear(notice(name, customer="c404")) is Taken.FOREIGN
    assert feedback.suppression("email", EMAIL_ADDRESS) is None
    assert not feedback.queue.events


def test_a_forgotten_message_is_not_made_anew() -> None:
    feedback = sent()
    feedback.world.store.write(Delete(keys.message(CUSTOMER, MESSAGE)))
    assert feedback.hear(notice("email_opened")) is Taken.FOREIGN
    assert feedback.message() == {}


class TestByTheProvidersId:
    def pointer(self, feedback: FeedbackWorld) -> None:
        key = keys.provider_message("whatsapp", "provider-1")
        feedback.world.store.write(Put(key, {"customer": CUSTOMER, "message": MESSAGE}))

    def test_the_message_is_found_by_what_was_kept_at_the_send(self) -> None:
        feedback = sent()
        self.pointer(feedback)
        assert feedback.hear(notice("whatsapp_read")) is Taken.TOLD
        assert feedback.message()["opened_at"] == "2026-11-24T12:05:00.000Z"

    def test_it_may_come_before_what_is_kept(self) -> None:
        feedback = sent()
        heard = notice("whatsapp_read")
        with pytest.raises(NoticeTooEarlyError):
            feedback.hear(heard, at=heard.at + TOO_EARLY / 2)
        self.pointer(feedback)
        assert feedback.hear(heard) is Taken.TOLD

    def test_somebody_elses_is_let_go(self) -> None:
        assert sent().hear(notice("whatsapp_read")) is Taken.FOREIGN


class TestKeptAtTheSend:
    def test_which_providers_give_no_tags_back(self) -> None:
        client: Any = None
        assert isinstance(WhatsApp(client, "id"), ToldById)
        for other in (SesEmail(client, "a@b.c"), EndUserSms(client), EndUserPush(client, "id")):
            assert not isinstance(other, ToldById)

    def test_only_for_a_provider_that_gives_no_tags_back(self) -> None:
        feedback = FeedbackWorld(World(program=ONE_EMAIL))
        feedback.world.send()
        key = keys.provider_message("email", "provider-1")
        assert feedback.world.store.get(key) is None
        feedback.world.email.told_by_id = True  # type: ignore[attr-defined]  # as WhatsApp's has
        feedback.world.send(execution="c1-0123456789abcdef-8")
        key = keys.provider_message("email", "provider-2")
        kept = feedback.world.store.get(key) or {}
        assert kept["message"] == "c1-0123456789abcdef-8.suggest"
        assert kept["expires"] > NOON.timestamp() + 399 * 86_400


class TestTexts:
    def heard(self, feedback: FeedbackWorld, text: str, number: int = 1, minutes: int = 0) -> None:
        at = NOON + timedelta(minutes=minutes)
        feedback.hear(InboundText(f"in-{number}", PHONE_NUMBER, text, None, at))

    def consents(self, feedback: FeedbackWorld) -> list[tuple[str, str]]:
        return [
            (each.properties["purpose"], each.properties["status"])
            for each in feedback.queue.once()
            if each.name == CONSENT_EVENT
        ]

    def revoke(self, feedback: FeedbackWorld) -> None:
        """As the router applies the events that were queued."""
        grants = {
            f"{each.properties['purpose']}#sms": {
                "status": each.properties["status"],
                "at": "",
                "proof": each.id,
            }
            for each in feedback.queue.once()
            if each.name == CONSENT_EVENT
        }
        feedback.world.store.write(Update(keys.consents(CUSTOMER), {"grants": grants}))

    def test_an_opt_out_holds_before_the_next_send_and_shows_in_the_consents(self) -> None:
        feedback = FeedbackWorld(World(program=message_program(channels=["sms"])))
        feedback.hear(notice("text_stop"))
        answer = feedback.world.send()
        assert (answer["outcome"], answer["reason"]) == ("suppressed", "address_suppressed")
        assert self.consents(feedback) == [("marketing", "revoked"), ("transactional", "revoked")]
        replied = feedback.queue.events[0]
        assert (replied.name, replied.customer) == ("Message Replied", CUSTOMER)
        assert replied.properties["opt"] == "out"

    def test_it_holds_for_a_number_of_nobody(self) -> None:
        feedback = FeedbackWorld()
        stranger = InboundText("in-1", "+447700900666", "STOP", "STOP", NOON)
        feedback.hear(stranger)
        assert "stop" in (feedback.suppression("sms", "+447700900666") or {})
        assert not feedback.queue.events

    def test_an_opt_in_lifts_it_and_gives_back_what_it_took(self) -> None:
        feedback = FeedbackWorld()
        self.heard(feedback, "STOP", 1)
        self.revoke(feedback)
        feedback.queue.events.clear()
        self.heard(feedback, "START", 2, minutes=1)
        assert "stop" not in (feedback.suppression("sms", PHONE_NUMBER) or {})
        assert self.consents(feedback) == [("marketing", "granted"), ("transactional", "granted")]

    def test_an_opt_in_without_an_opt_out_grants_nothing(self) -> None:
        feedback = FeedbackWorld()
        feedback.world.put_consents("sms", status="revoked")
        self.heard(feedback, "START")
        assert self.consents(feedback) == []

    def test_an_opt_in_lifts_no_other_reason(self) -> None:
        feedback = sent(program=message_program(channels=["sms"]))
        feedback.hear(notice("sms_invalid_without_number"))
        self.heard(feedback, "START", minutes=20)
        assert "invalid" in (feedback.suppression("sms", PHONE_NUMBER) or {})

    @pytest.mark.parametrize("late", ["STOP", "START"])
    def test_the_later_word_stands_whichever_comes_last(self, late: str) -> None:
        words = {"STOP": ("STOP", 1), "START": ("START", 2)}
        first = next(each for each in words if each != late)
        for minutes in ((1, 2), (2, 1)):
            feedback = FeedbackWorld()
            self.heard(feedback, *words[first], minutes=minutes[0])
            self.revoke(feedback)
            feedback.queue.events.clear()
            self.heard(feedback, *words[late], minutes=minutes[1])
            later = late if minutes[1] > minutes[0] else first
            stopped = "stop" in (feedback.suppression("sms", PHONE_NUMBER) or {})
            assert stopped is (later == "STOP")
            assert bool(self.consents(feedback)) is (later == late)

    def test_it_is_the_same_when_it_comes_again(self) -> None:
        feedback = FeedbackWorld()
        self.heard(feedback, "STOP")
        before = (feedback.events(), feedback.suppression("sms", PHONE_NUMBER))
        self.revoke(feedback)
        self.heard(feedback, "STOP")
        assert (feedback.events(), feedback.suppression("sms", PHONE_NUMBER)) == before

    def test_any_other_text_is_an_event_only(self) -> None:
        feedback = FeedbackWorld()
        feedback.hear(notice("text_reply"))
        (event,) = feedback.queue.events
        assert json.loads(json.dumps(event.properties)) == {
            "channel": "sms",
            "text": "Does the dress come in green?",
            "opt": "none",
            "keyword": "KEYWORD_447700900999",
        }
        assert feedback.suppression("sms", PHONE_NUMBER) is None


def test_a_receipt_that_comes_in_between_keeps_the_earlier_moment() -> None:
    feedback = sent()
    late = notice("email_opened")
    assert isinstance(late, MessageNotice)
    early = replace(late, at=late.at - timedelta(minutes=2))

    class Overtaken(CrashingStore):
        def write(self, operation: Any) -> Any:
            if "opened_at" in operation.set and "opened_at" not in feedback.message():
                feedback.hear(early)
            return super().write(operation)

    feedback.hear(late, store=Overtaken(feedback.world.store, Crash(0)))
    assert feedback.message()["opened_at"] == "2026-11-24T12:03:00.000Z"
    assert len(feedback.queue.once()) == 2
