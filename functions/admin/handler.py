"""admin: `GET /admin/customers/{id}`, for people with IAM access to the API."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.failures import without_values
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.settings import HashSettings, TableSettings, load
from stepwell.customers.overview import find_customer, overview
from stepwell.storage.operations import Store

logger = Logger(service="admin")


class AdminSettings(TableSettings, HashSettings):
    """All that this function is told by its environment."""


@cache
def store() -> Store:
    settings = load(AdminSettings)
    return DynamoStore(client("dynamodb"), settings.customers_table, settings.records_table)


@cache
def hasher() -> SecretHasher:
    return SecretHasher(client("secretsmanager"), load(AdminSettings).hash_secret_arn)


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    name = unquote(event["pathParameters"]["id"])
    customer = find_customer(store(), hasher(), name)
    if customer is None:
        return _answer(404, {"message": "no customer has this id, email, phone or device token"})
    logger.info("customer shown", extra={"customer": customer})
    return _answer(200, overview(store(), customer))


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }
