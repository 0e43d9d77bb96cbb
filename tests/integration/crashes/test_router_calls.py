"""Every AWS call of the router fails, in every way; redelivered, all is as if nothing had been.

Each case is a person of their own, in whose story events are applied under a fault. Afterwards
everything that the stage shows of them must be what it shows of those whose story went well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.support.aftermath import Facts
from tests.support.aws_faults import Fault, Invocation, Kind, every_fault
from tests.support.crash_stories import Case, CrashStage, Make, crash_stage, of_device, of_user

STARTS = "stepfunctions.StartExecution"
WAKES = "stepfunctions.SendTaskSuccess"
STOPS = "stepfunctions.StopExecution"
MANY, ONE, WRITE = "dynamodb.BatchGetItem", "dynamodb.Query", "dynamodb.TransactWriteItems"
ARCHIVES, READS = "s3.PutObject", "s3.GetObject"
COLD = (*([READS] * 6), "secretsmanager.GetSecretValue")
"""The catalog, three programs, their machines' versions, the policies, the secret."""
KNOWN, NEW = (ARCHIVES, MANY, ONE, WRITE), (ARCHIVES, MANY, WRITE)
"""What applies an event of a customer who is known, and of a new one."""

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
KILLED = tuple(Kind) if NIGHTLY else (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)
"""For a story whose calls fail in the other ways in another story, unless there is time."""


@dataclass(frozen=True)
class Story:
    """Events, each with the calls that applying it makes; without calls it goes well always.

    In a case every event suffers the same fault: one and the same call fails of each.
    """

    events: tuple[tuple[Make, tuple[str, ...]], ...]
    ends: tuple[tuple[str, str, str | None], ...]
    """What the records of finished runs say."""
    kinds: tuple[Kind, ...] = tuple(Kind)
    cold: bool = False

    def case(self, who: str, fault: Fault | None = None) -> Case:
        watches = {
            number: Invocation(fault, self.cold)
            for number, (_, calls) in enumerate(self.events)
            if calls
        }
        return Case(who, [make for make, _ in self.events], watches)

    def faults(self) -> Iterator[Fault]:
        return every_fault(max(len(calls) for _, calls in self.events), self.kinds)


def again(name: str, number: str) -> Make:
    return of_user(name, number=number)


STORIES: Mapping[str, Story] = {
    "starts two journeys": Story(
        ((of_user("Opened"), (ARCHIVES, *COLD, MANY, WRITE, STARTS, STARTS)),),
        ends=(("one", "completed", None), ("other", "completed", None)),
        cold=True,
    ),
    "wakes, stops and enters anew": Story(
        (
            (of_user("Began"), (*NEW, STARTS)),
            (of_user("Touched"), (*KNOWN, WAKES)),
            (of_user("Acted"), (*KNOWN, WAKES)),
            (of_user("Left"), (*KNOWN, STOPS)),  # from the delay
            (again("Began", "2"), (*KNOWN, STARTS)),
            (again("Began", "3"), (*KNOWN, STOPS, STARTS)),
            (again("Left", "2"), (*KNOWN, WAKES)),  # from the hold
        ),
        ends=(
            ("path", "converted", "Left"),
            ("path", "exited", "Left"),
            ("path", "replaced", "Began"),
        ),
    ),
    "makes two customers one": Story(
        (
            (of_device("Began"), ()),
            (of_user("Began"), ()),
            (
                of_user("Seen", device=True),
                # Two people, joined; then one person with two enrollments, of which one ends.
                (ARCHIVES, MANY, ONE, ONE, WRITE, MANY, *([ONE] * 5), WRITE, WAKES),
            ),
            (of_user("Left"), ()),
        ),
        ends=(("path", "exited", "Left"), ("path", "replaced", "merged")),
        kinds=KILLED,
    ),
}


@pytest.fixture(scope="module")
def stage() -> Iterator[CrashStage]:
    with crash_stage("path", "one", "other") as stage:
        stage.play([Case("whom the process begins with", [of_user("Seen")])])
        yield stage


@pytest.fixture(scope="module")
def calm(stage: CrashStage) -> Mapping[str, tuple[Case, Facts]]:
    """Each story when nothing fails."""
    cases = {name: story.case(name) for name, story in STORIES.items()}
    facts = stage.play(list(cases.values()))
    return {name: (case, facts[name]) for name, case in cases.items()}


@pytest.mark.parametrize("name", STORIES)
def test_the_faults_cover_every_call(name: str, calm: Mapping[str, tuple[Case, Facts]]) -> None:
    case, facts = calm[name]
    made = {number: tuple(watch.calls) for number, watch in case.watches.items()}
    told = {number: calls for number, (_, calls) in enumerate(STORIES[name].events) if calls}
    assert made == told
    assert tuple(facts.finished) == STORIES[name].ends


@pytest.mark.parametrize("name", STORIES)
def test_failed_calls_and_redeliveries_change_nothing(
    name: str, stage: CrashStage, calm: Mapping[str, tuple[Case, Facts]]
) -> None:
    story = STORIES[name]
    cases = {fault: story.case(f"{name}: {fault}", fault) for fault in story.faults()}
    told = stage.play(list(cases.values()))
    for fault, case in cases.items():
        for number, watch in case.watches.items():
            assert watch.has_failed == (fault.at <= len(story.events[number][1])), str(fault)
        assert told[case.who] == calm[name][1], str(fault)
