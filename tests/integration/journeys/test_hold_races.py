"""An event against a hold's timer: one outcome, the same in slot, history and records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from stepwell.customers import keys
from tests.support.races import queued, together
from tests.support.stage import TUESDAY, Stage

CART: dict[str, Any] = {
    "cart_id": "cart-1",
    "product_id": "p",
    "name": "x",
    "price": 280.0,
    "cart_value": 280.0,
}
HOLD = "Wait for 45 minutes of silence"
TIMER = TUESDAY + timedelta(minutes=45)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        stage.identify(timezone="Europe/London")
        yield stage


def of_the_cart(stage: Stage, prefix: str) -> list[dict[str, Any]]:
    return [each for each in stage.records(prefix) if each["journey"] == "cart_abandonment"]


def check_agreement(stage: Stage) -> str:
    """Slot, execution history and records tell the same story; how the hold ended."""
    enrollment = stage.enrollment("cart_abandonment")
    states = stage.states("cart_abandonment")
    outcome: str = enrollment["wait_for_45_minutes_of_silence_outcome"]
    decisions = of_the_cart(stage, keys.DECISION_PREFIX)
    steps = {each["step"] for each in decisions}
    (finished,) = of_the_cart(stage, keys.FINISHED_PREFIX)
    assert finished["outcome"] == enrollment["outcome"]
    if outcome == "exit":
        assert states[-1] == "Left"
        assert "Stylist suggestion" not in states
        assert steps == set()
        assert finished["outcome"] in {"converted", "exited"}
    else:
        assert outcome == "timeout"
        assert f"{HOLD}: time is up" in states
        assert "Stylist suggestion" in states
        assert steps == {"stylist_suggestion", "complete_outfit"}
        assert finished["outcome"] == "completed"
    return outcome


@pytest.mark.parametrize(("seconds", "outcome"), [(-1, "exit"), (0, "exit"), (1, "timeout")])
def test_an_order_before_at_and_after_the_timer(stage: Stage, seconds: int, outcome: str) -> None:
    stage.track("Product Added", **CART)
    stage.engine.run_until(TIMER + timedelta(seconds=seconds))
    order = queued(stage, "Order Completed", order_id="o", revenue=1.0)
    for _ in range(3):
        assert stage.route([order]) == {"batchItemFailures": []}
    if outcome == "timeout":
        # After the timer the order exits the enrollment elsewhere; the hold stays timed out.
        assert stage.enrollment("cart_abandonment")["outcome"] == "converted"
        slot = "wait_for_45_minutes_of_silence_outcome"
        assert stage.enrollment("cart_abandonment")[slot] == "timeout"
        assert stage.states("cart_abandonment").count(f"{HOLD}: time is up") == 1
    stage.engine.run_until_idle()
    if outcome == "exit":
        assert check_agreement(stage) == "exit"
    assert len(of_the_cart(stage, keys.FINISHED_PREFIX)) == 1


@pytest.mark.parametrize(("seconds", "visits"), [(-1, 2), (0, 2), (1, 1)])
def test_a_new_product_before_at_and_after_the_timer(
    stage: Stage, seconds: int, visits: int
) -> None:
    stage.track("Product Added", **CART)
    stage.engine.run_until(TIMER + timedelta(seconds=seconds))
    product = queued(stage, "Product Added", **CART)
    for _ in range(3):
        stage.route([product])
    stage.engine.run_until_idle()
    assert stage.enrollment("cart_abandonment")["wait_for_45_minutes_of_silence_visit"] == visits
    assert stage.states("cart_abandonment").count(HOLD) == visits
    assert check_agreement(stage) == "timeout"


def test_an_order_that_races_the_timer_has_one_outcome() -> None:
    """Deliveries of one order and the timer, all at once, again and again."""
    seen = set()
    for _ in range(8):
        with Stage() as stage:
            stage.identify(timezone="Europe/London")
            stage.track("Product Added", **CART)
            stage.engine.run_until(TIMER)
            order = json.loads(queued(stage, "Order Cancelled", order_id="none"))
            order |= {"name": "Order Completed", "properties": {"order_id": "o", "revenue": 1.0}}
            body = json.dumps(order)
            together(
                partial(stage.engine.run_until, TIMER + timedelta(seconds=1)),
                *([partial(stage.route, [body])] * 3),
            )
            stage.engine.run_until_idle()
            enrollment = stage.enrollment("cart_abandonment")
            outcome = enrollment["wait_for_45_minutes_of_silence_outcome"]
            seen.add(outcome)
            assert enrollment["outcome"] == "converted"
            time_is_up = stage.states("cart_abandonment").count(f"{HOLD}: time is up")
            assert stage.engine.status(stage.execution("cart_abandonment")) in {
                "SUCCEEDED",
                "ABORTED",
            }
            assert outcome in {"exit", "timeout"}
            assert (outcome == "timeout") <= (time_is_up == 1)
            sent = [each for each in stage.decisions() if each[3] == "sent"]
            assert [step for _, step, *_ in sent] in ([], ["thank_you"])
    assert seen


@pytest.mark.parametrize("timer_too", [False, True])
def test_restarts_that_race_give_one_visit_each(stage: Stage, timer_too: bool) -> None:
    stage.track("Product Added", **CART)
    stage.engine.run_until(TIMER - timedelta(seconds=5))
    bodies = [queued(stage, "Product Added", number, **CART) for number in range(4)]
    routes = [partial(stage.route, [body]) for body in bodies]
    if timer_too:
        together(*routes, lambda: stage.engine.run_until(TIMER + timedelta(seconds=1)))
    else:
        together(*routes)
    stage.engine.run_until_idle()
    visits = stage.enrollment("cart_abandonment")["wait_for_45_minutes_of_silence_visit"]
    assert visits in (range(1, 6) if timer_too else [5])
    assert check_agreement(stage) == "timeout"


def test_an_event_that_races_the_arming_is_not_missed() -> None:
    """The enrollment begins, and its execution arms, while the order is being applied."""
    for _ in range(6):
        with Stage() as stage:
            stage.identify(timezone="Europe/London")
            cart = queued(stage, "Product Added", **CART)
            order = queued(stage, "Order Completed", order_id="o", revenue=1.0)
            # One batch: the order is applied while the execution is on its way to its first arm.
            stage.route([cart, order])
            stage.engine.run_until_idle()
            assert check_agreement(stage) == "exit"


@pytest.mark.parametrize("stop_first", [True, False])
def test_a_token_that_comes_late_changes_nothing(stage: Stage, stop_first: bool) -> None:
    stage.track("Product Added", **CART)
    token = stage.enrollment("cart_abandonment")["token"]
    if stop_first:
        stage.track("Order Completed", order_id="o", revenue=1.0)
    else:
        stage.engine.run_until(TIMER + timedelta(seconds=1))
    client = stage.engine.client("stepfunctions")
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(
            taskToken=token, output=json.dumps({"visit": "1", "outcome": "restart"})
        )
    stage.engine.run_until_idle()
    assert len(of_the_cart(stage, keys.FINISHED_PREFIX)) == 1
