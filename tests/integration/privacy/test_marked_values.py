"""Personal values lie where they belong and nowhere else: all are marked, and searched everywhere.

`tests.support.belonging` lists the places that may hold them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.belonging import places
from tests.support.handovers import write_care
from tests.support.listening import ListeningStage
from tests.support.marked_sender import MarkedSender
from tests.support.overhearing import Overhearing
from tests.support.stage import QUARANTINE, TUESDAY, Stage

ALWAYS_OPEN: dict[str, Any] = {"quiet_hours": []}
_PART = {"purposes": ["service"], "keep_seconds": 30 * 86_400}
CONTEXT = {"place": {**_PART, "precision_km": 5.0, "names": ["city"]}, "device": _PART}


def test_a_cart_journey(printed: Callable[[], str]) -> None:
    declared = ALWAYS_OPEN | {"profile": {"context": CONTEXT}}
    with Stage(policies=declared) as stage, Overhearing(stage) as heard:
        sender = MarkedSender(stage)
        user, device = sender.marks.text(), sender.marks.text()
        sender.send("identify", userId=user, anonymousId=device, traits=sender.traits())
        sender.grant(user, "sms", "push", "email")
        sender.send("track", userId=user, event="Product Added", properties=sender.cart())
        stage.engine.run_until(TUESDAY + timedelta(hours=20))
        order = {"order_id": sender.marks.text(), "revenue": sender.marks.number()}
        sender.send("track", userId=user, event="Product Added", properties=sender.cart())
        sender.send("track", userId=user, event="Order Completed", properties=order)
        stage.engine.run_until(TUESDAY + timedelta(days=5))
        assert (len(stage.sent_sms()), len(stage.sent_push())) == (1, 1)
        found = places(sender, heard, printed())
        # The search finds what is there.
        assert {"item PROFILE traits", "item ENROLLMENT entry_event"} <= found
        assert {"item PROFILE place", "item PROFILE device"} <= found
        assert {
            "call sns.Publish Message",
            "call sqs.SendMessageBatch Entries.MessageBody",
        } <= found
        assert any(place.startswith("call sesv2.SendEmail") for place in found)


def test_a_hand_over_tells_what_is_declared_and_nothing_else(
    printed: Callable[[], str], tmp_path: Path
) -> None:
    with Stage(project=write_care(tmp_path)) as stage, Overhearing(stage) as heard:
        sender = MarkedSender(stage)
        user, traits = sender.marks.text(), sender.traits()
        sender.send("identify", userId=user, traits=traits)
        sender.send("track", userId=user, event="Began", properties={"word": sender.marks.text()})
        told = [json.loads(said) for place, said in heard.everything() if place == _TOLD]
        (customer,) = (each["customer"] for each in told)
        assert re.fullmatch("c[0-9a-f]{24}", customer.pop("id"))
        assert customer == {"user_id": user, "traits": {"first_name": traits["first_name"]}}
        assert _TOLD in places(sender, heard, printed())


_TOLD = "call events.PutEvents Entries.Detail"


def test_what_customers_write(printed: Callable[[], str]) -> None:
    with ListeningStage() as stage, Overhearing(stage) as heard:
        sender = MarkedSender(stage)
        user, said = (
            sender.marks.text(),
            {"channel": "chat", "conversation_id": sender.marks.text()},
        )
        for words in ("help", "it broke", "hello"):
            properties = said | {"text": f"{words} {sender.marks.text()}"}
            sender.send("track", userId=user, event="Message Received", properties=properties)
        sender.send("track", userId=user, event="Message Answered", properties=said)
        with stage.comprehend():
            assert stage.ask(stage.requests()) == {"batchItemFailures": []}
        found = places(sender, heard, printed())
        assert {
            "call comprehend.DetectSentiment Text",
            "item PROFILE signals",
            "call sqs.SendMessageBatch Entries.MessageBody",
        } <= found


def test_people_who_become_one_and_calls_that_are_refused(printed: Callable[[], str]) -> None:
    with Stage(policies=ALWAYS_OPEN) as stage, Overhearing(stage) as heard:
        sender = MarkedSender(stage)
        text, traits = sender.marks.text, sender.traits()
        user, device, other, former = (text() for _ in range(4))
        sender.send("track", anonymousId=device, event="Product Added", properties=sender.cart())
        sender.send("identify", userId=user, traits=traits)
        sender.send("identify", userId=user, anonymousId=device, traits=sender.traits())
        sender.send("alias", userId=user, previousId=former)
        sender.send("group", userId=user, groupId=text(), traits={text(): text()})
        # Another user with the same email, on the same device: not joined, with a record.
        sender.send("identify", userId=other, anonymousId=device, traits=traits)
        sender.send("screen", userId=other, name=text(), properties={text(): text()})
        for refused in (
            {"event": "Product Added", "properties": sender.cart() | {"cart_value": text()}},
            {"event": "Order Completed", "properties": {"revenue": text(), text(): text()}},
            {"event": "Consent Updated", "properties": {"purpose": text(), "status": text()}},
            {"event": text(), "properties": text()},
        ):
            answer = sender.send("track", userId=user, **refused)
            assert answer["statusCode"] in (200, 400), answer
        for body in (f'{{"userId": "{text()}", "event": {text()}', json.dumps([text()])):
            assert stage.call("track", body)["statusCode"] == 400
        unknown = {"writeKey": text(), "userId": text(), "event": text()}
        assert stage.call("track", unknown, key="")["statusCode"] == 401
        kept = stage.engine.client("s3").list_objects_v2(Bucket=QUARANTINE)
        assert kept["KeyCount"] >= 3
        stage.engine.invoke("stepwell-local-quarantine-watch", {})
        stage.engine.run_until(TUESDAY + timedelta(hours=20))
        found = places(sender, heard, printed())
        assert {"item PROFILE previous_ids", "item PROFILE groups", "item MERGED event"} <= found
        assert "item NOT_JOINED event" in found
        assert not {"item PROFILE place", "item PROFILE device"} & found  # nobody declared them
