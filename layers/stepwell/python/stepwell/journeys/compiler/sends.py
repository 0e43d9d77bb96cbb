"""The states of a message: ask send_message, go on, wait and ask again.

    ask ──▶ what happened ──▶ the next step                       two transitions
                 ├─ deferred ──▶ until it may go ──▶ ask again    four more
                 └─ no answer ──▶ ask again soon ──▶ ask again    bounded, then
                          record no answer ──▶ the next step

Asking again is harmless: the message id is the same, and `asked` tells a repeated question from a
new one. A run of send_message that failed has no Output, so the Choice tests for it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from stepwell.customers import keys
from stepwell.journeys.compiler import asl, names
from stepwell.journeys.compiler.context import (
    DYNAMODB_SECONDS,
    RECORDS_TABLE,
    SEND_MESSAGE,
    Context,
    store_retry,
    to_failed,
)
from stepwell.journeys.compiler.flow import NEXT
from stepwell.journeys.compiler.model import Message

ANSWER_SECONDS = 300
"""Longer than send_message's own limit, so that it is the one that gives up first."""
ASKS_WITHOUT_ANSWER = 12
PAUSE_SECONDS = 300

_ANSWERED = ("sent", "suppressed", "failed", "unknown")
_STATUS = "$.send.Status"
_OUTPUT = "$.send.Output"


def message_states(message: Message, context: Context) -> Iterator[tuple[str, asl.State]]:
    """The states of the message by name, the first one first."""
    answer, attempts = "$.deferral.answer", f"$.attempts.{message.id}.count"
    yield message.name, _ask(message, context)
    yield message.name + names.MESSAGE_CHOICE, _what_happened(message, context, attempts)
    yield (
        message.name + names.MESSAGE_DEFERRED,
        asl.put(
            {"answer.$": f"States.StringToJson({_OUTPUT})"},
            at="$.deferral",
            then=message.name + names.MESSAGE_UNTIL,
        ),
    )
    yield message.name + names.MESSAGE_UNTIL, asl.wait_until(f"{answer}.until", message.name)
    yield (
        message.name + names.MESSAGE_AGAIN,
        asl.put(
            {"count.$": f"States.MathAdd({attempts}, 1)"},
            at=f"$.attempts.{message.id}",
            then=message.name + names.MESSAGE_PAUSE,
        ),
    )
    yield message.name + names.MESSAGE_PAUSE, asl.wait(PAUSE_SECONDS, message.name)
    yield message.name + names.MESSAGE_GIVE_UP, _give_up(message, context)


def _ask(message: Message, context: Context) -> asl.State:
    after = message.name + names.MESSAGE_CHOICE
    return asl.task(
        asl.START_SYNC_EXECUTION,
        {"StateMachineArn": SEND_MESSAGE, "Input.$": _question(message, context)},
        timeout=ANSWER_SECONDS,
        result_path="$.send",
        retry=[asl.retrying([asl.ALL_ERRORS], attempts=3, seconds=2, most_seconds=30)],
        catch=[asl.catching(asl.ALL_ERRORS, after, result_path="$.send")],
        then=after,
    )


def _question(message: Message, context: Context) -> str:
    """The input as text: the execution's ids, these literals, how often it was deferred so far."""
    literals = {"journey": context.journey, "version": context.version, "step": message.id}
    text = json.dumps(literals)[1:-1]
    arguments = "$.braces.open, $.deferral.answer.asked, $.braces.close"
    asked = f"States.Format('{{}}{text}, \"asked\": {{}}{{}}', {arguments})"
    return f"States.JsonToString(States.JsonMerge($.ids, States.StringToJson({asked}), false))"


def _what_happened(message: Message, context: Context, attempts: str) -> asl.State:
    answered = (asl.present(_STATUS), asl.text_is(_STATUS, "SUCCEEDED"), asl.present(_OUTPUT))
    then = context.state_at(context.flow.ways[message.id][NEXT])
    final = asl.any_of(*(asl.text_like(_OUTPUT, f'*"{word}"*') for word in _ANSWERED))
    return asl.choice(
        [
            asl.leads(
                asl.every(*answered, asl.text_like(_OUTPUT, '*"deferred"*')),
                message.name + names.MESSAGE_DEFERRED,
            ),
            asl.leads(asl.every(*answered, final), then),
            asl.leads(
                asl.at_least(attempts, ASKS_WITHOUT_ANSWER), message.name + names.MESSAGE_GIVE_UP
            ),
        ],
        message.name + names.MESSAGE_AGAIN,
        comment="Deferred, decided, or no answer after all that asking; otherwise ask again.",
    )


def _give_up(message: Message, context: Context) -> asl.State:
    """The decision that nobody else could record: asked often, answered never."""
    arguments = f"{asl.ENTERED}, $.ids.execution, $.deferral.answer.asked"
    decision = f"{{}}#{{}}.{message.id}#{{}}"
    item = {
        "pk.$": "$.key.pk",
        "sk": {"S.$": f"States.Format('{keys.DECISION_PREFIX}{decision}', {arguments})"},
        "decision": {"S.$": f"States.Format('{decision}', {arguments})"},
        "message": {"S.$": f"States.Format('{{}}.{message.id}', $.ids.execution)"},
        "at": {"S.$": asl.ENTERED},
        "enrollment": {"S.$": "$.ids.enrollment"},
        "run": {"N.$": "$.run"},
        "journey": {"S": context.journey},
        "version": {"S": context.version},
        "step": {"S": message.id},
        "purpose": {"S": message.purpose or context.purpose},
        "outcome": {"S": "unknown"},
        "reason": {"S": "no_answer"},
        "rules": {"L": []},
    }
    then = context.state_at(context.flow.ways[message.id][NEXT])
    return asl.task(
        asl.PUT_ITEM,
        {"TableName": RECORDS_TABLE, "Item": item},
        timeout=DYNAMODB_SECONDS,
        retry=store_retry(),
        catch=[to_failed()],
        then=then,
    )
