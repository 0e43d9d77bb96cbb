"""State machines run here as on AWS, also where moto does otherwise."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from stepwell.simulation.machines.errors import StateError
from stepwell.simulation.trace import Status
from stepwell.storage.operations import Put
from tests.support.desk import (
    CAUGHT,
    DONE,
    ENROLLMENT,
    START,
    STATE,
    WAIT,
    Desk,
    after,
    arm,
    call_child,
    catching,
    desk,
    invoke,
    retrying,
)

# ---------------------------------------------------------------- waiting


def test_a_wait_ends_when_its_seconds_have_passed() -> None:
    here = desk(Pause=WAIT, Done=DONE)
    run = here.start()
    assert run.status is Status.RUNNING
    here.run()
    assert run.states == [(START, "Pause"), (after(90), "Done")]
    assert (run.status, run.ended) == (Status.SUCCEEDED, after(90))
    assert here.trace.calls["transition"] == 2


@pytest.mark.parametrize("moment", ["2026-11-24T21:14:00.000Z", "2020-01-01T00:00:00.000Z"])
def test_a_moment_that_is_not_to_come_is_not_waited_for(moment: str) -> None:
    here = desk(Pause={"Type": "Wait", "TimestampPath": "$.at", "Next": "Done"}, Done=DONE)
    assert here.start(at=moment).status is Status.SUCCEEDED


def test_a_moment_between_two_seconds_is_waited_for_to_the_first() -> None:
    """Step Functions drops the milliseconds of a Wait's timestamp."""
    here = desk(Pause={"Type": "Wait", "TimestampPath": "$.at", "Next": "Done"}, Done=DONE)
    run = here.start(at="2026-11-24T21:15:00.999Z")
    here.run()
    assert run.ended == after(60)


def test_stopping_ends_a_wait_at_once_and_keeps_why() -> None:
    here = desk(Pause=WAIT, Done=DONE)
    run = here.start()
    here.interpreter.stop("j", "x", error="Exited", cause="Order Completed")
    here.run()
    assert (run.status, run.ended, run.error, run.cause) == (
        Status.ABORTED,
        START,
        "Exited",
        "Order Completed",
    )
    assert [name for _, name in run.states] == ["Pause"]


def test_a_name_that_was_used_starts_nothing() -> None:
    here = desk(Pause=WAIT, Done=DONE)
    here.start()
    here.interpreter.start("j", "x", STATE)
    here.run()
    assert Counter(name for _, name in here.trace.runs["x"].states) == {"Pause": 1, "Done": 1}


# ---------------------------------------------------------------- callbacks


def token(here: Desk) -> str:
    item = here.store.get(ENROLLMENT)
    assert item is not None
    return str(item["token"])


def test_a_token_ends_the_wait_for_it() -> None:
    here = desk(Hold=arm(Next="Done"), Done=DONE)
    run = here.start()
    here.run(after(30))
    here.interpreter.wake(token(here), {"outcome": "acted"})
    here.settle()
    assert run.status is Status.SUCCEEDED


def test_a_hold_that_nobody_wakes_times_out() -> None:
    here = desk(Hold=arm(60, Next="Done", **catching("States.Timeout")), Done=DONE, Caught=CAUGHT)
    run = here.start()
    here.run()
    assert run.states[-1] == (after(60), "Caught")
    assert run.error == "Caught"


def test_a_time_limit_that_nothing_catches_is_how_the_execution_ends() -> None:
    here = desk(Hold=arm())
    run = here.start()
    here.run()
    assert (run.status, run.error) == (Status.TIMED_OUT, "States.Timeout")


def test_a_token_that_comes_late_or_twice_changes_nothing() -> None:
    here = desk(Hold=arm(60, Next="Pause"), Pause=WAIT, Done=DONE)
    run = here.start()
    first = token(here)
    here.interpreter.wake(first, {})
    here.settle()
    here.interpreter.wake(first, {})
    here.interpreter.wake("no such token", {})
    here.run()
    assert [name for _, name in run.states] == ["Hold", "Pause", "Done"]
    assert run.ended == after(90)


def test_stopping_ends_a_hold_at_once() -> None:
    """moto leaves an execution in a callback running; AWS ends it."""
    here = desk(Hold=arm())
    run = here.start()
    here.interpreter.stop("j", "x", error="Exited", cause="Left")
    here.interpreter.wake(token(here), {})
    here.run()
    assert (run.status, run.ended, run.error) == (Status.ABORTED, START, "Exited")


def test_a_wake_counts_as_of_its_call() -> None:
    here = desk(Hold=arm(60, Next="Done"), Done=DONE)
    run = here.start()
    here.now = after(60)
    here.interpreter.wake(token(here), {})
    here.settle()
    here.run()
    assert run.status is Status.SUCCEEDED


def test_a_condition_that_fails_is_an_error_with_its_name() -> None:
    failed = "DynamoDb.ConditionalCheckFailedException"
    here = desk(Hold=arm(**catching(failed)), Caught=CAUGHT)
    here.store.write(Put(ENROLLMENT, {"outcome": "acted"}))
    assert here.start().error == "Caught"
    assert "token" not in (here.store.get(ENROLLMENT) or {})


# ---------------------------------------------------------------- retries and catches


