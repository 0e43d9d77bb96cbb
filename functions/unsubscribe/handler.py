"""unsubscribe: `GET /v1/unsubscribe?t=…` asks, `POST` does it. No key is needed but the link.

Any POST with a good link counts, whatever its body: mail programs send
`List-Unsubscribe=One-Click` (RFC 8058), the page's form the same, and nobody's wish should fail
over a body.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.failures import described, without_values
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.settings import EventsQueueSettings, HashSettings, load
from stepwell.events.intake import QueueUnavailableError
from stepwell.messages import unsubscribe_page as page
from stepwell.messages.unsubscribing import BadLinkError, read_token, unsubscribe
from stepwell.storage.operations import StoreBusyError

logger = Logger(service="unsubscribe")


class UnsubscribeSettings(EventsQueueSettings, HashSettings):
    customers_table: str


@cache
def store() -> DynamoStore:
    return DynamoStore(client("dynamodb"), load(UnsubscribeSettings).customers_table)


@cache
def queue() -> EventsQueue:
    return EventsQueue(client("sqs"), load(UnsubscribeSettings).events_queue_url)


@cache
def hasher() -> SecretHasher:
    return SecretHasher(client("secretsmanager"), load(UnsubscribeSettings).hash_secret_arn)


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """API Gateway's proxy event in, a page out."""
    token = (event.get("queryStringParameters") or {}).get("t") or ""
    try:
        link = read_token(token, hasher())
    except BadLinkError:
        logger.warning("unknown unsubscribe link")
        return _answer(400, page.unknown_link())
    if event["httpMethod"] != "POST":
        return _answer(200, page.question(link))
    try:
        unsubscribe(link, store=store(), send=queue().send, now=clock.now())
    except (QueueUnavailableError, StoreBusyError) as error:
        said = {"message_id": link.message, "failure": described(error)}
        logger.error("not unsubscribed", extra=said)  # noqa: TRY400 - without the error's own words
        return _answer(503, page.not_now())
    logger.info("unsubscribed", extra={"message_id": link.message, "channel": link.channel})
    return _answer(200, page.done(link))


def _answer(status: int, body: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": dict(page.HEADERS), "body": body}
