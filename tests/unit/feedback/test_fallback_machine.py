"""The fallback machine's own promises: every way ends, nothing goes round unbounded, no data but
ids.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepwell.feedback.fallback import question
from tests.unit.messages.test_send_message_machine import MACHINE as SEND_MESSAGE

MACHINE: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "statemachines" / "fallback.asl.json").read_text("utf-8")
)
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
NAMES = ("enrollment", "run", "execution", "journey", "version", "step")


def successors(state: dict[str, Any]) -> list[str]:
    following = [each["Next"] for each in (*state.get("Choices", []), *state.get("Catch", []))]
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
        assert successors(state) or state["Type"] in {"Succeed", "Fail"}


def test_the_task_waits_longer_than_send_message_takes() -> None:
    assert STATES["Send by the next channel"]["TimeoutSeconds"] > SEND_MESSAGE["TimeoutSeconds"]


def test_the_next_question_has_the_parts_of_the_first() -> None:
    first = question("c1", {**dict.fromkeys(NAMES, "x"), "answered": 3})
    assert first["asked"] == 4
    parameters = STATES["The next question"]["Parameters"]
    assert {name.removesuffix(".$") for name in parameters} == first.keys()
