"""A function that dies after its claim, and an exit that stops who would ask again: the message is
settled some minutes later, once, and nothing is sent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from stepwell.aws import message_functions
from stepwell.aws.execution_events import DETAIL_TYPE
from stepwell.customers import keys
from stepwell.events.model import EventType, to_message
from stepwell.messages.unanswered import (
    AT_WORK,
    LOOKED_AT_AFTER,
    settle_unanswered,
    settling,
)
from tests.integration.journeys.test_exits_against_sends import (
    Gate,
    left,
    send_through,
    while_it_is_held_up,
)
from tests.support.aftermath import texts_to
from tests.support.aws_faults import AwsFaults, Fault, Invocation, Kind, hooked_clients
from tests.support.crash_project import small_project
from tests.support.stage import PREFIX, TUESDAY, Stage
from tests.support.world import event

OFFER = """\
journey: offer
purpose: marketing
entry: {event: Began, reentry: always}
exit: [{event: Left}]
steps:
  - delay: {name: A while, for: 10m}
  - message: {name: Offer, channels: [sms], template: hello}
  - delay: {name: Later, for: 1h}
"""
PHONE = "+447700900123"
MINUTE = timedelta(minutes=1)
SENDS = 3
"""The number of delivery's call to the provider: it reads, claims, sends and records."""


