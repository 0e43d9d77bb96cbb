"""What a state machine calls: our Lambda invoker, and Express machines run to their end.

moto invokes Lambda through Docker, or answers with the input; it has no StartSyncExecution.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.clock import StepClock
from infra.local.moto_patches.executions import make_execution
from infra.local.moto_patches.replacing import Patches
from infra.local.moto_patches.runs import Runs
from stepwell import timestamps

Invoke = Callable[[str, Any], tuple[Any, str | None]]
"""Function name or ARN, and the event. Answers the result and the FunctionError, if any."""


def install(patches: Patches, runs: Runs, invoke: Invoke) -> None:
    call_sdk = StateTaskServiceAwsSdk._eval_service_task

    def call(parameters: dict[str, Any]) -> dict[str, Any]:
        payload = json.loads(parameters.get("Payload") or b"{}")
        result, error = invoke(parameters["FunctionName"], payload)
        answer: dict[str, Any] = {
            "ExecutedVersion": "$LATEST",
            "Payload": result,
            "StatusCode": 200,
        }
        return answer if error is None else {**answer, "FunctionError": error}

    def _invoke_lambda_function(
        parameters: dict[str, Any],
        region: str,  # noqa: ARG001
        state_credentials: Any,  # noqa: ARG001
    ) -> dict[str, Any]:
        return call(parameters)

    def _eval_service_task(
        self: Any,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        service, action = self.resource.api_name.lower(), self.resource.api_action
        if (service, action) == ("sfn", "startSyncExecution"):
            env.stack.append(start_sync(runs.clock, **normalised_parameters))
        elif (service, action) == ("lambda", "invoke"):
            text = {"Payload": as_json(normalised_parameters.get("Payload"))}
            answer = call({**normalised_parameters, **text})
            env.stack.append({**answer, "Payload": json.dumps(answer["Payload"])})
        else:
            call_sdk(self, env, resource_runtime_part, normalised_parameters, state_credentials)

    patches.replace(lambda_eval_utils, "_invoke_lambda_function", _invoke_lambda_function)
    patches.replace(StateTaskServiceAwsSdk, "_eval_service_task", _eval_service_task)


def as_json(value: Any) -> str:
    """The parameter as JSON text; a state machine may give text or an object."""
    return value if isinstance(value, str) else json.dumps(value if value is not None else {})


def start_sync(
    clock: StepClock,
    StateMachineArn: str,  # noqa: N803 - the parameters of the service
    Input: Any = "{}",  # noqa: N803
    Name: str | None = None,  # noqa: N803
    **_: Any,
) -> dict[str, Any]:
    """Run an Express machine in this thread. A failed one has no Output, as on AWS."""
    region, account = StateMachineArn.split(":")[3:5]
    machine = stepfunctions_parser_backends[account][region].describe_state_machine(StateMachineArn)
    text = as_json(Input)
    name = Name or str(uuid.uuid4())
    execution = make_execution(SyncExecution, clock, machine, name, text)
    execution.start()
    answer: dict[str, Any] = {
        "BillingDetails": {"BilledDurationInMilliseconds": 100, "BilledMemoryUsedInMB": 64},
        "ExecutionArn": execution.exec_arn,
        "Input": text,
        "InputDetails": {"Included": True},
        "Name": name,
        "StartDate": timestamps.to_text(execution.start_date),
        "StateMachineArn": StateMachineArn,
        "Status": execution.sync_execution_status.value,
        "StopDate": timestamps.to_text(clock.now()),
    }
    if answer["Status"] == "SUCCEEDED":
        return {
            **answer,
            "Output": json.dumps(execution.output),
            "OutputDetails": {"Included": True},
        }
    given = {"Error": execution.error, "Cause": execution.cause}
    return {**answer, **{key: value for key, value in given.items() if value is not None}}
