"""Every AWS call of send_message's functions fails, in every way; the journey asks again.

What comes of it is written down call by call: a message goes out once, but for the one window that
no provider lets close, between the claim and the record. There marketing is rather not sent, and
what is transactional rather twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from stepwell.events.model import Event, EventType
from tests.support.aftermath import Facts, pushes_to, texts_to
from tests.support.aws_faults import Fault, Invocation, Kind, every_fault
from tests.support.crash_stories import Case, CrashStage, Make, crash_stage, of_user
from tests.support.world import event

KILLED_BEFORE, KILLED_AFTER, THROTTLED, ANSWER_LOST = Kind
MANY, WRITE = "dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"
GET, PUT = "dynamodb.GetItem", "dynamodb.PutItem"
SECRET = "secretsmanager.GetSecretValue"
READS = "s3.GetObject"

End = tuple[str, int]
"""The message's status, and how many providers took."""
SENT: End = ("sent", 1)


@dataclass(frozen=True)
class Story:
    """What one function calls for a message, and the ends that differ from SENT, by (number of the
    call, how it fails).
    """

    event: str
    function: str
    calls: tuple[str, ...]
    ends: Mapping[tuple[int, Kind], End] = field(default_factory=dict)
    usually: End = SENT
    before: tuple[str, ...] = ()
    cold: bool = False


MARKETING: Mapping[tuple[int, Kind], End] = {
    (2, KILLED_AFTER): ("unknown", 0),
    (2, ANSWER_LOST): ("unknown", 0),  # of the claim, which nobody can tell from a dead one's
    (3, KILLED_BEFORE): ("unknown", 0),
    (3, KILLED_AFTER): ("unknown", 1),
    (3, ANSWER_LOST): ("unknown", 1),
    (4, KILLED_BEFORE): ("unknown", 1),
    (4, THROTTLED): ("unknown", 1),
}
TRANSACTIONAL: Mapping[tuple[int, Kind], End] = {
    (3, KILLED_AFTER): ("sent", 2),
    (3, ANSWER_LOST): ("sent", 2),
    (4, KILLED_BEFORE): ("sent", 2),
    (4, THROTTLED): ("sent", 2),
}
"""Of delivery's calls: read, claim, send, record."""
PUSHED: Mapping[tuple[int, Kind], End] = {
    **{(number, kind): MARKETING[number, kind] for number, kind in MARKETING if number < 3},
    # Making the endpoint sends nothing; but who is killed there has claimed.
    (3, KILLED_BEFORE): ("unknown", 0),
    (3, KILLED_AFTER): ("unknown", 0),
    **{(number + 1, kind): MARKETING[number, kind] for number, kind in MARKETING if number > 2},
}

STORIES: Mapping[str, Story] = {
    "consent": Story("Published", "consent", (READS, READS, MANY, SECRET, MANY), cold=True),
    "frequency cap": Story("Published", "frequency_cap", (GET, PUT)),
    "frequency cap, full": Story(
        "Published", "frequency_cap", (GET, WRITE), before=("Published",), usually=("suppressed", 0)
    ),
    "delivery, marketing by SMS": Story(
        "Published", "delivery", (MANY, WRITE, "sns.Publish", WRITE), MARKETING
    ),
    "delivery, marketing by push": Story(
        "Alerted",
        "delivery",
        (MANY, WRITE, "sns.CreatePlatformEndpoint", "sns.Publish", WRITE),
        PUSHED,
    ),
    "delivery, transactional": Story(
        "Paid", "delivery", (MANY, WRITE, "sns.Publish", WRITE), TRANSACTIONAL
    ),
}


@dataclass
class People:
    """Cases, each with a phone and a device of their own."""

    phones: dict[str, str] = field(default_factory=dict)

    def case(self, who: str, story: Story, watch: Invocation) -> Case:
        self.phones[who] = f"+4477009{len(self.phones):05}"
        before = [of_user(name, number="before") for name in story.before]
        events: list[Make] = [self.identify, *before, of_user(story.event)]
        return Case(who, events, functions={story.function: watch})

    def identify(self, who: str) -> Event:
        return event(
            "",
            type=EventType.IDENTIFY,
            user_id=who,
            traits={"phone": self.phones[who], "timezone": "Europe/London"},
            context={"device": {"type": "android", "token": f"token of {who}"}},
        )

    def taken(self, who: str, story: Story) -> int:
        """How many of the message under fault providers took."""
        took = len(texts_to(self.phones[who])) + len(pushes_to(f"token of {who}"))
        return took - len(story.before)


@pytest.fixture(scope="module")
def people() -> People:
    return People()


@pytest.fixture(scope="module")
def stage() -> Iterator[CrashStage]:
    with crash_stage("news", "alert", "receipt") as stage:
        yield stage


@pytest.fixture(scope="module")
def calm(stage: CrashStage, people: People) -> Mapping[str, Invocation]:
    """The calls of each function when nothing fails."""
    stage.play([people.case("whom the process begins with", STORIES["consent"], Invocation())])
    watches = {name: Invocation(cold=story.cold) for name, story in STORIES.items()}
    for cold in (True, False):
        names = [name for name in STORIES if STORIES[name].cold is cold]
        cases = [people.case(name, STORIES[name], watches[name]) for name in names]
        play(stage, cases, cold=cold)
    return watches


def play(stage: CrashStage, cases: Sequence[Case], *, cold: bool) -> dict[str, Facts]:
    """One by one where processes begin anew: all are this one, and would warm each other up."""
    if not cold:
        return stage.play(cases)
    return {who: facts for case in cases for who, facts in stage.play([case]).items()}


@pytest.mark.parametrize("name", STORIES)
def test_the_faults_cover_every_call(name: str, calm: Mapping[str, Invocation]) -> None:
    assert tuple(calm[name].calls) == STORIES[name].calls


@pytest.mark.parametrize("name", STORIES)
def test_a_failed_call_sends_once_or_as_the_policy_says(
    name: str, stage: CrashStage, people: People, calm: Mapping[str, Invocation]
) -> None:
    assert calm
    story = STORIES[name]
    watches = {fault: Invocation(fault, story.cold) for fault in every_fault(len(story.calls))}
    cases = {
        fault: people.case(f"{name}: {fault}", story, watch) for fault, watch in watches.items()
    }
    told = play(stage, list(cases.values()), cold=story.cold)
    for fault, case in cases.items():
        assert watches[fault].has_failed, str(fault)
        check(story, fault, told[case.who], people.taken(case.who, story))


def check(story: Story, fault: Fault, facts: Facts, taken: int) -> None:
    """Providers, records, caps and executions tell the same, whatever failed."""
    status, times = story.ends.get((fault.at, fault.kind), story.usually)
    told = [status] if not story.before else ["sent", status]
    assert (sorted(each[1] for each in facts.messages), taken) == (sorted(told), times), str(fault)
    final = [outcome for _, _, outcome, _ in facts.decisions if outcome != "deferred"]
    assert sorted(final) == sorted(told), str(fault)
    capped = story.event != "Paid"
    counted = [each for each in told if each != "suppressed"] if capped else []
    assert [state for _, state in facts.units] == ["confirmed"] * len(counted), str(fault)
    ends = [
        (outcome, status)
        for (_, outcome, _), (_, status, _) in zip(facts.finished, facts.executions, strict=True)
    ]
    assert ends == [("completed", "SUCCEEDED")] * len(told), str(fault)
