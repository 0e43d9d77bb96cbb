"""The structural validator finds what moto and cfn-lint let through."""

from typing import Any

import pytest

from stepwell.journeys.compiler.structure import faults

JITTER = {"ErrorEquals": ["A"], "MaxAttempts": 2, "JitterStrategy": "FULL"}
TASK = {"Type": "Task", "Resource": "arn:x", "TimeoutSeconds": 5, "Retry": [JITTER], "Next": "End"}
END = {"End": {"Type": "Succeed"}}


def machine(states: dict[str, Any], start: str = "Work") -> dict[str, Any]:
    return {"StartAt": start, "States": states | END}


def test_sound_machine_has_no_faults() -> None:
    assert faults(machine({"Work": TASK})) == []


CASES = {
    "start": (machine({"Work": TASK}, "Wrk"), "StartAt names no state: Wrk"),
    "dangling_next": (
        machine({"Work": TASK | {"Next": "Nowhere"}}),
        "Work: leads to no state: Nowhere",
    ),
    "dangling_catch": (
        machine({"Work": TASK | {"Catch": [{"ErrorEquals": ["A"], "Next": "Gone"}]}}),
        "Work: leads to no state: Gone",
    ),
    "unreachable": (machine({"Work": TASK, "Other": TASK}), "Other: unreachable"),
    "long_name": (machine({"W" * 81: TASK}, "W" * 81), f"{'W' * 81}: the name has 81 characters"),
    "no_next": (
        machine({"Work": {key: value for key, value in TASK.items() if key != "Next"}}),
        "Work: has neither Next nor End, or both",
    ),
    "wait_without_duration": (
        machine({"Work": {"Type": "Wait", "Next": "End"}}),
        "Work: a Wait needs exactly one duration",
    ),
    "choice_without_default": (
        machine({"Work": {"Type": "Choice", "Choices": [{"Next": "End"}]}}),
        "Work: a Choice without rules or Default",
    ),
    "loop": (machine({"Work": TASK | {"Next": "Work"}}), "Work: never ends"),
    "no_time_limit": (
        machine({"Work": TASK | {"TimeoutSeconds": 0}}),
        "Work: a Task without TimeoutSeconds",
    ),
    "no_jitter": (
        machine({"Work": TASK | {"Retry": [JITTER | {"JitterStrategy": "NONE"}]}}),
        "Work: a Retry without full jitter",
    ),
    "unbounded_retry": (
        machine({"Work": TASK | {"Retry": [JITTER | {"MaxAttempts": 1000}]}}),
        "Work: a Retry without a bound",
    ),
    "retried_callback": (
        machine(
            {
                "Work": TASK
                | {
                    "Resource": "x.waitForTaskToken",
                    "Retry": [JITTER | {"ErrorEquals": ["States.Timeout"]}],
                }
            }
        ),
        "Work: retries the time limit of a callback",
    ),
    "catch_all_first": (
        machine(
            {
                "Work": TASK
                | {
                    "Catch": [
                        {"ErrorEquals": [each], "Next": "End"} for each in ("States.ALL", "A")
                    ]
                }
            }
        ),
        "Work: States.ALL is not the last Catch",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fault_is_found(case: str) -> None:
    broken, expected = CASES[case]
    assert expected in faults(broken)
