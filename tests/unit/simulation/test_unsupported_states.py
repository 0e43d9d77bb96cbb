"""What the compiler does not write is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.simulation.machines.definition import compile_machine
from stepwell.simulation.machines.errors import UnsupportedError
from stepwell.simulation.machines.interpreter import LoopError
from tests.support.desk import DONE, arm, desk, invoke


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"Type": "Parallel", "Branches": [], "End": True}, "the state type Parallel"),
        ({"Type": "Map", "End": True}, "the state type Map"),
        (invoke(Resource="arn:aws:states:::sqs:sendMessage"), "sqs:sendMessage"),
        (invoke(TimeoutSeconds=0), "TimeoutSeconds 0"),
        (invoke(HeartbeatSeconds=5), "the field HeartbeatSeconds"),
        (invoke(Parameters={"FunctionName": "${PlanFunctionArn}", "a.$": "$.a[0]"}), "'$.a[0]'"),
        (invoke(Parameters={"FunctionName": "${P}", "a.$": "States.UUID()"}), "States.UUID"),
        ({"Type": "Wait", "SecondsPath": "$.s", "Next": "Done"}, "the field SecondsPath"),
        (
            {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "Done"}]},
            "the choice operator IsNull",
        ),
        ({"Type": "Pass", "Result": 1, "End": True}, "the field Result"),
        ({"Type": "Pass"}, "a state without one of Next and End"),
    ],
)
def test_what_the_compiler_does_not_write_is_refused_by_name(
    state: dict[str, Any], named: str
) -> None:
    with pytest.raises(UnsupportedError, match=r"^j, state 'Odd': ") as raised:
        desk(Odd=state, Done=DONE)
    assert named in str(raised.value)


def test_other_expressions_are_refused_by_name() -> None:
    other = arm()
    other["Parameters"]["UpdateExpression"] = "REMOVE #token"
    with pytest.raises(UnsupportedError, match=r"the update 'REMOVE #token'"):
        desk(Hold=other)


def test_another_query_language_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="j: the query language JSONata"):
        compile_machine(
            "j", {"QueryLanguage": "JSONata", "StartAt": "Done", "States": {"Done": DONE}}
        )


def test_a_definition_that_goes_round_without_waiting_is_found_out() -> None:
    here = desk(Round={"Type": "Pass", "Next": "Round"})
    with pytest.raises(LoopError, match="'Round'"):
        here.start()
