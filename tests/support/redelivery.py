"""Queues worked off as AWS does it: what failed comes again, up to a number of times."""

from __future__ import annotations

from typing import Any

from infra.local.event_sources import failed_ids, record
from tests.support.stage import PREFIX, Stage

ATTEMPTS = 4
"""Receptions of a message before it becomes a dead letter (`infra.constructs.queue`)."""


class DeadLetterError(AssertionError):
    """A message failed as often as it may."""


def redeliver(stage: Stage, function: str, bodies: list[str]) -> int:
    """Hand a batch to a function until nothing of it fails; how often it took.

    Raises DeadLetterError.
    """
    left = [_record(number, body) for number, body in enumerate(bodies)]
    for attempt in range(1, ATTEMPTS + 1):
        result, error = stage.engine.try_invoke(PREFIX + function, {"Records": left})
        told = [{"MessageId": each["messageId"]} for each in left]
        failed = failed_ids(result, error, told, partial=True)
        left = [each for each in left if each["messageId"] in failed]
        if not left:
            return attempt
    raise DeadLetterError(f"{function}: {[each['body'] for each in left]}")


def work_off_commands(stage: Stage) -> int:
    """Let the commands function take all that is queued for it; how many messages it took."""
    queue, url, taken = stage.engine.client("sqs"), stage.commands_url, 0
    while messages := queue.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            if count > ATTEMPTS:
                raise DeadLetterError(message["Body"])
        event = {"Records": [record(each, "commands") for each in messages]}
        result, error = stage.engine.try_invoke(PREFIX + "commands", event)
        failed = failed_ids(result, error, messages, partial=True)
        for message in messages:
            handle = message["ReceiptHandle"]
            if message["MessageId"] in failed:
                queue.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
                )
            else:
                queue.delete_message(QueueUrl=url, ReceiptHandle=handle)
        taken += len(messages) - len(failed)
    return taken


def _record(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": str(number),
        "body": body,
        "attributes": {"MessageGroupId": "g", "SequenceNumber": str(number)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
