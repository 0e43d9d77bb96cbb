"""From an event to a message, on moto with the committed state machines and the real handlers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from tests.support.stage import TUESDAY, Stage

FROM_22 = {
    "quiet_hours": [
        {"purposes": ["marketing"], "channels": ["sms", "push"], "start": "22:00", "end": "08:00"}
    ]
}
CART: dict[str, Any] = {
    "cart_id": "cart-1",
    "product_id": "dress",
    "name": "A dress",
    "price": 280.0,
    "cart_value": 280.0,
}

BEFORE_WIN_BACK = TUESDAY + timedelta(days=59)
"""An order also begins win_back, which waits 60 days."""


def london(day: int, hour: int, minute: int, second: int = 0) -> datetime:
    """A moment of November 2026, when London's time is UTC."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def at(day: int, hour: int, minute: int) -> str:
    return f"2026-11-{day:02}T{hour:02}:{minute:02}:00.000Z"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def introduce(stage: Stage, user: str = "ada") -> None:
    stage.identify(
        user,
        push=f"token-{user}",
        first_name="Ada",
        email=f"{user}@example.com",
        phone="+447700900123",
        timezone="Europe/London",
    )
    stage.grant("sms", "push", "email", user=user)


def test_a_cart_message_goes_at_21_59_when_quiet_hours_begin_at_22() -> None:
    with Stage(policies=FROM_22) as stage:
        introduce(stage)
        stage.track("Product Added", **CART)
        stage.engine.run_until_idle()
        assert stage.decisions() == [
            (at(24, 21, 59), "stylist_suggestion", "sms", "sent"),
            (at(25, 9, 0), "complete_outfit", "push", "sent"),
        ]
        assert len(stage.sent_sms()) == 1
        assert len(stage.sent_push()) == 1
        assert stage.engine.status(stage.execution("cart_abandonment")) == "SUCCEEDED"
        assert stage.enrollment("cart_abandonment")["outcome"] == "completed"


def test_it_is_deferred_to_08_00_when_they_begin_at_21(stage: Stage) -> None:
    introduce(stage)
    stage.track("Product Added", **CART)
    stage.engine.run_until_idle()
    first, second, third = stage.decisions()
    assert first == (at(24, 21, 59), "stylist_suggestion", "sms", "deferred: quiet_hours")
    assert second == (at(25, 8, 0), "stylist_suggestion", "sms", "sent")
    assert third == (at(25, 9, 0), "complete_outfit", "push", "sent")


def test_a_new_product_restarts_the_hold_and_an_other_cart_does_not(stage: Stage) -> None:
    introduce(stage)
    stage.track("Product Added", **CART)
    stage.engine.run_until(TUESDAY + timedelta(minutes=44))
    stage.track("Product Added", **CART)
    stage.engine.run_until(TUESDAY + timedelta(minutes=60))
    stage.track("Product Added", **CART | {"cart_id": "cart-2", "cart_value": 10.0})
    stage.engine.run_until(TUESDAY + timedelta(minutes=88))
    assert stage.decisions() == []
    stage.engine.run_until(TUESDAY + timedelta(minutes=90))
    assert [time for time, *_ in stage.decisions()] == [at(24, 22, 43)]


@pytest.mark.parametrize(
    ("when", "decided"),
    [
        (london(24, 21, 20), 0),  # in the hold
        (london(24, 23, 0), 1),  # while the message waits for the morning
        (london(25, 8, 30), 2),  # in the delay until the next morning
    ],
)
def test_an_order_in_any_wait_ends_the_enrollment_at_once(
    stage: Stage, when: datetime, decided: int
) -> None:
    introduce(stage)
    stage.track("Product Added", **CART)
    stage.engine.run_until(when)
    execution = stage.execution("cart_abandonment")
    stage.track("Order Completed", order_id="o-1", revenue=415.0, total=415.0)
    stage.engine.settle()
    assert stage.engine.status(execution) != "RUNNING"
    assert stage.engine.describe(execution)["stopDate"] == when
    enrollment = stage.enrollment("cart_abandonment")
    assert (enrollment["status"], enrollment["outcome"]) == ("ended", "converted")
    stage.engine.run_until_idle()
    cart = [
        each
        for each in stage.records(keys.DECISION_PREFIX)
        if each["journey"] == "cart_abandonment"
    ]
    assert len(cart) == decided
    ((conversion),) = stage.records(keys.CONVERSION_PREFIX)
    assert conversion["value"] == 415


def test_an_exit_in_a_wait_is_seen_as_an_aborted_execution(stage: Stage) -> None:
    introduce(stage)
    stage.track("Product Added", **CART)
    stage.engine.run_until(london(25, 8, 30))
    execution = stage.execution("cart_abandonment")
    stage.track("Order Completed", order_id="o-1", revenue=415.0)
    described = stage.engine.describe(execution)
    assert (described["status"], described["error"]) == ("ABORTED", "Exited")
    assert described["cause"] == "Order Completed"


