"""Starts, wakes and stops on Step Functions. What it throttles goes to the commands queue, and so
does what is to be done some minutes after a stop.

Every call may come twice or late: an execution's name is made of the enrollment's run, so a second
start is the first one; a spent token and an ended execution are answered by AWS with errors that
mean "already done" here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from stepwell.messages.unanswered import LOOKED_AT_AFTER, settling

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_DONE = {
    "ExecutionAlreadyExists",
    "ExecutionDoesNotExist",
    "TaskTimedOut",
    "TaskDoesNotExist",
    "InvalidToken",
}
"""`InvalidToken` too: it is what a token of an execution that was stopped may be answered with."""


def queue_settling(queue: SQSClient, queue_url: str, customer: str, execution: str) -> None:
    """Let the commands function look at the messages of an execution, in some minutes."""
    queue.send_message(
        QueueUrl=queue_url,
        MessageBody=json.dumps(settling(customer, execution)),
        DelaySeconds=int(LOOKED_AT_AFTER.total_seconds()),
    )


class StepFunctionsExecutions:
    """Executions of the journeys' state machines.

    `queue_url` is where a call that was throttled or got no answer goes, to be made again by the
    commands function; empty there, so that its own failures are raised and the queue retries them.
    """

    def __init__(
        self,
        client: SFNClient,
        *,
        journey_arn_prefix: str,
        execution_arn_prefix: str,
        queue: SQSClient | None = None,
        queue_url: str = "",
    ) -> None:
        self._client = client
        self._journey_arn_prefix = journey_arn_prefix
        self._execution_arn_prefix = execution_arn_prefix
        self._queue = queue
        self._queue_url = queue_url

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None:
        self._command("start", {"journey": journey, "execution": execution, "state": dict(state)})

    def wake(self, token: str, result: Mapping[str, Any]) -> None:
        self._command("wake", {"token": token, "result": dict(result)})

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None:
        body = {"journey": journey, "execution": execution, "error": error, "cause": cause}
        self._command("stop", body)

    def settle_later(self, customer: str, execution: str) -> None:
        """Raises ValueError without a queue."""
        if self._queue is None:
            raise ValueError("there is no queue for what is to be done later")
        queue_settling(self._queue, self._queue_url, customer, execution)

    def carry_out(self, command: Mapping[str, Any]) -> None:
        """One command, as it is queued. Raises what AWS raises, apart from "already done"."""
        try:
            self._call(command)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _DONE:
                raise

    def _command(self, name: str, body: dict[str, Any]) -> None:
        command = {"command": name, **body}
        try:
            self.carry_out(command)
        except (ClientError, BotoCoreError):
            if self._queue is None:
                raise
            self._queue.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(command))

    def _call(self, command: Mapping[str, Any]) -> None:
        match command["command"]:
            case "start":
                self._client.start_execution(
                    stateMachineArn=self._journey_arn_prefix + command["journey"],
                    name=command["execution"],
                    input=json.dumps(command["state"], sort_keys=True),
                )
            case "wake":
                self._client.send_task_success(
                    taskToken=command["token"], output=json.dumps(command["result"])
                )
            case "stop":
                self._client.stop_execution(
                    executionArn=f"{self._execution_arn_prefix}{command['journey']}:{command['execution']}",
                    error=command["error"],
                    cause=command["cause"],
                )
            case unknown:
                raise ValueError(f"unknown command {unknown!r}")