@dataclass
class Story:
    """One customer, whose message's function dies in the window between claim and record."""

    stage: Stage
    faults: AwsFaults

    def crash(self, number: int = SENDS, kind: Kind = Kind.KILLED_AFTER) -> None:
        watches = [Invocation(Fault(kind, number))]
        self.faults.watch("delivery", lambda _: watches.pop() if watches else None)
        self.tell("Began")
        self.stage.engine.run_until(self.stage.engine.clock.now() + timedelta(minutes=11))
        assert not watches
        assert self.facts()[:2] == (["claimed"], [])

    def tell(self, *names: str, times: int = 1) -> None:
        now = self.stage.engine.clock.now()
        bodies = [to_message(event(name, number=f"{now}", at=now)) for name in names]
        for _ in range(times):
            assert self.stage.route(bodies) == {"batchItemFailures": []}
        self.stage.engine.settle()

    def go_on(self, time: timedelta) -> None:
        self.stage.engine.run_until(self.stage.engine.clock.now() + time)

    def execution(self) -> str:
        return str(self.stage.enrollment("offer")["execution"])

    def commands(self, *bodies: dict[str, Any]) -> None:
        records = [
            {"messageId": str(number), "body": json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
        answer = self.stage.engine.invoke(PREFIX + "commands", {"Records": records})
        assert answer == {"batchItemFailures": []}

    def facts(self) -> tuple[list[str], list[str], list[str], int]:
        """Statuses of messages, outcomes of decisions, states of cap units, and texts sent."""
        stage = self.stage
        messages = [each["status"] for each in stage.records(keys.MESSAGE_PREFIX)]
        caps = stage.store.get(keys.caps(stage.customer())) or {}
        states = [each["state"] for each in caps.get("units", ())]
        return messages, [each[3] for each in stage.decisions()], states, len(texts_to(PHONE))


UNKNOWN = ["unknown"], ["unknown: interrupted"], ["confirmed"]


@pytest.fixture
def story() -> Iterator[Story]:
    with (
        small_project({"offer": OFFER}) as root,
        Stage(TUESDAY, project=root) as stage,
        AwsFaults(stage) as faults,
    ):
        traits = {"phone": PHONE, "timezone": "UTC"}
        stage.route([to_message(event("", type=EventType.IDENTIFY, traits=traits))])
        yield Story(stage, faults)


@pytest.mark.parametrize(
    ("number", "kind", "texts"),
    [
        (SENDS - 1, Kind.KILLED_AFTER, 0),
        (SENDS, Kind.KILLED_AFTER, 1),
        (SENDS + 1, Kind.KILLED_BEFORE, 1),
    ],
    ids=["claimed", "sent", "not recorded"],
)
def test_an_exit_before_the_next_ask_leaves_one_answer(
    story: Story, number: int, kind: Kind, texts: int
) -> None:
    story.crash(number, kind)
    story.go_on(MINUTE)
    story.tell("Left", times=2)  # the queue of events delivers twice
    assert story.stage.engine.status(story.stage.execution("offer")) == "ABORTED"
    story.go_on(LOOKED_AT_AFTER)
    assert story.facts()[0] == ["claimed"]
    story.go_on(MINUTE)
    assert story.facts() == (*UNKNOWN, texts)
    (decision,) = story.stage.records(keys.DECISION_PREFIX)
    assert [each["rule"] for each in decision["rules"]] == ["claim", "active"]
    story.commands(*[settling(story.stage.customer(), story.execution())] * 2)
    story.stage.engine.run_until_idle()
    assert story.facts() == (*UNKNOWN, texts)


def test_who_would_ask_again_and_is_not_stopped_asks(story: Story) -> None:
    story.crash()
    story.commands(settling(story.stage.customer(), story.execution()))
    assert story.facts()[0] == ["claimed"]
    story.go_on(2 * LOOKED_AT_AFTER)
    assert story.facts() == (*UNKNOWN, 1)


def test_a_claim_that_may_be_alive_is_left_alone_and_looked_at_again(story: Story) -> None:
    story.crash()
    story.tell("Left")
    customer, execution = story.stage.customer(), story.execution()
    (message,) = story.stage.records(keys.MESSAGE_PREFIX)
    early = settling(customer, execution)
    other = {"command": "stop", "journey": "offer", "execution": "gone", "error": "", "cause": ""}
    story.commands(early, other)  # what comes early holds up nobody else
    assert story.stage.records(keys.MESSAGE_PREFIX) == [message]
    claimed_for = story.stage.engine.clock.now() - TUESDAY - timedelta(minutes=10)
    assert claimed_for < AT_WORK
    story.stage.engine.run_until_idle()
    assert story.facts() == (*UNKNOWN, 1)


def test_an_execution_stopped_by_hand_leaves_one_answer(story: Story) -> None:
    story.crash()
    stage, arn = story.stage, story.stage.execution("offer")
    client = stage.engine.client("stepfunctions")
    client.stop_execution(executionArn=arn)
    found = client.describe_execution(executionArn=arn)
    told = {
        "detail-type": DETAIL_TYPE,
        "source": "aws.states",
        "detail": {
            "stateMachineArn": found["stateMachineArn"],
            "status": "ABORTED",
            "input": found["input"],
        },
    }
    story.commands(told, told)
    assert stage.enrollment("offer")["outcome"] == "failed"
    stage.engine.run_until_idle()
    assert story.facts() == (*UNKNOWN, 1)


def test_a_new_run_in_its_place_is_another_message(story: Story) -> None:
    story.crash()
    story.tell("Began")
    story.stage.engine.run_until_idle()
    statuses, decided, states, texts = story.facts()
    assert sorted(statuses) == ["suppressed", "unknown"]
    # The unit that may have been sent counts, and it is the only one.
    assert decided == ["unknown: interrupted", "suppressed: capped"]
    assert (states, texts) == (["confirmed"], 1)


def test_an_exit_of_who_has_claimed_nothing_asks_for_nothing(story: Story) -> None:
    story.tell("Began")
    story.tell("Left")
    waiting = story.stage.engine.clock.now()
    story.stage.engine.run_until_idle()
    assert story.stage.engine.clock.now() - waiting < LOOKED_AT_AFTER


def look(stage: Stage) -> tuple[str, ...]:
    """As the commands function, but much later: nobody should be at work on the message by then."""
    customer, execution = stage.customer(), stage.enrollment("offer")["execution"]
    later = stage.engine.clock.now() + 2 * LOOKED_AT_AFTER
    policies = message_functions.policies()
    return settle_unanswered(stage.store, policies, customer, execution, later).settled


def test_a_look_in_the_middle_of_a_send_is_the_answer(story: Story) -> None:
    def meanwhile() -> None:
        left(story.stage)()
        assert len(look(story.stage)) == 1

    while_it_is_held_up(story.stage, "sns.Publish", meanwhile)
    assert story.facts() == (*UNKNOWN, 1)


def test_a_look_after_the_send_changes_nothing(story: Story) -> None:
    while_it_is_held_up(story.stage, "sns.Publish", left(story.stage))
    assert look(story.stage) == ()
    assert story.facts() == (["sent"], ["sent"], ["confirmed"], 1)


def test_a_send_and_a_look_at_once_give_one_answer(story: Story) -> None:
    stage, gates = story.stage, [Gate() for _ in range(5)]
    with hooked_clients({"before-call.sns.Publish": lambda **_: gates[0]()}):
        for turn in range(len(gates)):
            looks = threading.Thread(target=look, args=(stage,))

            def meanwhile(turn: int = turn, looks: threading.Thread = looks) -> None:
                left(stage, turn)()
                looks.start()  # and the send goes on

            send_through(gates[0], stage, meanwhile, turn)
            looks.join()
            gates.append(gates.pop(0))
            story.go_on(timedelta(days=2))  # past the cap
            statuses, decided, states, texts = story.facts()
            assert len(statuses) == len(decided) == texts == turn + 1
            assert sorted(statuses) == sorted(each.partition(":")[0] for each in decided)
            assert set(states) == {"confirmed"}
