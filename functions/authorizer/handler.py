"""authorizer: whose write key does a call have, before anything else is done with it."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.authorizer import UnauthorizedError, allowed
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.failures import without_values
from stepwell.aws.settings import Settings, load
from stepwell.aws.write_keys import WriteKeys
from stepwell.events.sources import basic_user, usage_key

logger = Logger(service="authorizer")


class AuthorizerSettings(Settings):
    stage: str
    customers_table: str


@cache
def write_keys() -> WriteKeys:
    return WriteKeys(DynamoStore(client("dynamodb"), load(AuthorizerSettings).customers_table))


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """API Gateway's REQUEST event in, what it allows out. Raises UnauthorizedError.

    A call whose header names no write key passes: it may have one in its body, which an authorizer
    does not see and ingest looks at.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    key = basic_user(headers.get("authorization"))
    source = write_keys().source(key, clock.now()) if key else None
    if key and source is None:
        logger.warning("unknown write key")
        raise UnauthorizedError
    return allowed(event["methodArn"], source, usage_key(load(AuthorizerSettings).stage))