def test_retries_wait_longer_each_time_and_never_beyond_their_bound() -> None:
    here = desk(Plan=invoke(**retrying(attempts=3)))
    here.answers = [StateError("Lambda.ServiceException")] * 3
    run = here.start()
    here.run()
    assert (run.status, run.ended) == (Status.SUCCEEDED, after(2 + 3 + 3))
    assert len(here.payloads) == 4
    assert here.trace.calls["transition"] == 4


def test_jitter_takes_a_part_of_each_bound() -> None:
    here = desk(Plan=invoke(**retrying(attempts=2)))
    here.answers, here.part = [StateError("Any")] * 2, 0.25
    run = here.start()
    here.run()
    assert run.ended == after(0.5 + 0.75)


def test_when_retries_are_used_up_the_catch_gets_the_error() -> None:
    here = desk(Plan=invoke(**retrying(attempts=1), **catching("States.ALL")), Caught=CAUGHT)
    here.answers = [StateError("Boom", "the cause")] * 2
    run = here.start()
    here.run()
    assert (run.error, len(here.payloads)) == ("Caught", 2)


def test_retries_begin_anew_when_the_state_is_entered_again() -> None:
    again = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.done.Payload.again", "IsPresent": True, "Next": "Plan"}],
        "Default": "Done",
    }
    here = desk(Plan=invoke(**retrying(attempts=1), Next="Again"), Again=again, Done=DONE)
    boom = StateError("Boom")
    here.answers = [boom, {"again": True}, boom, {}]
    run = here.start()
    here.run()
    assert (run.status, len(here.payloads)) == (Status.SUCCEEDED, 4)


def test_a_path_that_leads_nowhere_is_caught_by_nothing() -> None:
    """moto goes on; on AWS `States.ALL` does not cover `States.Runtime`."""
    parameters = {"FunctionName": "${PlanFunctionArn}", "Payload": {"run.$": "$.ids.walk"}}
    here = desk(
        Plan=invoke(Parameters=parameters, **retrying(), **catching("States.ALL")), Caught=CAUGHT
    )
    run = here.start()
    assert (run.status, run.error) == (Status.FAILED, "States.Runtime")
    assert "$.ids.walk" in (run.cause or "")


def test_a_choice_on_a_path_that_leads_nowhere_fails() -> None:
    rules = [{"Variable": "$.nothing", "StringEquals": "x", "Next": "Done"}]
    here = desk(Which={"Type": "Choice", "Choices": rules, "Default": "Done"}, Done=DONE)
    assert here.start().error == "States.Runtime"


def test_a_selector_sees_the_result_and_the_path_takes_it() -> None:
    here = desk(
        Plan=invoke(
            ResultSelector={"until.$": "$.Payload.until"}, ResultPath="$.plan", Next="Until"
        ),
        Until={"Type": "Wait", "TimestampPath": "$.plan.until", "Next": "Done"},
        Done=DONE,
    )
    here.answers = [{"until": "2026-11-24T21:20:00.000Z"}]
    run = here.start()
    here.run()
    assert run.states[-1] == (after(360), "Done")


# ---------------------------------------------------------------- children


def child(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "TimeoutSeconds": 240, "States": states}


def sent(status: str) -> dict[str, Any]:
    """A Choice that leads to Done when the child's answer has this status."""
    rules = [{"Variable": "$.done.Status", "StringEquals": status, "Next": "Done"}]
    return {"Type": "Choice", "Choices": rules, "Default": "Caught"}


def test_a_child_that_fails_answers_without_output() -> None:
    """moto passes an absent Output on; AWS fails on the path."""
    read = {"Type": "Pass", "Parameters": {"text.$": "$.done.Output"}, "ResultPath": "$.out"}
    boom = {"Type": "Fail", "Error": "Boom", "Cause": "c"}
    here = desk(child(Boom=boom), Send=call_child(Next="Read"), Read=read | {"End": True})
    run = here.start()
    assert (run.status, run.error) == (Status.FAILED, "States.Runtime")


def test_a_child_that_retries_keeps_its_parent_waiting() -> None:
    payload = {"FunctionName": "${DeliveryFunctionArn}", "Payload.$": "$"}
    inner = child(Deliver=invoke(Parameters=payload, **retrying(attempts=1), ResultPath="$"))
    here = desk(
        inner, Send=call_child(Next="Sent"), Sent=sent("SUCCEEDED"), Done=DONE, Caught=CAUGHT
    )
    here.answers = [StateError("Lambda.TooManyRequestsException")]
    run = here.start()
    assert run.status is Status.RUNNING
    here.run()
    assert (run.status, run.states[1][0]) == (Status.SUCCEEDED, after(2))


def test_a_child_beyond_its_time_ends_and_tells_its_parent() -> None:
    inner = child(Pause=WAIT | {"Seconds": 241}, Done=DONE)
    here = desk(
        inner, Send=call_child(Next="Sent"), Sent=sent("TIMED_OUT"), Done=DONE, Caught=CAUGHT
    )
    run = here.start()
    here.run()
    assert run.states[-1] == (after(240), "Done")


def test_a_parent_that_was_stopped_hears_no_more_of_its_child() -> None:
    inner = child(Pause=WAIT, Done=DONE)
    here = desk(
        inner, Send=call_child(Next="Sent"), Sent=sent("SUCCEEDED"), Done=DONE, Caught=CAUGHT
    )
    run = here.start()
    here.interpreter.stop("j", "x", error="Exited", cause="c")
    here.run()
    assert [name for _, name in run.states] == ["Send"]
