"""A message's function dies after its claim, an exit stops who would ask again; and then every AWS
call of the exit, and of the commands function that settles the message, fails in every way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from stepwell.events.model import Event, EventType
from tests.support.aftermath import Facts, texts_to
from tests.support.aws_faults import Fault, Invocation, Kind, every_fault
from tests.support.crash_stories import Case, CrashStage, crash_stage, of_user
from tests.support.world import event

EXIT = (
    *("s3.PutObject", "dynamodb.BatchGetItem", "dynamodb.Query", "dynamodb.TransactWriteItems"),
    *("stepfunctions.StopExecution", "sqs.SendMessage"),
)
"""It archives, reads, writes, stops, and has the messages looked at."""
LOOK = (
    *("s3.GetObject", "dynamodb.Query", "dynamodb.GetItem", "dynamodb.GetItem", "dynamodb.Query"),
    "dynamodb.TransactWriteItems",
)
"""The policies; the messages, the enrollment, the caps, the decisions; and it records."""
OFFERED, LEFT = 1, 2
DIES = Fault(Kind.KILLED_AFTER, 3)
"""Delivery, when the provider has taken the message: it reads, claims, sends."""


@dataclass
class People:
    """Cases of people with phones of their own."""

    stage: CrashStage
    phones: dict[str, str] = field(default_factory=dict)

    def case(self, who: str, exit_: Invocation, look: Invocation) -> Case:
        self.phones[who] = f"+4477009{len(self.phones):05}"
        events = [self._identify, of_user("Offered"), of_user("Left")]
        dies = {"delivery": Invocation(DIES)}
        return Case(who, events, {LEFT: exit_}, functions=dies, functions_at=OFFERED, look=look)

    def _identify(self, who: str) -> Event:
        traits = {"phone": self.phones[who], "timezone": "Europe/London"}
        return event("", type=EventType.IDENTIFY, user_id=who, traits=traits)


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    with crash_stage("offer") as stage:
        people = People(stage)
        stage.play([people.case("whom the process begins with", Invocation(), Invocation())])
        yield people


def check(facts: Facts, texts: int, fault: Fault | None = None) -> None:
    assert facts.messages == [("offer", "unknown", True)], str(fault)
    assert facts.decisions == [("offer", "sms", "unknown", "interrupted")], str(fault)
    assert [state for _, state in facts.units] == ["confirmed"], str(fault)
    assert facts.finished == [("offer", "exited", "Left")], str(fault)
    assert [status for _, status, _ in facts.executions] == ["ABORTED"], str(fault)
    assert texts == 1, str(fault)


def test_the_faults_cover_every_call(people: People) -> None:
    exit_, look = Invocation(), Invocation(cold=True)
    case = people.case("who is left in peace", exit_, look)
    facts = people.stage.play([case])[case.who]
    assert (tuple(exit_.calls), tuple(look.calls)) == (EXIT, LOOK)
    check(facts, len(texts_to(people.phones[case.who])))


@pytest.mark.parametrize("at", ["the exit", "the look"])
def test_whatever_fails_the_message_gets_its_one_answer(people: People, at: str) -> None:
    calls = EXIT if at == "the exit" else LOOK
    watches = {fault: Invocation(fault, cold=at == "the look") for fault in every_fault(len(calls))}
    cases = {
        fault: people.case(
            f"{at}: {fault}",
            watch if at == "the exit" else Invocation(),
            watch if at == "the look" else Invocation(),
        )
        for fault, watch in watches.items()
    }
    told = people.stage.play(list(cases.values()))
    for fault, case in cases.items():
        assert watches[fault].has_failed, str(fault)
        check(told[case.who], len(texts_to(people.phones[case.who])), fault)
