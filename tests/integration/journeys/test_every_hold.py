"""Every hold of the shipped journeys: its event before, at, after and racing the timer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.journeys.program import Hold, load_program
from tests.support.races import queued, together
from tests.support.stage import TUESDAY, Stage, bundle_folder

CART: dict[str, Any] = {"cart_id": "c", "name": "x", "price": 280.0, "cart_value": 280.0}


@dataclass(frozen=True)
class Story:
    """How a customer comes to a hold, when its timer ends, and the event that ends it before."""

    journey: str
    hold: str
    enters: str
    timer: timedelta
    event: str
    properties: dict[str, Any] = field(default_factory=dict)
    entering: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.journey}.{self.hold}"


STORIES = [
    Story(
        journey="cart_abandonment",
        hold="wait_for_45_minutes_of_silence",
        enters="Product Added",
        timer=timedelta(minutes=45),
        event="Order Completed",
        properties={"order_id": "o", "revenue": 1.0},
        entering=CART,
    ),
    Story(
        journey="onboarding",
        hold="wait_for_the_first_action",
        enters="Trial Started",
        timer=timedelta(days=3),
        event="First Action",
    ),
    Story(
        journey="onboarding",
        hold="wait_again_for_the_first_action",
        enters="Trial Started",
        timer=timedelta(days=6),
        event="First Action",
    ),
]


def shipped_holds() -> dict[str, Hold]:
    """By `<journey>.<step>`."""
    folder, _ = bundle_folder()
    holds: dict[str, Hold] = {}
    for path in Path(folder.name).glob("programs/*.json"):
        program = load_program(path.read_text())
        holds |= {f"{program.journey}.{hold.id}": hold for hold in program.holds()}
    return holds


def test_every_hold_has_its_story() -> None:
    assert {str(story) for story in STORIES} == set(shipped_holds())


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        stage.identify(
            email="ada@example.com", phone="+447700900123", push="t", timezone="Europe/London"
        )
        stage.grant("sms", "push", "email")
        stage.grant("push", "email", purpose="service")
        yield stage


def of_journey(stage: Stage, prefix: str, journey: str) -> list[dict[str, Any]]:
    return [each for each in stage.records(prefix) if each["journey"] == journey]


def check_one_outcome(stage: Stage, story: Story) -> str:
    """The hold's slot, the execution's history and the records agree; how the hold ended."""
    enrollment = stage.enrollment(story.journey)
    states = stage.states(story.journey)
    name = shipped_holds()[str(story)].name
    outcome = str(enrollment[slots.outcome(story.hold)])
    (finished,) = of_journey(stage, keys.FINISHED_PREFIX, story.journey)
    assert (finished["outcome"], finished["run"]) == (enrollment["outcome"], enrollment["run"])
    (conversion,) = of_journey(stage, keys.CONVERSION_PREFIX, story.journey)
    assert conversion["name"] == story.event
    later = states[states.index(name) + 1 :]
    messages = [each["step"] for each in of_journey(stage, keys.MESSAGE_PREFIX, story.journey)]
    sent = [
        each["step"]
        for each in of_journey(stage, keys.DECISION_PREFIX, story.journey)
        if each["outcome"] == "sent"
    ]
    assert len(sent) == len(set(sent)) <= len(messages)
    assert outcome in {slots.EXIT, slots.TIMEOUT}
    if outcome == slots.EXIT:
        assert later[-1] == "Left"
        assert enrollment["outcome"] == "converted"
        assert not any(state.endswith("nudge") for state in later)
    else:
        assert later.count(f"{name}: time is up") == 1
    return outcome


@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("story", STORIES, ids=str)
def test_its_event_before_at_and_after_the_timer_redelivered(
    stage: Stage, story: Story, seconds: int
) -> None:
    stage.track(story.enters, **story.entering)
    stage.engine.run_until(TUESDAY + story.timer + timedelta(seconds=seconds))
    body = queued(stage, story.event, **story.properties)
    for _ in range(3):
        assert stage.route([body]) == {"batchItemFailures": []}
    stage.engine.settle()
    assert stage.route([body]) == {"batchItemFailures": []}
    stage.engine.run_until_idle()
    assert stage.route([body]) == {"batchItemFailures": []}
    expected = slots.TIMEOUT if seconds > 0 else slots.EXIT
    assert check_one_outcome(stage, story) == expected


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_its_event_in_threads_against_the_timer(stage: Stage, story: Story) -> None:
    stage.track(story.enters, **story.entering)
    stage.engine.run_until(TUESDAY + story.timer)
    body = queued(stage, story.event, **story.properties)
    together(
        partial(stage.engine.run_until, TUESDAY + story.timer + timedelta(seconds=1)),
        *[partial(stage.route, [body])] * 3,
    )
    stage.engine.run_until_idle()
    check_one_outcome(stage, story)
