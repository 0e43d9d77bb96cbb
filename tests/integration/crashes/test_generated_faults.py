"""Made-up lives on moto, any call of any function failing: the real handlers, call by call."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from stepwell.events.model import Event, EventType
from tests.support.aftermath import Facts, texts_to
from tests.support.aws_faults import Fault, Invocation, Kind
from tests.support.crash_stories import Case, CrashStage, Make, crash_stage, of_device, of_user
from tests.support.world import event

NAMES = ("Began", "Touched", "Acted", "Left", "Published", "Paid", "Seen")

faults = st.builds(Fault, st.sampled_from(Kind), st.integers(1, 9))


@dataclass(frozen=True)
class Life:
    """Events by name; the faults under which some of them are routed, by their numbers; and the
    faults of functions that the last one, a message's, brings about.
    """

    names: tuple[str, ...]
    routed: dict[int, Fault]
    functions: dict[str, Fault]
    joins: bool


@st.composite
def lives(draw: st.DrawFn) -> Life:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
    names.append(draw(st.sampled_from(("Published", "Paid"))))
    routed = draw(st.dictionaries(st.integers(0, len(names)), faults, max_size=3))
    functions = st.sampled_from(("consent", "frequency_cap", "delivery"))
    failing = draw(st.dictionaries(functions, faults, max_size=2))
    return Life(tuple(names), routed, failing, draw(st.booleans()))


@dataclass
class Lives:
    """A stage on which one life follows the other, each of somebody new."""

    stage: CrashStage
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def live(self, life: Life) -> tuple[Facts, int, int]:
        """What there is in the end, how many events were sent, and how many texts went out."""
        number = next(self.numbers)
        phone = f"+4477018{number:05}"

        def identify(who: str) -> Event:
            traits = {"phone": phone, "timezone": "UTC"}
            return event("", type=EventType.IDENTIFY, user_id=who, traits=traits)

        events: list[Make] = [identify]
        events += [of_user(name, number=f"{at}") for at, name in enumerate(life.names)]
        if life.joins:
            events[1:1] = [of_device("Began"), of_user("Seen", number="join", device=True)]
        routed = {at: Invocation(fault) for at, fault in life.routed.items()}
        functions = {} if life.joins else life.functions
        watches = {name: Invocation(fault) for name, fault in functions.items()}
        case = Case(f"life {number}", events, routed, watches)
        facts = self.stage.play([case])[case.who]
        return facts, len(events), len(texts_to(phone))


@pytest.fixture(scope="module")
def world() -> Iterator[Lives]:
    with crash_stage("path", "news", "receipt") as stage:
        yield Lives(stage)


@settings(
    max_examples=settings().max_examples // 33,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(life=lives())
def test_whatever_fails_comes_right(world: Lives, life: Life) -> None:
    note(repr(life))
    facts, events, taken = world.live(life)
    assert facts.applied == events
    assert {status for _, status, _, _ in facts.enrollments} <= {"ended"}
    assert {status for _, status, _ in facts.executions} <= {"SUCCEEDED", "ABORTED"}
    # Each run has one record, and one execution unless it was over before that could start.
    runs, records = (
        Counter(each[0] for each in facts.executions),
        Counter(f"stepwell-local-{each[0]}" for each in facts.finished),
    )
    assert runs <= records
    check_messages(life, facts, taken)


def check_messages(life: Life, facts: Facts, taken: int) -> None:
    """As many went out as the records say, give or take the one in the window of a fault."""
    sent = sum(status == "sent" for _, status, _ in facts.messages)
    unknown = sum(status == "unknown" for _, status, _ in facts.messages)
    assert {status for _, status, _ in facts.messages} <= {"sent", "unknown", "suppressed"}
    again = "delivery" in life.functions and life.names[-1] == "Paid"
    assert sent <= taken <= sent + unknown + again
    assert unknown <= ("delivery" in life.functions)
    # One marketing message a day, whoever was two people before.
    assert [state for _, state in facts.units] in ([], ["confirmed"])
