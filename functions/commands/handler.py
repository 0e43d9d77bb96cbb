"""commands: carries out starts, wakes and stops that Step Functions could not take at once, starts
what an alarm asks for when a parked wait is over, ends enrollments whose execution is over, and
settles what a stopped execution left without an answer.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.batches import work_off
from stepwell.aws.clients import client
from stepwell.aws.execution_events import is_execution_event, lost_run
from stepwell.aws.executions import StepFunctionsExecutions, queue_settling
from stepwell.aws.failures import described, without_values
from stepwell.aws.message_functions import policies, store
from stepwell.aws.settings import ExecutionSettings, TableSettings, load
from stepwell.customers import keys, slots
from stepwell.customers.legs import RESUME, resume
from stepwell.journeys.lost import Lost, end_with_execution
from stepwell.messages.unanswered import SETTLE, settle_unanswered

logger = Logger(service="commands")


class CommandSettings(TableSettings, ExecutionSettings):
    """All that this function is told by its environment."""


@cache
def executions() -> StepFunctionsExecutions:
    settings = load(CommandSettings)
    return StepFunctionsExecutions(
        client("stepfunctions"),
        journey_arn_prefix=settings.journey_arn_prefix,
        execution_arn_prefix=settings.execution_arn_prefix,
    )


@without_values
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A batch of the commands queue; those that fail come again."""
    return work_off(event, context, _carry_out)


def _carry_out(record: SQSRecord) -> None:
    command = json.loads(record.body)
    if is_execution_event(command):
        _end(command)
        return
    if command["command"] == "start" and not _still_active(command["state"]["ids"]):
        return
    try:
        if command["command"] == RESUME:
            repeated = int(record.attributes.approximate_receive_count) > 1
            resume(command, store(), executions(), repeated=repeated)
        elif command["command"] == SETTLE:
            _settle(command["customer"], command["execution"])
        else:
            executions().carry_out(command)
    except Exception as error:
        said = {"command": command["command"], "failure": described(error)}
        logger.error("command failed", extra=said)  # noqa: TRY400 - without the error's own words
        raise


def _end(event: dict[str, Any]) -> None:
    """An execution failed, timed out or was stopped by hand: nobody will end its enrollment."""
    try:
        lost = lost_run(event)
        ended = lost is not None and _end_lost(lost)
    except Exception as error:
        said = {"failure": described(error)}
        logger.error("enrollment not ended", extra=said)  # noqa: TRY400 - without the error's own words
        raise
    status, machine = event["detail"]["status"], event["detail"]["stateMachineArn"]
    logger.info(
        "execution ended",
        extra={"status": status, "machine": machine, "ended": ended, "known": lost is not None},
    )


def _end_lost(lost: Lost) -> bool:
    """Whether it ended now. Its messages first: who dies in between comes again to the rest."""
    _settle_later(lost.customer, lost.execution)
    return end_with_execution(store(), lost, clock.now())


def _settle(customer: str, execution: str) -> None:
    looked = settle_unanswered(store(), policies(), customer, execution, clock.now())
    if looked.again:
        _settle_later(customer, execution)
    if looked.settled:
        said = {"settled": len(looked.settled), "again": looked.again}
        logger.info("messages without an answer", extra=said)


def _settle_later(customer: str, execution: str) -> None:
    queue_url = load(CommandSettings).commands_queue_url
    queue_settling(client("sqs"), queue_url, customer, execution)


def _still_active(ids: dict[str, Any]) -> bool:
    """Whether the enrollment that a late start is for has not ended meanwhile."""
    enrollment = store().get(keys.enrollment(ids["customer"], ids["enrollment"]))
    return bool(
        enrollment and enrollment["run"] == ids["run"] and enrollment["status"] == slots.ACTIVE
    )
