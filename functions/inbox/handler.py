"""inbox: `GET /v1/inbox` shows a user's messages, `POST /v1/inbox/{id}/{what}` marks one.

Who the user is says a token that the app's backend has signed. It ends by real time, also where
the local stack's clock runs ahead: backends have no other.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.failures import described, without_values
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.settings import EventsQueueSettings, HashSettings, TableSettings, load
from stepwell.aws.shared_keys import SharedKeys
from stepwell.events.intake import QueueUnavailableError
from stepwell.messages.inbox import LARGEST_PAGE, PAGE, Mark, Owner, find_owner, mark, show
from stepwell.messages.inbox_token import BadTokenError, SignatureError, read_token
from stepwell.storage.operations import StoreBusyError

logger = Logger(service="inbox")

_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    # Pages of every origin may ask: what lets them in is the token, not a cookie.
    "Access-Control-Allow-Origin": "*",
}


class InboxSettings(TableSettings, HashSettings, EventsQueueSettings):
    inbox_key_arn: str


@cache
def store() -> DynamoStore:
    settings = load(InboxSettings)
    return DynamoStore(client("dynamodb"), settings.customers_table, settings.records_table)


@cache
def queue() -> EventsQueue:
    return EventsQueue(client("sqs"), load(InboxSettings).events_queue_url)


@cache
def hasher() -> SecretHasher:
    return SecretHasher(client("secretsmanager"), load(InboxSettings).hash_secret_arn)


@cache
def inbox_keys() -> SharedKeys:
    return SharedKeys(client("secretsmanager"), load(InboxSettings).inbox_key_arn)


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    try:
        user = _user(headers.get("authorization"), datetime.now(UTC))
        owner = find_owner(store(), user, hasher())
        if event["httpMethod"] == "POST":
            return _mark(owner, event["pathParameters"])
        return _show(owner, event.get("queryStringParameters") or {})
    except BadTokenError as error:
        logger.warning("token refused", extra={"why": str(error)})
        return _refuse(401, "unauthorized", str(error))
    except (QueueUnavailableError, StoreBusyError) as error:
        said = {"failure": described(error)}
        logger.error("inbox away", extra=said)  # noqa: TRY400 - without the error's own words
        return _refuse(503, "unavailable", "the inbox is away just now, try again")


def _user(authorization: str | None, now: datetime) -> str:
    """Raises BadTokenError."""
    try:
        return read_token(authorization, inbox_keys().keys(now), now)
    except SignatureError:
        return read_token(authorization, inbox_keys().keys(now, newer=True), now)


def _show(owner: Owner | None, query: dict[str, str]) -> dict[str, Any]:
    try:
        limit, after = int(query.get("limit", PAGE)), _unpacked(query.get("after"))
    except ValueError:
        limit, after = 0, None
    if not 1 <= limit <= LARGEST_PAGE:
        said = f"`limit` is a number from 1 to {LARGEST_PAGE}, `after` what `next` of a page was"
        return _refuse(400, "invalid", said)
    if owner is None:
        return _answer(200, {"messages": [], "next": None})
    page = show(store(), owner, clock.now(), limit=limit, after=after)
    return _answer(200, {"messages": page.messages, "next": _packed(page.after)})


def _mark(owner: Owner | None, parameters: dict[str, str]) -> dict[str, Any]:
    try:
        what = Mark(parameters["what"])
    except ValueError:
        return _refuse(404, "not_found", f"a message is marked {', '.join(Mark)}, nothing else")
    found = owner is not None and mark(
        store(), owner, parameters["id"], what, send=queue().send, now=clock.now()
    )
    if not found:
        return _refuse(404, "not_found", "this user has no such message")
    return _answer(200, {"success": True})


def _packed(place: str | None) -> str | None:
    return base64.urlsafe_b64encode(place.encode()).decode() if place else None


def _unpacked(text: str | None) -> str | None:
    """Raises ValueError."""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode() if text else None
    except binascii.Error as error:
        raise ValueError(text) from error


def _refuse(status: int, code: str, message: str) -> dict[str, Any]:
    return _answer(status, {"success": False, "code": code, "message": message})


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": dict(_HEADERS), "body": json.dumps(body)}