def test_an_exit_in_a_hold_is_seen_in_the_graph(stage: Stage) -> None:
    introduce(stage)
    stage.track("Product Added", **CART)
    stage.engine.run_until(london(24, 21, 30))
    stage.track("Order Completed", order_id="o-1", revenue=415.0)
    assert stage.states("cart_abandonment")[-1] == "Left"
    assert stage.engine.status(stage.execution("cart_abandonment")) == "SUCCEEDED"


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_who_acts_gets_no_nudge(stage: Stage, seconds: int) -> None:
    """At the timer's very moment the event comes first; a second later the first nudge is out."""
    introduce(stage)
    stage.track("Trial Started")
    timer = TUESDAY + timedelta(days=3)
    stage.engine.run_until(timer + timedelta(seconds=seconds))
    stage.track("First Action")
    stage.engine.run_until_idle()
    sent = [step for _, step, _, outcome in stage.decisions() if outcome == "sent"]
    assert sent == ([] if seconds <= 0 else ["first_nudge"])
    assert len(stage.records(keys.FINISHED_PREFIX)) == 1


def test_who_never_acts_gets_two_nudges(stage: Stage) -> None:
    introduce(stage)
    stage.grant("push", purpose="service")
    stage.track("Trial Started")
    stage.engine.run_until_idle()
    assert stage.decisions() == [
        (at(27, 21, 14), "first_nudge", "push", "sent"),
        (at(30, 21, 14), "second_nudge", "email", "sent"),
    ]
    assert stage.enrollment("onboarding")["outcome"] == "completed"


@pytest.mark.parametrize(
    ("revenue", "steps"), [(200.0, ["thank_you"]), (200.01, ["thank_you", "cross_sell"])]
)
def test_a_large_order_is_followed_by_a_cross_sell(
    stage: Stage, revenue: float, steps: list[str]
) -> None:
    introduce(stage)
    stage.track("Order Completed", order_id="o-1", revenue=revenue, total=revenue)
    stage.engine.run_until(BEFORE_WIN_BACK)
    assert [step for _, step, _, outcome in stage.decisions() if outcome == "sent"] == steps


def test_a_cancelled_order_gets_no_cross_sell(stage: Stage) -> None:
    introduce(stage)
    stage.track("Order Completed", order_id="o-1", revenue=300.0)
    stage.engine.run_until(TUESDAY + timedelta(days=1))
    stage.track("Order Cancelled", order_id="o-2")
    assert stage.enrollment("post_purchase")["status"] == "active"
    stage.track("Order Cancelled", order_id="o-1")
    stage.engine.run_until(BEFORE_WIN_BACK)
    assert [step for _, step, *_ in stage.decisions()] == ["thank_you"]
    assert stage.enrollment("post_purchase")["outcome"] == "exited"


def test_without_consent_nothing_is_sent_and_the_record_says_why(stage: Stage) -> None:
    stage.identify(email="ada@example.com", phone="+447700900123", timezone="Europe/London")
    stage.track("Product Added", **CART)
    stage.engine.run_until_idle()
    assert [outcome for *_, outcome in stage.decisions()] == ["suppressed: no_consent"] * 2
    assert stage.sent_sms() == []
    assert stage.sent_push() == []


def test_every_journey_machine_waits_and_chooses() -> None:
    with Stage() as stage:
        introduce(stage)
        stage.track("Product Added", **CART)
        stage.track("Trial Started")
        stage.track("Order Completed", order_id="o-1", revenue=300.0, user="bob")
        stage.engine.run_until_idle()
        for journey, user in (("cart_abandonment", "ada"), ("post_purchase", "bob")):
            types = {each["type"] for each in stage.engine.history(stage.execution(journey, user))}
            assert {"WaitStateEntered", "ChoiceStateEntered"} <= types, journey
        types = {each["type"] for each in stage.engine.history(stage.execution("onboarding"))}
        assert "ChoiceStateEntered" in types


def test_no_personal_value_is_in_an_execution(stage: Stage) -> None:
    introduce(stage)
    stage.track("Product Added", **CART | {"name": "MARKED-NAME"})
    stage.engine.run_until_idle()
    history = str(stage.engine.history(stage.execution("cart_abandonment")))
    for marked in ("ada@example.com", "7700900123", "token-ada", "Ada", "MARKED-NAME", "cart-1"):
        assert marked not in history


def test_a_repeated_call_changes_nothing(stage: Stage) -> None:
    introduce(stage)
    document: dict[str, Any] = {
        "messageId": "m-1",
        "userId": "ada",
        "event": "Product Added",
        "properties": CART,
        "timestamp": at(24, 21, 14),
    }
    for _ in range(2):
        assert stage.call("track", document)["statusCode"] == 200
        stage.deliver()
    before = stage.snapshot()
    stage.engine.run_until(TUESDAY + timedelta(minutes=10))
    stage.call("track", document)
    stage.deliver()
    assert stage.snapshot().enrollments == before.enrollments
    stage.engine.run_until_idle()
    assert len(stage.sent_sms()) == 1
