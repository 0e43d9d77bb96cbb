"""Signals and promotion hold by the real handlers on moto: S11, and the way through Comprehend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepwell.aws.events_queue import KNOWN, REBUILD, REPLAYED
from stepwell.customers import keys
from stepwell.events.model import to_message
from tests.support.feedback import sample
from tests.support.listening import ListeningStage
from tests.support.stage import TUESDAY
from tests.support.world import event

NOON = TUESDAY.replace(hour=12, minute=0)
CART: dict[str, Any] = {
    "cart_id": "c",
    "product_id": "p",
    "name": "Dress",
    "price": 280,
    "cart_value": 280,
}


@pytest.fixture
def stage() -> Iterator[ListeningStage]:
    with ListeningStage(NOON) as stage:
        stage.identify(email="ada@example.com", phone="+447700900123", push="t", timezone="UTC")
        stage.grant("sms", "push", "email")
        yield stage


def signals(stage: ListeningStage) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = (stage.snapshot().profile or {}).get("signals", {})
    return found


def write(stage: ListeningStage, text: str) -> None:
    stage.track("Message Received", channel="chat", text=text)


def test_a_frustrated_chat_pauses_the_cart_journey_and_the_record_says_why(
    stage: ListeningStage,
) -> None:
    stage.track("Product Added", **CART)
    stage.engine.run_until(NOON + timedelta(minutes=10))
    write(stage, "I need HELP, it is not working")
    profile = stage.snapshot().profile or {}
    assert profile["signals"]["urgency"]["rule"] == "asks_for_help"
    assert profile["segments"].keys() == {"frustrated"}
    stage.engine.run_until_idle()
    assert {outcome for *_, outcome in stage.decisions()} == {"suppressed: promotion_hold"}
    assert (stage.sent_sms(), stage.sent_push()) == ([], [])
    decision = stage.records(keys.DECISION_PREFIX)[0]
    assert decision["detail"] == "frustrated"
    held = next(each for each in decision["rules"] if each["rule"] == "promotion_hold")
    assert held == {
        "rule": "promotion_hold",
        "result": "held",
        "segments": {"frustrated": "2026-11-24T12:10:00.000Z"},
    }


def test_a_message_that_says_nothing_is_asked_about_and_becomes_urgent(
    stage: ListeningStage,
) -> None:
    write(stage, "It broke.")
    assert signals(stage) == {}
    with stage.comprehend():
        requests = stage.requests()
        assert "broke" not in json.dumps(requests)
        assert stage.ask(requests) == {"batchItemFailures": []}
    assert stage.asked == [("It broke.", "en")]
    assert signals(stage)["sentiment"] == {
        "value": "negative",
        "rule": "scored_negative",
        "score": "0.93",
        "at": "2026-11-24T12:00:00.000Z",
        "event": signals(stage)["urgency"]["event"],
    }
    assert signals(stage)["urgency"]["rule"] == "sounds_negative"
    assert "frustrated" in (stage.snapshot().profile or {})["segments"]


def test_asked_twice_it_is_told_and_applied_once(stage: ListeningStage) -> None:
    write(stage, "It broke.")
    with stage.comprehend():
        requests = stage.requests()
        stage.ask(requests)
        seq, kept = stage.snapshot().seq, signals(stage)
        stage.ask(requests)
        stage.ask(requests)
    assert len(stage.asked) == 3
    assert (stage.snapshot().seq, signals(stage)) == (seq, kept)


def test_an_event_that_comes_again_is_asked_about_again(stage: ListeningStage) -> None:
    """The first delivery may have died before it had asked."""
    document: dict[str, Any] = {"event": "Message Received", "userId": "ada", "messageId": "m-1"}
    document |= {"properties": {"channel": "chat", "text": "It broke."}}
    stage.call("track", document)
    stage.deliver(times=2)
    first, second = (json.loads(each["body"]) for each in stage.requests())
    assert (first["customer"], first["fingerprint"]) == (second["customer"], second["fingerprint"])


@pytest.mark.parametrize("kind", [KNOWN, REBUILD])
def test_what_the_archive_replays_is_not_asked_about(stage: ListeningStage, kind: str) -> None:
    said = {"channel": "chat", "text": "It broke."}
    replayed = event("Message Received", at=NOON, source="local", properties=said)
    attribute = {REPLAYED: {"dataType": "String", "stringValue": kind}}
    record = {
        "messageId": "1",
        "body": to_message(replayed),
        "attributes": {"MessageGroupId": "g"},
        "messageAttributes": attribute,
        "eventSource": "aws:sqs",
    }
    before = stage.snapshot().seq
    answer = stage.engine.invoke("stepwell-local-router", {"Records": [record]})
    assert answer == {"batchItemFailures": []}
    assert stage.snapshot().seq == before + 1
    assert stage.requests() == []


def test_while_comprehend_fails_the_request_comes_again_and_nothing_is_told(
    stage: ListeningStage,
) -> None:
    write(stage, "It broke.")
    throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "DetectSentiment")
    requests = stage.requests()
    with stage.comprehend(throttled):
        answer = stage.ask(requests)
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == [
        requests[0]["messageId"]
    ]
    assert signals(stage) == {}
    with stage.comprehend():
        assert stage.ask(requests) == {"batchItemFailures": []}
    assert signals(stage)["urgency"]["value"] == "high"


def test_a_long_text_is_cut_and_what_is_no_message_is_not_asked_about(
    stage: ListeningStage,
) -> None:
    stage.track("Order Completed", order_id="1", revenue=5)
    write(stage, "  ")
    assert stage.requests() == []
    write(stage, "é" * 5_000)
    with stage.comprehend():
        stage.ask(stage.requests())
    [(text, _)] = stage.asked
    assert text == "é" * 2_499


def test_a_text_to_our_number_is_a_message_too(stage: ListeningStage) -> None:
    stage.tell(sample("text_reply", **{"Does the dress come in green": "Please help"}))
    assert signals(stage)["urgency"]["rule"] == "asks_for_help"
    assert len(stage.requests()) == 1


def test_each_signal_is_told_once_as_an_event_of_its_own(stage: ListeningStage) -> None:
    before = stage.snapshot().seq
    stage.call(
        "track",
        {
            "event": "Message Received",
            "userId": "ada",
            "messageId": "m-1",
            "properties": {"channel": "chat", "text": "Let me think about it. But help!"},
        },
    )
    stage.deliver(times=3)
    # The message, two signals, and the two segments that follow from them.
    assert stage.snapshot().seq == before + 5
    profile = stage.snapshot().profile or {}
    assert profile["segments"].keys() == {"frustrated", "thinking"}
