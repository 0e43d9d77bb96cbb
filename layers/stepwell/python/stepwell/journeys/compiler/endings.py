"""The states that end a journey, one set per machine.

Completed and failed runs mark the enrollment and write the record of the run in one transaction.
When that is refused, the enrollment tells why: it was left in the meantime (an exit, another run),
or the transaction only ran into others, and then the execution fails in sight, and `journeys.lost`
ends the enrollment when Step Functions tells of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.customers import keys, slots
from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import (
    CUSTOMERS_TABLE,
    DYNAMODB_SECONDS,
    RECORDS_TABLE,
    TRANSACTION_CANCELED,
    Context,
    look,
    store_retry,
)


def ending_states(context: Context) -> Iterator[tuple[str, asl.State]]:
    yield names.COMPLETED, _mark(context, "completed", reason=None, then=None)
    yield names.MARK_FAILED, _mark(context, "failed", reason="$.failure.Error", then=names.FAILED)
    yield names.END_LOOK, _look()
    yield names.END_CHOICE, _choice()
    yield names.LEFT, asl.succeed("The enrollment was ended by an event, or is another run's.")
    yield (
        names.FAILED,
        asl.fail("JourneyFailed", "A step failed for good; the failed state's error says why."),
    )


def _mark(context: Context, outcome: str, *, reason: str | None, then: str | None) -> asl.State:
    return asl.task(
        asl.TRANSACT_WRITE_ITEMS,
        {
            "TransactItems": [
                {"Update": _enrollment(outcome, reason)},
                {"Put": _finished(context, outcome, reason)},
            ]
        },
        timeout=DYNAMODB_SECONDS,
        retry=store_retry(TRANSACTION_CANCELED),  # it also stands for a conflict with another write
        catch=[
            asl.catching(TRANSACTION_CANCELED, names.END_LOOK),
            asl.catching(asl.ALL_ERRORS, names.FAILED),
        ],
        then=then,
    )


def _enrollment(outcome: str, reason: str | None) -> dict[str, Any]:
    because = {":reason": {"S.$": reason}} if reason else {}
    return {
        "TableName": CUSTOMERS_TABLE,
        "Key.$": "$.key",
        "UpdateExpression": "SET #status = :ended, #outcome = :outcome, #ended_at = :now"
        ", #expires = #forget_at" + (", #reason = :reason" if reason else ""),
        "ConditionExpression": "#status = :active AND #run = :run",
        "ExpressionAttributeNames": {
            "#status": "status",
            "#run": "run",
            "#outcome": "outcome",
            "#ended_at": "ended_at",
            "#expires": "expires",  # DynamoDB forgets it when re-entry and goal no longer need it
            "#forget_at": "forget_at",
            **({"#reason": "reason"} if reason else {}),
        },
        "ExpressionAttributeValues": {
            ":active": {"S": slots.ACTIVE},
            ":ended": {"S": slots.ENDED},
            ":outcome": {"S": outcome},
            ":run": {"N.$": "$.run"},
            ":now": {"S.$": asl.ENTERED},
            **because,
        },
    }


def _finished(context: Context, outcome: str, reason: str | None) -> dict[str, Any]:
    sort_key = f"States.Format('{keys.FINISHED_PREFIX}{{}}#{{}}', $.ids.enrollment, $.run)"
    return {
        "TableName": RECORDS_TABLE,
        "Item": {
            "pk.$": "$.key.pk",
            "sk": {"S.$": sort_key},
            "journey": {"S": context.journey},
            "version": {"S": context.version},
            "enrollment": {"S.$": "$.ids.enrollment"},
            "execution": {"S.$": "$.ids.execution"},
            "run": {"N.$": "$.run"},
            "outcome": {"S": outcome},
            "ended_at": {"S.$": asl.ENTERED},
            **({"reason": {"S.$": reason}} if reason else {}),
        },
    }


def _look() -> asl.State:
    attributes = {"#status": "status", "#run": "run"}
    return look(attributes, catch=asl.catching(asl.ALL_ERRORS, names.FAILED), then=names.END_CHOICE)


def _choice() -> asl.State:
    run = "$.found.Item.run.N"
    return asl.choice(
        [
            asl.leads(asl.present(run, is_present=False), names.LEFT),
            asl.leads(asl.negated(asl.text_is_at(run, "$.run")), names.LEFT),
            asl.leads(asl.negated(asl.text_is("$.found.Item.status.S", slots.ACTIVE)), names.LEFT),
        ],
        names.FAILED,
    )
