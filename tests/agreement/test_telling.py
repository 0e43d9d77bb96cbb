"""The comparison sees what differs: otherwise agreement would prove nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agreement.cases import Case, read_case
from tests.agreement.on_simulation import play_on_simulator
from tests.agreement.telling import Story, differences

KEPT = Path(__file__).parent / "kept"


def case() -> Case:
    return read_case((KEPT / "a_cap_that_frees_between_two_seconds.yaml").read_text())


@pytest.fixture(scope="module")
def story() -> Story:
    return play_on_simulator(case())


def test_a_case_is_read_as_it_was_written() -> None:
    assert read_case(case().as_yaml()) == case()


def test_what_is_the_same_has_no_differences(story: Story) -> None:
    assert differences(story, play_on_simulator(case())) == ""


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"sends": ()}, "-send 2028-02-28T08:00:00.250Z"),
        ({"executions": ()}, "-execution c000000000000000000000001"),
        ({"items": {}}, "-item records CUSTOMER#c000000000000000000000001 DECISION#"),
        ({"problems": [(case().start, "no such thing")]}, "+problem 2028-02-28T08:00:00.250Z"),
        ({"calls": {}}, "-calls of consent: 3"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_what_is_missing_is_shown(story: Story, change: dict[str, Any], shown: str) -> None:
    assert shown in differences(story, replace(story, **change))


def test_another_policy_is_another_story(story: Story) -> None:
    caps = [{"name": "cap", "purposes": ["marketing"], "at_most": 2, "per": "45m"}]
    other = play_on_simulator(replace(case(), policies=case().policies | {"caps": caps}))
    assert "Message: until it may go" in differences(story, other)


def test_states_that_were_entered_a_millisecond_later_differ(story: Story) -> None:
    told = story.executions[0]
    (at, name), *others = told.states
    later = replace(told, states=[(at.replace(microsecond=251_000), name), *others])
    shown = differences(story, replace(story, executions=[later, *story.executions[1:]]))
    assert "+  2028-02-28T08:00:00.251Z Message" in shown
