"""Late, early, out of order, more than once: what docs/events.md says of each, call to profile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from stepwell.timestamps import from_text, to_text
from tests.support.stage import TUESDAY, Stage

CART = {"cart_id": "c", "product_id": "p", "name": "x", "price": 280.0, "cart_value": 280.0}
HOUR = timedelta(hours=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def at(hours: float) -> str:
    return to_text(TUESDAY + timedelta(hours=hours))


def send(stage: Stage, *calls: dict[str, Any], **shared: Any) -> dict[str, Any]:
    answer = stage.call("batch", {"batch": list(calls), **shared})
    assert answer["statusCode"] == 200, answer
    assert stage.deliver() == {"batchItemFailures": []}
    stage.engine.settle()
    return answer


def added(number: str = "1", user: str = "ada", **more: Any) -> dict[str, Any]:
    document = {"type": "track", "userId": user, "event": "Product Added", "properties": CART}
    return {**document, "messageId": f"added-{number}", **more}


def identify(number: str, hours: float, **traits: Any) -> dict[str, Any]:
    document = {"type": "identify", "userId": "ada", "traits": traits, "timestamp": at(hours)}
    return {**document, "messageId": f"identify-{number}"}


def consent(number: str, hours: float, status: str) -> dict[str, Any]:
    answer = {"purpose": "marketing", "channel": "sms", "status": status}
    document = {"type": "track", "userId": "ada", "event": "Consent Updated", "properties": answer}
    return {**document, "messageId": f"consent-{number}", "timestamp": at(hours)}


def entered(stage: Stage, user: str = "ada") -> list[str]:
    """When the cart journey was entered, and by an event of when."""
    return [
        item["entered_at"]
        for name, item in stage.snapshot(user).enrollments.items()
        if name.startswith("cart_abandonment#")
    ]


def test_an_event_counts_once_in_one_batch_and_days_later(stage: Stage) -> None:
    send(stage, added(), added())
    assert stage.snapshot().seq == 1
    stage.engine.run_until(TUESDAY + timedelta(days=29))
    before = stage.snapshot()
    send(stage, added())
    assert stage.snapshot() == before


def test_one_message_id_of_two_senders_is_two_events(stage: Stage) -> None:
    send(stage, added(), added(user="bob"))
    assert (stage.snapshot("ada").seq, stage.snapshot("bob").seq) == (1, 1)


def test_an_event_without_an_id_counts_each_time(stage: Stage) -> None:
    nameless = {name: each for name, each in added().items() if name != "messageId"}
    send(stage, nameless, nameless)
    assert stage.snapshot().seq == 2


@pytest.mark.parametrize(("hours", "begins"), [(-23.9, True), (-24.1, False)])
def test_a_late_event_informs_and_after_a_day_begins_nothing(
    stage: Stage, hours: float, begins: bool
) -> None:
    send(stage, identify("1", hours, tier=1), added(timestamp=at(hours)))
    assert stage.snapshot().traits == {"tier": 1}
    assert (len(entered(stage)) == 1) is begins


def test_a_late_event_wakes_and_ends_nothing(stage: Stage) -> None:
    send(stage, added())
    order = {"order_id": "1", "revenue": 5.0}
    late = {"type": "track", "userId": "ada", "event": "Order Completed", "properties": order}
    send(stage, {**late, "messageId": "o", "timestamp": at(-25)})
    assert stage.enrollment("cart_abandonment")["status"] == "active"
    send(stage, {**late, "messageId": "o2", "timestamp": at(-1)})
    assert stage.enrollment("cart_abandonment")["status"] == "ended"


def test_an_event_from_the_future_happened_at_its_receipt(stage: Stage) -> None:
    send(stage, consent("1", +48, "granted"))
    (grant,) = (stage.snapshot().consents or {})["grants"].values()
    assert from_text(grant["at"]) == TUESDAY


@pytest.mark.parametrize("wrong", [-1_000, -30, 30, 1_000])
def test_a_wrong_clock_is_corrected_by_when_it_says_it_sent(stage: Stage, wrong: float) -> None:
    """Ten minutes before it was sent, on a clock that is hours wrong."""
    ten_minutes = 10 / 60
    told = consent("1", wrong - ten_minutes, "granted")
    send(stage, told, added(timestamp=at(wrong)), sentAt=at(wrong))
    (grant,) = (stage.snapshot().consents or {})["grants"].values()
    assert from_text(grant["at"]) == TUESDAY - timedelta(minutes=10)
    assert len(entered(stage)) == 1


def test_traits_and_consents_that_come_out_of_order_count_by_their_time(stage: Stage) -> None:
    send(
        stage,
        identify("2", -1, plan="pro"),
        identify("1", -2, plan="free", city="Leeds"),
        consent("2", -1, "revoked"),
        consent("1", -2, "granted"),
    )
    assert stage.snapshot().traits == {"plan": "pro", "city": "Leeds"}
    assert stage.snapshot().consent_view() == {"marketing": {"sms": False}}


def test_journeys_go_by_the_order_of_arrival(stage: Stage) -> None:
    """An order that comes before its cart ends nothing, whatever their times say."""
    order = {"order_id": "1", "revenue": 5.0}
    late = {"type": "track", "userId": "ada", "event": "Order Completed", "properties": order}
    send(stage, {**late, "messageId": "o", "timestamp": at(-0.5)}, added(timestamp=at(-1)))
    assert stage.enrollment("cart_abandonment")["status"] == "active"
    assert entered(stage) == [at(0)]
