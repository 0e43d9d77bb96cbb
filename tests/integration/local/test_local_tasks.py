"""What state machines call on patched moto: functions, Express machines, AWS's failures."""

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.engine import LocalEngine, machine_arn
from tests.support.machines import KEY, after, invoke, machine


def call_express(name: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:startSyncExecution",
        "Parameters": {
            "StateMachineArn": machine_arn(name),
            "Input.$": "States.JsonToString($.ids)",
        },
        "TimeoutSeconds": 300,
        "ResultPath": "$.send",
        **more,
    }


class TestNestedExpress:
    @pytest.fixture(autouse=True)
    def machines(self, engine: LocalEngine) -> None:
        inner = machine(Call=invoke("decide", OutputPath="$.Payload", End=True))
        engine.create_machine("inner", inner, express=True)
        engine.create_machine(
            "outer",
            machine(
                Ask=call_express("inner", Next="Answered?"),
                **{
                    "Answered?": {
                        "Type": "Choice",
                        "Choices": [
                            {"Variable": "$.send.Output", "IsPresent": True, "Next": "Wait"}
                        ],
                        "Default": "Nothing",
                    },
                    "Wait": {"Type": "Wait", "Seconds": 60, "End": True},
                    "Nothing": {"Type": "Succeed"},
                },
            ),
        )

    def test_the_answer_is_the_childs_output_as_text(self, engine: LocalEngine) -> None:
        engine.replace_function(
            "decide", lambda event, _: {"outcome": "sent", "for": event["customer"]}
        )
        execution = engine.start("outer", "e", {"ids": {"customer": "c1"}})
        engine.run_until_idle()
        send = json.loads(engine.describe(execution)["output"])["send"]
        assert send["Status"] == "SUCCEEDED"
        assert json.loads(send["Output"]) == {"outcome": "sent", "for": "c1"}
        assert engine.clock.now() == after(1)

    def test_a_failed_child_answers_without_output(self, engine: LocalEngine) -> None:
        def fail(event: Any, context: Any) -> Any:
            raise ValueError("no such customer")

        engine.replace_function("decide", fail)
        execution = engine.start("outer", "e", {"ids": {}})
        engine.run_until_idle()
        send = json.loads(engine.describe(execution)["output"])["send"]
        assert (send["Status"], send["Error"]) == ("FAILED", "ValueError")
        assert "no such customer" in send["Cause"]
        assert "Output" not in send
        assert engine.states(execution) == ["Ask", "Answered?", "Nothing"]

    def test_a_hundred_at_once_all_get_their_own_answer(self, engine: LocalEngine) -> None:
        engine.replace_function("decide", lambda event, _: event["customer"])
        executions = [
            engine.start("outer", f"e{i}", {"ids": {"customer": f"c{i}"}}) for i in range(100)
        ]
        engine.run_until_idle()
        outputs = [
            json.loads(engine.describe(each)["output"])["send"]["Output"] for each in executions
        ]
        assert outputs == [json.dumps(f"c{i}") for i in range(100)]
        assert engine.clock.now() == after(1)

    def test_it_can_be_asked_directly(self, engine: LocalEngine) -> None:
        engine.replace_function("decide", lambda event, _: {"got": event})
        answer = engine.start_sync("inner", {"customer": "c9"})
        assert json.loads(answer["Output"]) == {"got": {"customer": "c9"}}


class TestWhatAwsFails:
    def run(self, engine: LocalEngine, text: str) -> dict[str, Any]:
        engine.create_machine("strict", text)
        execution = engine.start("strict", "e", {"limit": 0})
        engine.run_until_idle()
        return engine.describe(execution)

    def test_a_choice_on_a_missing_path(self, engine: LocalEngine) -> None:
        choice = {
            "Type": "Choice",
            "Choices": [{"Variable": "$.send.Output", "StringMatches": "*sent*", "Next": "End"}],
            "Default": "End",
        }
        described = self.run(engine, machine(Ask=choice, End={"Type": "Succeed"}))
        assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")

    def test_a_choice_may_ask_for_presence_first(self, engine: LocalEngine) -> None:
        both = [
            {"Variable": "$.send.Output", "IsPresent": True},
            {"Variable": "$.send.Output", "StringMatches": "*sent*"},
        ]
        choice = {"Type": "Choice", "Choices": [{"And": both, "Next": "End"}], "Default": "End"}
        described = self.run(engine, machine(Ask=choice, End={"Type": "Succeed"}))
        assert described["status"] == "SUCCEEDED"

    def test_a_runtime_error_is_never_caught(self, engine: LocalEngine) -> None:
        task = invoke("any", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "End"}], End=True)
        task["Parameters"]["Payload.$"] = "$.missing"
        described = self.run(engine, machine(Call=task, End={"Type": "Succeed"}))
        assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")

    def test_a_timeout_that_is_not_positive(self, engine: LocalEngine) -> None:
        task = invoke("any", End=True)
        del task["TimeoutSeconds"]
        described = self.run(engine, machine(Call={**task, "TimeoutSecondsPath": "$.limit"}))
        assert (described["status"], described["error"]) == ("FAILED", "States.Runtime")


def test_a_function_error_is_caught_by_its_type(engine: LocalEngine) -> None:
    class UnhappyError(Exception):
        pass

    def fail(event: Any, context: Any) -> Any:
        raise UnhappyError("today")

    engine.replace_function("any", fail)
    catch = [{"ErrorEquals": ["UnhappyError"], "ResultPath": "$.error", "Next": "End"}]
    engine.create_machine(
        "calls", machine(Call=invoke("any", Catch=catch, End=True), End={"Type": "Succeed"})
    )
    execution = engine.start("calls", "e", {})
    engine.run_until_idle()
    cause = json.loads(json.loads(engine.describe(execution)["output"])["error"]["Cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("UnhappyError", "today")


def test_the_aws_sdk_form_of_invoke_answers_text(engine: LocalEngine) -> None:
    engine.replace_function("any", lambda event, _: {"echo": event})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:lambda:invoke",
        "Parameters": {"FunctionName": "any", "Payload": {"a": 1}},
        "End": True,
    }
    engine.create_machine("calls", machine(Call=task))
    execution = engine.start("calls", "e", {})
    engine.run_until_idle()
    assert json.loads(engine.describe(execution)["output"])["Payload"] == '{"echo": {"a": 1}}'


def test_a_placeholder_that_nothing_fills_is_refused(engine: LocalEngine) -> None:
    with pytest.raises(ValueError, match="PlanFunctionArn"):
        engine.create_machine("open", '{"Comment": "${PlanFunctionArn}"}', {"Other": "x"})


def test_conditional_writes_of_many_threads_let_one_through(engine: LocalEngine) -> None:
    engine.create_tables()
    table, won = engine.client("dynamodb"), []

    def write(number: int) -> None:
        try:
            table.put_item(
                TableName="stepwell-local-customers",
                Item={**KEY, "owner": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
