"""The Express machine's own promises: every way leads to an answer, and timeouts nest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

MACHINE: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "statemachines" / "send_message.asl.json").read_text("utf-8")
)
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def successors(state: dict[str, Any]) -> list[str]:
    following = [each["Next"] for each in state.get("Choices", [])]
    return following + [state[name] for name in ("Next", "Default") if name in state]


def test_every_state_is_reached_and_every_way_ends() -> None:
    reached, waiting = set(), [MACHINE["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += successors(STATES[name])
    assert reached == set(STATES)
    for state in STATES.values():
        assert successors(state) or state.get("End") or state["Type"] == "Fail"


def test_timeouts_nest_with_three_channels_tried() -> None:
    limits = {name: state["TimeoutSeconds"] for name, state in TASKS.items()}
    assert MACHINE["TimeoutSeconds"] == 240
    once = limits["May it be sent now"]
    per_channel = limits["Reserve a cap unit"] + limits["Deliver"]
    assert once + 3 * per_channel + longest_delay(TASKS["Deliver"]["Retry"][0]) < 240


def longest_delay(retry: dict[str, Any]) -> int:
    first, rate, most = (retry[n] for n in ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds"))
    return sum(min(first * rate**number, most) for number in range(retry["MaxAttempts"]))


@pytest.mark.parametrize("name", TASKS)
def test_retries_are_bounded_with_full_jitter(name: str) -> None:
    for retry in TASKS[name]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert longest_delay(retry) <= 60


def test_a_crowd_at_delivery_is_asked_for_longer_than_a_moment() -> None:
    """Its concurrency is limited, and a journey asks again a dozen times only: with three tries in
    ten seconds, most of what waits for one moment would never have its turn.
    """
    assert longest_delay(TASKS["Deliver"]["Retry"][0]) >= 45


def test_a_delivery_that_may_have_run_is_not_repeated() -> None:
    (retry,) = TASKS["Deliver"]["Retry"]
    assert retry["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert "Catch" not in TASKS["Deliver"]


def test_names_fit_the_console() -> None:
    assert max(map(len, STATES)) <= 80
