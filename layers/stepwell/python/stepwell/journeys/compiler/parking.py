"""The states that park a long wait: an alarm outside, a mark on the enrollment, and the end.

    find the time ──▶ set the alarm ──▶ parked (the execution ends; the enrollment does not)
                          └─ cannot be set ──▶ the native Wait

The alarm is a one-time schedule of EventBridge Scheduler. When it rings it puts its message, which
is the execution's whole state, into the commands queue; `customers.legs` then starts the next leg.
Its name is made of the execution's and the leg's number, so that setting it twice is setting it
once. It is set before the mark: whoever finds no mark waits natively, and the alarm is for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from stepwell.customers import legs, slots
from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import (
    CONDITION_FAILED,
    CUSTOMERS_TABLE,
    DYNAMODB_SECONDS,
    Context,
    store_retry,
    to_failed,
)
from stepwell.journeys.compiler.later_legs import STEP
from stepwell.journeys.compiler.model import DateDelay, Pause

SCHEDULE_GROUP = "${ScheduleGroup}"
SCHEDULER_ROLE = "${SchedulerRoleArn}"
COMMANDS_QUEUE = "${CommandsQueueArn}"
COMMANDS_DEAD_LETTERS = "${CommandsDeadLettersArn}"

_SCHEDULER_SECONDS = 60
_TAKEN = "Scheduler.ConflictException"
_BUSY = (
    "Scheduler.ThrottlingException",
    "Scheduler.InternalServerException",
    "Scheduler.SdkClientException",
    "Scheduler.SchedulerException",
)


def parking_states(step: Pause | DateDelay, context: Context) -> Iterator[tuple[str, asl.State]]:
    """To be entered with `$.plan.until` and `$.plan.at`."""
    yield step.name + names.DELAY_ALARM, _alarm(step, context)
    yield step.name + names.DELAY_PARKED, _mark(step)


def _alarm(step: Pause | DateDelay, context: Context) -> asl.State:
    name = "States.Format('{}-{}', $.ids.execution, $.next_leg)"
    parked = step.name + names.DELAY_PARKED
    return asl.task(
        asl.CREATE_SCHEDULE,
        {
            "Name.$": name,
            "GroupName": SCHEDULE_GROUP,
            "ClientToken.$": name,
            "ScheduleExpression.$": "States.Format('at({})', $.plan.at)",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": COMMANDS_QUEUE,
                "RoleArn": SCHEDULER_ROLE,
                "DeadLetterConfig": {"Arn": COMMANDS_DEAD_LETTERS},
                "Input.$": _message(step, context),
            },
        },
        timeout=_SCHEDULER_SECONDS,
        retry=[asl.retrying(_BUSY, attempts=6, seconds=1, most_seconds=20)],
        catch=[asl.catching(_TAKEN, parked), asl.catching(asl.ALL_ERRORS, step.name)],
        then=parked,
    )


def _message(step: Pause | DateDelay, context: Context) -> str:
    """The state as it is, and what the commands function is to do with it."""
    literals = {"command": legs.RESUME, "version": context.version, "after": step.id}
    text = json.dumps(literals)[1:-1]
    more = f"States.Format('{{}}{text}{{}}', $.braces.open, $.braces.close)"
    return f"States.JsonToString(States.JsonMerge($, States.StringToJson({more}), false))"


def _mark(step: Pause | DateDelay) -> asl.State:
    """From here on the enrollment is in its next leg: exits stop that, though it is yet to come."""
    return asl.task(
        asl.UPDATE_ITEM,
        {
            "TableName": CUSTOMERS_TABLE,
            "Key.$": "$.key",
            "UpdateExpression": "SET #leg = :leg, #parked_at = :step, #parked_until = :until",
            "ConditionExpression": "#status = :active AND #run = :run",
            "ExpressionAttributeNames": {
                "#status": "status",
                "#run": "run",
                "#leg": legs.LEG,
                "#parked_at": "parked_at",
                "#parked_until": "parked_until",
            },
            "ExpressionAttributeValues": {
                ":active": {"S": slots.ACTIVE},
                ":run": {"N.$": "$.run"},
                ":leg": {"N.$": "$.next_leg"},
                STEP: {"S": step.id},
                ":until": {"S.$": "$.plan.until"},
            },
        },
        timeout=DYNAMODB_SECONDS,
        retry=store_retry(),
        catch=[asl.catching(CONDITION_FAILED, names.LEFT), to_failed()],
        then=None,
    )
