"""A run of send_message that fails, times out or answers nothing is asked again: one message."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stepwell.customers import keys
from tests.support.stage import PREFIX, Stage

CART: dict[str, Any] = {
    "cart_id": "cart-1",
    "product_id": "p",
    "name": "x",
    "price": 280.0,
    "cart_value": 280.0,
}
ALWAYS_OPEN: Mapping[str, Any] = {"quiet_hours": []}
LIMIT = 4
"""Seconds, which are real: few enough to wait for, and enough for a run on a busy machine."""
Handler = Callable[[Any, Any], Any]
Fault = Callable[[Handler, Any, Any], Any]


class Faulty:
    """A function that misbehaves in its first call, or in every call, and counts them."""

    def __init__(self, real: Handler, fault: Fault, times: int) -> None:
        self.real, self.fault, self.times, self.calls = real, fault, times, 0

    def __call__(self, event: Any, context: Any) -> Any:
        self.calls += 1
        if self.calls <= self.times:
            return self.fault(self.real, event, context)
        return self.real(event, context)


def break_function(stage: Stage, name: str, fault: Fault, times: int = 1) -> Faulty:
    faulty = Faulty(stage.engine.functions.handler(PREFIX + name), fault, times)
    stage.engine.replace_function(PREFIX + name, faulty)
    return faulty


def die_before(_real: Handler, _event: Any, _context: Any) -> Any:
    raise RuntimeError("died before it acted")


def die_after(real: Handler, event: Any, context: Any) -> Any:
    real(event, context)
    raise RuntimeError("died after it acted")


def hang(_real: Handler, _event: Any, _context: Any) -> Any:
    time.sleep(2.5 * LIMIT)
    raise RuntimeError("nobody waits for this any more")


def answer_nothing(_real: Handler, _event: Any, _context: Any) -> Any:
    return {"outcome": "answered", "answer": {}}


def abandon_a_cart(stage: Stage) -> None:
    stage.identify(phone="+447700900123", push="t", timezone="Europe/London")
    stage.grant("sms", "push")
    stage.track("Product Added", **CART)


def check_one_message_each(stage: Stage) -> None:
    stage.engine.run_until_idle()
    assert stage.engine.status(stage.execution("cart_abandonment")) == "SUCCEEDED"
    assert [(step, channel, outcome) for _, step, channel, outcome in stage.decisions()] == [
        ("stylist_suggestion", "sms", "sent"),
        ("complete_outfit", "push", "sent"),
    ]
    assert (len(stage.sent_sms()), len(stage.sent_push())) == (1, 1)
    units = (stage.snapshot().caps or {})["units"]
    assert [unit["state"] for unit in units] == ["confirmed", "confirmed"]


@pytest.mark.parametrize("function", ["consent", "frequency-cap", "delivery"])
def test_a_run_that_fails_before_acting(function: str) -> None:
    with Stage(policies=ALWAYS_OPEN) as stage:
        faulty = break_function(stage, function, die_before)
        abandon_a_cart(stage)
        check_one_message_each(stage)
        assert faulty.calls == 3


@pytest.mark.parametrize("function", ["consent", "frequency-cap", "delivery"])
def test_a_run_whose_answer_is_lost(function: str) -> None:
    """The message was sent and recorded, or its unit reserved; only the answer is asked again."""
    with Stage(policies=ALWAYS_OPEN) as stage:
        break_function(stage, function, die_after)
        abandon_a_cart(stage)
        check_one_message_each(stage)


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param({15: LIMIT}, id="a task's time limit"),
        pytest.param({240: LIMIT}, id="the machine's time limit"),
    ],
)
def test_a_run_that_times_out(seconds: dict[int, int]) -> None:
    with Stage(policies=ALWAYS_OPEN, seconds=seconds) as stage:
        faulty = break_function(stage, "consent", hang)
        abandon_a_cart(stage)
        check_one_message_each(stage)
        assert faulty.calls == 3


def test_a_run_that_answers_nothing() -> None:
    with Stage(policies=ALWAYS_OPEN) as stage:
        faulty = break_function(stage, "consent", answer_nothing)
        abandon_a_cart(stage)
        check_one_message_each(stage)
        assert faulty.calls == 3


def test_no_enrollment_is_stuck_when_no_run_ever_answers() -> None:
    with Stage(policies=ALWAYS_OPEN) as stage:
        faulty = break_function(stage, "consent", die_before, times=1000)
        abandon_a_cart(stage)
        stage.engine.run_until_idle()
        assert stage.engine.status(stage.execution("cart_abandonment")) == "SUCCEEDED"
        assert faulty.calls == 2 * 13
        assert [(step, outcome) for _, step, _, outcome in stage.decisions()] == [
            ("stylist_suggestion", "unknown: no_answer"),
            ("complete_outfit", "unknown: no_answer"),
        ]
        (finished,) = stage.records(keys.FINISHED_PREFIX)
        assert finished["outcome"] == "completed"
