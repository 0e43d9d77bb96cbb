"""A hand-over, compiled: its states, its program, its picture, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.journeys.compiler.compilation import Compiled, compile_journey
from stepwell.journeys.compiler.graph import mermaid
from stepwell.journeys.compiler.structure import faults
from stepwell.journeys.compiler.transitions import transitions
from stepwell.journeys.program import HandOver, canonical, load_program
from tests.support.handovers import JOURNEY, write_care
from tests.support.journey_projects import found_in, only_subject

ASK = "Ask a human"
GIVE_UP = "Ask a human: not handed over"


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    return compile_journey(only_subject(write_care(tmp_path)))


def test_it_is_one_task_with_bounded_retries_that_leads_somewhere_whatever_happens(
    compiled: Compiled,
) -> None:
    retry = {"BackoffRate": 2, "JitterStrategy": "FULL"}
    answers = ["DestinationRefusedError", "EnrollmentEndedError"]
    assert compiled.machine["States"][ASK] == {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "${HandOverFunctionArn}",
            "Payload": {
                "ids.$": "$.ids",
                "version": compiled.version,
                "step": "ask_a_human",
                "asked_at.$": "$$.State.EnteredTime",
            },
        },
        "TimeoutSeconds": 60,
        "ResultPath": None,
        "Retry": [
            {"ErrorEquals": answers, "IntervalSeconds": 1, "MaxAttempts": 0, "MaxDelaySeconds": 1}
            | retry,
            {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 4}
            | {"MaxDelaySeconds": 60, **retry},
        ],
        "Catch": [
            {"ErrorEquals": ["EnrollmentEndedError"], "ResultPath": None, "Next": "Left"},
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": GIVE_UP},
        ],
        "Next": "Wait for an answer",
    }
    assert faults(compiled.machine) == []


def test_giving_up_leads_to_the_fallback_even_when_nothing_can_be_recorded(
    compiled: Compiled,
) -> None:
    state = compiled.machine["States"][GIVE_UP]
    assert state["Parameters"]["Payload"]["failure.$"] == "$.failure"
    assert state["Next"] == "Sorry"
    assert [(each["ErrorEquals"], each["Next"]) for each in state["Catch"]] == [
        (["EnrollmentEndedError"], "Left"),
        (["AlreadyHandedOverError"], "Wait for an answer"),
        (["States.ALL"], "Sorry"),
    ]


def test_it_costs_one_transition_and_two_where_nobody_takes_it(compiled: Compiled) -> None:
    assert transitions(compiled.machine, None, "Wait for an answer") == 1
    assert transitions(compiled.machine, None, GIVE_UP, "Sorry") == 2


def test_the_program_names_destination_reason_and_the_holds_that_follow(compiled: Compiled) -> None:
    step = load_program(canonical(compiled.program)).steps["ask_a_human"]
    assert step == HandOver(
        id="ask_a_human",
        name=ASK,
        to="helpdesk",
        reason="Somebody is stuck",
        opens="wait_for_an_answer",
        otherwise_opens=None,
    )


def test_continue_and_exit_are_ways_on_too(tmp_path: Path) -> None:
    sorry = "\n        - message: {name: Sorry, channels: [sms], template: hello}"
    found: dict[str, Any] = {}
    for word in ("continue", "exit"):
        root = write_care(tmp_path / word, journey=JOURNEY.replace(sorry, f" {word}"))
        machine = compile_journey(only_subject(root)).machine
        found[word] = machine["States"][GIVE_UP]["Next"]
    assert found == {"continue": "Wait for an answer", "exit": "Journey completed"}


def test_the_picture_says_where_it_goes(tmp_path: Path) -> None:
    text = mermaid(only_subject(write_care(tmp_path)).journey)
    assert 'step_ask_a_human[["Ask a human<br>hand over to helpdesk"]]' in text
    assert 'step_ask_a_human -->|"nobody took it"| step_sorry' in text


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("to: helpdesk", "to: helpdisk"), "SW1036", "there is no destination 'helpdisk'"),
        (("is stuck", "{{ customer.id }}"), "SW1037", "it is no template"),
        (("is stuck", "is stuck" * 100), "SW1037", "characters"),
        (("      reason: Somebody is stuck\n", ""), "SW102", "`reason` is missing"),
        (("to: helpdesk", "to: helpdesk\n      priority: 1"), "SW104", "not supported yet"),
        (("reason: Somebody", "reazon: Somebody"), "SW101", "unknown key `reazon`"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, change: tuple[str, str], code: str, said: str
) -> None:
    root = write_care(tmp_path, journey=JOURNEY.replace(*change))
    matching = [each for each in found_in(root) if each.code == code]
    assert any(said in each.message for each in matching), found_in(root)
    assert all(each.place.line > 5 for each in matching)


def test_a_fallback_has_to_be_declared(tmp_path: Path) -> None:
    cut = JOURNEY.index("      otherwise:")
    end = JOURNEY.index("  - hold:")
    problems = found_in(write_care(tmp_path, journey=JOURNEY[:cut] + JOURNEY[end:]))
    assert ("SW102", "`otherwise` is missing") in {(each.code, each.message) for each in problems}


def test_what_stands_behind_two_exits_is_not_reached(tmp_path: Path) -> None:
    journey = JOURNEY.replace("  - hold:", "  - exit\n  - hold:").replace(
        "        - message: {name: Sorry", "        - exit\n        - message: {name: Sorry"
    )
    problems = found_in(write_care(tmp_path, journey=journey))
    assert [each.code for each in problems] == ["SW303", "SW303", "SW303"]
    assert {each.message.split("'")[1] for each in problems} == {
        *("Sorry", "Wait for an answer", "Reminder")
    }
