"""State machines on patched moto: exact times, tokens, stops."""

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.engine import LocalEngine, machine_arn
from tests.support.machines import KEY, after, invoke, machine


def hold(seconds: int = 2700, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
        "Parameters": {
            "TableName": "stepwell-local-customers",
            "Key.$": "$.key",
            "UpdateExpression": "SET #t = :t, opened = :o",
            "ExpressionAttributeNames": {"#t": "token"},
            "ExpressionAttributeValues": {
                ":t": {"S.$": "$$.Task.Token"},
                ":o": {"S.$": "$$.State.EnteredTime"},
            },
        },
        "TimeoutSeconds": seconds,
        "ResultPath": "$.hold",
        "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Timeout"}],
        **more,
    }


HELD = machine(
    Hold=hold(Next="What"),
    What={
        "Type": "Choice",
        "Choices": [{"Variable": "$.hold.outcome", "StringEquals": "restart", "Next": "Hold"}],
        "Default": "Event",
    },
    Timeout={"Type": "Succeed"},
    Event={"Type": "Succeed"},
)


def token(engine: LocalEngine) -> str:
    item = engine.client("dynamodb").get_item(TableName="stepwell-local-customers", Key=KEY)["Item"]
    return str(item["token"]["S"])


def wake(engine: LocalEngine, task: str, outcome: str = "order") -> None:
    engine.client("stepfunctions").send_task_success(
        taskToken=task, output=json.dumps({"outcome": outcome})
    )


def error_code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize("count", [1, 20, 100])
def test_waits_of_many_executions_end_at_their_very_moment(engine: LocalEngine, count: int) -> None:
    engine.create_machine(
        "waits",
        machine(
            First={"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Then"},
            Then={"Type": "Wait", "TimestampPath": "$.until", "Next": "Note"},
            Note={"Type": "Pass", "Parameters": {"at.$": "$$.State.EnteredTime"}, "End": True},
        ),
    )
    executions = [
        engine.start(
            "waits",
            f"e{i}",
            {"seconds": 60 * i, "until": f"{after(200 + i):%Y-%m-%dT%H:%M:%S}.750Z"},
        )
        for i in range(count)
    ]
    engine.run_until_idle()
    for i, execution in enumerate(executions):
        assert json.loads(engine.describe(execution)["output"]) == {
            "at": f"{after(200 + i):%Y-%m-%dT%H:%M:%S}.000Z"
        }
        exits = [
            e["timestamp"] for e in engine.history(execution) if e["type"] == "WaitStateExited"
        ]
        assert exits == [after(i), after(200 + i)]


@pytest.mark.parametrize("count", [1, 20, 100])
def test_holds_of_many_executions_time_out_at_their_very_moment(
    engine: LocalEngine, count: int
) -> None:
    engine.create_tables()
    engine.create_machine("held", HELD)
    executions = []
    for i in range(count):
        engine.run_until(after(i))
        key = {"pk": {"S": f"CUSTOMER#{i}"}, "sk": {"S": "ENROLLMENT"}}
        executions.append(engine.start("held", f"e{i}", {"key": key}))
    engine.run_until_idle()
    for i, execution in enumerate(executions):
        assert engine.states(execution) == ["Hold", "Timeout"]
        assert engine.describe(execution)["stopDate"] == after(i + 45)


