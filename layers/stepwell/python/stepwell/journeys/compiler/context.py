"""What the builders of a state machine share: the flow, the version, and where a target begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.flow import END, Flow
from stepwell.journeys.compiler.model import DateDelay, LocalDelay, NamedStep, Pause, Split

CUSTOMERS_TABLE = "${CustomersTable}"
RECORDS_TABLE = "${RecordsTable}"
PLAN_FUNCTION = "${PlanFunctionArn}"
HAND_OVER_FUNCTION = "${HandOverFunctionArn}"
SEND_MESSAGE = "${SendMessageArn}"

DYNAMODB_SECONDS = 60
PLAN_SECONDS = 60

CONDITION_FAILED = "DynamoDb.ConditionalCheckFailedException"
TRANSACTION_CANCELED = "DynamoDb.TransactionCanceledException"
_STORE_BUSY = (
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.ThrottlingException",
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.TransactionConflictException",
    "DynamoDb.TransactionInProgressException",
    "DynamoDb.SdkClientException",
    "DynamoDb.DynamoDbException",  # what the SDK has no name for, such as a 503
)


@dataclass(frozen=True, slots=True)
class Context:
    journey: str
    version: str
    flow: Flow
    purpose: str | None
    """Of the messages that name none."""
    park_over: int | None = None
    """Seconds: longer waits are parked."""

    def state_at(self, target: str) -> str:
        """The name of the state at which a target begins."""
        return (
            names.COMPLETED
            if target == END
            else first_state(self.flow.steps[target], self.park_over)
        )


def is_parked(step: NamedStep, park_over: int | None) -> bool:
    """Whether it is known already that the wait is too long to be native."""
    return isinstance(step, Pause) and park_over is not None and step.seconds > park_over


def first_state(step: NamedStep, park_over: int | None = None) -> str:
    if isinstance(step, LocalDelay | DateDelay) or is_parked(step, park_over):
        return step.name + names.DELAY_PLAN
    if isinstance(step, Split):
        return step.name + names.SPLIT_PLAN
    return step.name


def store_retry(*more: str) -> list[asl.State]:
    """Only what passes by itself is asked of the store again; `more`: further such errors.

    Never States.Timeout: a callback asked again would wait its whole time once more.
    """
    return [asl.retrying((*_STORE_BUSY, *more), attempts=6, seconds=1, most_seconds=20)]


def to_failed() -> asl.State:
    return asl.catching(asl.ALL_ERRORS, names.MARK_FAILED, result_path="$.failure")


def look(attributes: dict[str, str], *, catch: asl.State, then: str) -> asl.State:
    """Read these attributes of the enrollment into `$.found`: never all, the entry event is
    personal.
    """
    return asl.task(
        asl.GET_ITEM,
        {
            "TableName": CUSTOMERS_TABLE,
            "Key.$": "$.key",
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(attributes),
            "ExpressionAttributeNames": attributes,
        },
        timeout=DYNAMODB_SECONDS,
        result_path="$.found",
        retry=store_retry(),
        catch=[catch],
        then=then,
    )


def plan(context: Context, step: str, *answers: str, then: str) -> asl.State:
    """Ask the plan function about a step; `$.plan.<answer>` is there afterwards for each."""
    payload: dict[str, Any] = {"ids.$": "$.ids", "version": context.version, "step": step}
    return asl.task(
        asl.INVOKE_FUNCTION,
        {"FunctionName": PLAN_FUNCTION, "Payload": payload},
        timeout=PLAN_SECONDS,
        selector={f"{answer}.$": f"$.Payload.{answer}" for answer in answers},
        result_path="$.plan",
        retry=[asl.retrying([asl.ALL_ERRORS], attempts=5, seconds=2, most_seconds=60)],
        catch=[to_failed()],
        then=then,
    )
