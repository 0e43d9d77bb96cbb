"""Every AWS call of the plan and the commands functions fails, in every way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws_faults import Fault, Invocation, Kind, every_fault
from tests.support.crash_stories import Case, CrashStage, crash_stage, of_user

READS = "s3.GetObject"
PLANS = (READS, "dynamodb.Query", READS)
"""The program, the customer, the policies."""
COMMANDS = {
    0: ("dynamodb.GetItem", "stepfunctions.StartExecution"),
    1: ("stepfunctions.SendTaskSuccess",),
    3: ("stepfunctions.StopExecution",),
}
"""What the function calls for the events of `STORY` whose command the router could not give."""
STORY = [of_user(name) for name in ("Began", "Touched", "Acted", "Left")]
ROUTER_CALLS = {0: 4, 1: 5, 3: 5}
"""The number of the router's call to Step Functions for each of these events."""


@pytest.fixture(scope="module")
def stage() -> Iterator[CrashStage]:
    with crash_stage("path", "morning") as stage:
        stage.play([Case("whom the process begins with", [of_user("Seen")])])
        yield stage


def planned(who: str, fault: Fault | None = None) -> tuple[Case, Invocation]:
    watch = Invocation(fault, cold=True)
    return Case(who, [of_user("Seen"), of_user("Slept")], functions={"plan": watch}), watch


def test_a_plan_that_fails_is_made_again(stage: CrashStage) -> None:
    case, watch = planned("who plans in peace")
    calm = stage.play([case])[case.who]
    assert tuple(watch.calls) == PLANS
    cases = {fault: planned(f"plan: {fault}", fault) for fault in every_fault(len(PLANS))}
    for fault, (case, watch) in cases.items():
        told = stage.play([case])  # alone: in this process others would read the policies for it
        assert watch.has_failed, str(fault)
        assert told[case.who] == calm, str(fault)


def commanded(who: str, fault: Fault | None = None) -> Case:
    """Step Functions throttles what the router asks, and the commands function suffers a fault."""
    watches = {number: Invocation(Fault(Kind.THROTTLED, at)) for number, at in ROUTER_CALLS.items()}
    return Case(who, STORY, watches, commands={each: Invocation(fault) for each in COMMANDS})


def test_a_command_that_fails_is_carried_out_again(stage: CrashStage) -> None:
    unthrottled = Case("who is not throttled", STORY)
    case = commanded("who is commanded in peace")
    told = stage.play([unthrottled, case])
    calm = told[unthrottled.who]
    assert {number: tuple(each.calls) for number, each in case.commands.items()} == COMMANDS
    assert told[case.who] == calm
    cases = {fault: commanded(f"commands: {fault}", fault) for fault in every_fault(2)}
    told = stage.play(list(cases.values()))
    for fault, each in cases.items():
        for number, watch in each.commands.items():
            assert watch.has_failed == (fault.at <= len(COMMANDS[number])), str(fault)
        assert told[each.who] == calm, str(fault)