class TestTokens:
    @pytest.fixture(autouse=True)
    def held(self, engine: LocalEngine) -> None:
        engine.create_tables()
        engine.create_machine("held", HELD)
        self.execution = engine.start("held", "e", {"key": KEY})
        engine.settle()

    def test_an_event_before_the_timer_wins(self, engine: LocalEngine) -> None:
        engine.run_until(after(44))
        wake(engine, token(engine))
        engine.run_until_idle()
        assert engine.states(self.execution) == ["Hold", "What", "Event"]
        assert engine.describe(self.execution)["stopDate"] == after(44)

    def test_an_event_at_the_timers_moment_comes_first(self, engine: LocalEngine) -> None:
        engine.run_until(after(45))
        wake(engine, token(engine))
        engine.run_until_idle()
        assert engine.states(self.execution) == ["Hold", "What", "Event"]

    def test_an_event_after_the_timer_is_told_so(self, engine: LocalEngine) -> None:
        task = token(engine)
        engine.run_until(after(45.01))
        with pytest.raises(ClientError) as error:
            wake(engine, task)
        assert error_code(error) == "TaskTimedOut"
        assert engine.states(self.execution) == ["Hold", "Timeout"]

    def test_a_spent_token_and_an_unknown_one_are_told_apart(self, engine: LocalEngine) -> None:
        task = token(engine)
        wake(engine, task)
        engine.settle()
        with pytest.raises(ClientError) as spent:
            wake(engine, task)
        with pytest.raises(ClientError) as unknown:
            wake(engine, "nobody's")
        assert (error_code(spent), error_code(unknown)) == ("TaskTimedOut", "InvalidToken")

    def test_a_restarted_hold_counts_from_its_restart(self, engine: LocalEngine) -> None:
        first = token(engine)
        engine.run_until(after(30))
        wake(engine, first, "restart")
        engine.settle()
        assert token(engine) != first
        engine.run_until_idle()
        assert engine.states(self.execution) == ["Hold", "What", "Hold", "Timeout"]
        assert engine.describe(self.execution)["stopDate"] == after(75)

    def test_of_many_threads_with_one_token_exactly_one_wins(self, engine: LocalEngine) -> None:
        task, won, gate = token(engine), [], threading.Barrier(20)

        def race(number: int) -> None:
            gate.wait()
            try:
                wake(engine, task, f"event {number}")
            except ClientError:
                return
            won.append(f"event {number}")

        threads = [threading.Thread(target=race, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        engine.run_until_idle()
        assert len(won) == 1
        output = json.loads(engine.describe(self.execution)["output"])
        assert output["hold"] == {"outcome": won[0]}

    def test_a_stop_ends_the_hold_at_once_and_its_token(self, engine: LocalEngine) -> None:
        task = token(engine)
        engine.run_until(after(10))
        stop(engine, self.execution)
        assert engine.status(self.execution) == "ABORTED"
        engine.run_until_idle()
        assert engine.clock.now() == after(10)
        with pytest.raises(ClientError) as error:
            wake(engine, task)
        assert error_code(error) == "TaskTimedOut"


def stop(engine: LocalEngine, execution: str) -> None:
    engine.client("stepfunctions").stop_execution(
        executionArn=execution, error="Exited", cause="Order Completed"
    )


def test_a_stop_ends_a_wait_at_once_and_says_why(engine: LocalEngine) -> None:
    engine.create_machine("waits", machine(Wait={"Type": "Wait", "Seconds": 3600, "End": True}))
    execution = engine.start("waits", "e", {})
    engine.run_until(after(20))
    stop(engine, execution)
    described = engine.describe(execution)
    assert (described["status"], described["error"]) == ("ABORTED", "Exited")
    assert (described["cause"], described["stopDate"]) == ("Order Completed", after(20))
    engine.run_until_idle()
    last = engine.history(execution)[-1]
    assert last["type"] == "ExecutionAborted"
    assert last["executionAbortedEventDetails"] == {"error": "Exited", "cause": "Order Completed"}
    stop(engine, execution)
    assert engine.describe(execution)["stopDate"] == after(20)


def test_what_a_stopped_execution_still_does_changes_nothing(engine: LocalEngine) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(event: Any, context: Any) -> Any:
        begun.set()
        go_on.wait(10)
        return event

    engine.replace_function("slow", slow)
    engine.create_machine(
        "calls", machine(Call=invoke("slow", Next="End"), End={"Type": "Succeed"})
    )
    execution = engine.start("calls", "e", {})
    begun.wait(10)
    stop(engine, execution)
    assert engine.status(execution) == "ABORTED"
    go_on.set()
    engine.run_until_idle()
    assert engine.status(execution) == "ABORTED"
    assert engine.states(execution) == ["Call"]
    assert engine.history(execution)[-1]["type"] == "ExecutionAborted"


def test_of_many_starts_of_one_name_one_execution_comes(engine: LocalEngine) -> None:
    engine.create_machine("waits", machine(Wait={"Type": "Wait", "Seconds": 60, "End": True}))
    arns: list[str] = []
    threads = [
        threading.Thread(target=lambda: arns.append(engine.start("waits", "e", {})))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer = engine.client("stepfunctions").list_executions(stateMachineArn=machine_arn("waits"))
    assert len(answer["executions"]) == len(set(arns)) == 1
    with pytest.raises(ClientError) as error:
        engine.start("waits", "e", {"other": "input"})
    assert error_code(error) == "ExecutionAlreadyExists"
    with pytest.raises(ClientError) as error:
        engine.start("waits", "n" * 81, {})
    assert error_code(error) == "InvalidName"
