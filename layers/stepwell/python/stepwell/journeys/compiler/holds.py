"""The states of a hold: arm, close, look. The enrollment item decides; Step Functions only wakes.

    arm ──token──▶ what happened ──▶ branch │ arm again │ Left
     ├─ time is up ──▶ close ──▶ timeout steps
     └─ condition failed ──▶ look ──▶ stored outcome ──▶ branch │ timeout steps │ arm again │ Left

A timed-out hold costs two transitions, a decided one two. Whatever wins the item's condition is the
outcome; every other way ends in `look`, which reads it. `customers.slots` names the attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.customers import slots
from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import (
    CONDITION_FAILED,
    CUSTOMERS_TABLE,
    DYNAMODB_SECONDS,
    Context,
    look,
    store_retry,
    to_failed,
)
from stepwell.journeys.compiler.flow import TIMEOUT
from stepwell.journeys.compiler.model import Hold

_FOUND = "$.found.Item"
_RUNNING = "#status = :active AND #run = :run"


def hold_states(hold: Hold, context: Context) -> Iterator[tuple[str, asl.State]]:
    """The states of the hold by name, the first one first."""
    yield hold.name, _arm(hold)
    yield hold.name + names.HOLD_CHOICE, _what_happened(hold, context)
    yield hold.name + names.HOLD_CLOSE, _close(hold, context)
    yield hold.name + names.HOLD_LOOK, _look(hold)
    yield hold.name + names.HOLD_STORED, _stored(hold, context)
    yield hold.name + names.HOLD_AGAIN, _again(hold)


def _state_of(hold: Hold) -> str:
    return f"$.holds.{hold.id}"


def _update(
    step: str, expression: str, condition: str, more_names: dict[str, str], values: dict[str, Any]
) -> Any:
    return {
        "TableName": CUSTOMERS_TABLE,
        "Key.$": "$.key",
        "UpdateExpression": expression,
        "ConditionExpression": f"{_RUNNING} AND {condition}",
        "ExpressionAttributeNames": {
            "#status": "status",
            "#run": "run",
            "#visit": slots.visit(step),
            "#outcome": slots.outcome(step),
            **more_names,
        },
        "ExpressionAttributeValues": {
            ":active": {"S": slots.ACTIVE},
            ":run": {"N.$": "$.run"},
            ":visit": {"N.$": f"$.holds.{step}.visit"},
            **values,
        },
    }


def _arm(hold: Hold) -> asl.State:
    """Store the token. Opens the slot too, when no write before it did (after a delay, a split)."""
    opening = (
        "#visit = if_not_exists(#visit, :visit), #seq = if_not_exists(#seq, :run), "
        "#opened = if_not_exists(#opened, :now)"
    )
    armed_for = f"States.Format('{hold.id}#{{}}', {_state_of(hold)}.visit)"
    parameters = _update(
        hold.id,
        f"SET #token = :token, #token_for = :token_for, {opening}",
        "(attribute_not_exists(#visit) OR #visit = :visit) AND attribute_not_exists(#outcome)",
        {
            "#token": "token",
            "#token_for": "token_for",
            "#seq": slots.seq(hold.id),
            "#opened": slots.opened(hold.id),
        },
        {
            ":token": {"S.$": asl.TASK_TOKEN},
            ":token_for": {"S.$": armed_for},
            ":now": {"S.$": asl.ENTERED},
        },
    )
    return asl.task(
        asl.UPDATE_ITEM_AND_WAIT,
        parameters,
        timeout=hold.seconds,
        result_path=_state_of(hold),
        retry=store_retry(),
        catch=[
            asl.catching(asl.TIMEOUT, hold.name + names.HOLD_CLOSE),
            asl.catching(CONDITION_FAILED, hold.name + names.HOLD_LOOK),
            to_failed(),
        ],
        then=hold.name + names.HOLD_CHOICE,
    )


def _what_happened(hold: Hold, context: Context) -> asl.State:
    outcome = f"{_state_of(hold)}.outcome"
    restarts = any(branch.restarts for branch in hold.branches)
    rules = [(slots.RESTART, hold.name)] if restarts else []
    rules += [*_branches(hold, context), (slots.EXIT, names.LEFT)]
    return asl.choice(
        [asl.leads(asl.text_is(outcome, value), then) for value, then in rules],
        hold.name + names.HOLD_LOOK,
    )


def _branches(hold: Hold, context: Context) -> list[tuple[str, str]]:
    ways = context.flow.ways[hold.id]
    return [(name, context.state_at(target)) for name, target in ways.items() if name != TIMEOUT]


def _close(hold: Hold, context: Context) -> asl.State:
    """Decide for the timeout, and open the hold that follows directly, in one write."""
    target = context.flow.ways[hold.id][TIMEOUT]
    following = context.flow.hold_at(target)
    expression, more_names = "SET #outcome = :timeout", {}
    values: dict[str, Any] = {":timeout": {"S": slots.TIMEOUT}}
    if following:
        expression += ", #next_visit = :first, #next_seq = #seq, #next_opened = :now"
        more_names = {
            "#seq": slots.seq(hold.id),
            "#next_visit": slots.visit(following),
            "#next_seq": slots.seq(following),
            "#next_opened": slots.opened(following),
        }
        values |= {":first": {"N": "1"}, ":now": {"S.$": asl.ENTERED}}
    return asl.task(
        asl.UPDATE_ITEM,
        _update(
            hold.id,
            expression,
            "#visit = :visit AND attribute_not_exists(#outcome)",
            more_names,
            values,
        ),
        timeout=DYNAMODB_SECONDS,
        retry=store_retry(),
        catch=[asl.catching(CONDITION_FAILED, hold.name + names.HOLD_LOOK), to_failed()],
        then=context.state_at(target),
    )


def _look(hold: Hold) -> asl.State:
    """Read what decided."""
    attributes = {
        "#status": "status",
        "#run": "run",
        "#visit": slots.visit(hold.id),
        "#outcome": slots.outcome(hold.id),
    }
    return look(attributes, catch=to_failed(), then=hold.name + names.HOLD_STORED)


def _stored(hold: Hold, context: Context) -> asl.State:
    outcome = f"{_FOUND}.{slots.outcome(hold.id)}.S"
    timed_out = context.state_at(context.flow.ways[hold.id][TIMEOUT])
    decided = [*_branches(hold, context), (slots.TIMEOUT, timed_out), (slots.EXIT, names.LEFT)]
    return asl.choice(
        [
            asl.leads(asl.present(f"{_FOUND}.run.N", is_present=False), names.LEFT),
            asl.leads(asl.negated(asl.text_is_at(f"{_FOUND}.run.N", "$.run")), names.LEFT),
            *(
                asl.leads(asl.every(asl.present(outcome), asl.text_is(outcome, value)), then)
                for value, then in decided
            ),
            # An outcome that this definition does not know: fail in sight.
            asl.leads(asl.present(outcome), names.FAILED),
            asl.leads(asl.negated(asl.text_is(f"{_FOUND}.status.S", slots.ACTIVE)), names.LEFT),
            asl.leads(
                asl.present(f"{_FOUND}.{slots.visit(hold.id)}.N"), hold.name + names.HOLD_AGAIN
            ),
        ],
        names.FAILED,
        comment="The enrollment decides: gone or another run, decided, ended, or restarted.",
    )


def _again(hold: Hold) -> asl.State:
    stored = {"visit.$": f"{_FOUND}.{slots.visit(hold.id)}.N", "outcome": slots.RESTART}
    return asl.put(stored, at=_state_of(hold), then=hold.name)
