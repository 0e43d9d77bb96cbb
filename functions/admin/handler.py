"""admin: what operators ask of the customers, for people with IAM access to the API.

They may as well invoke the function itself, with the same event.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.failures import without_values
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.profiles import ScannedProfiles
from stepwell.aws.programs import read_text
from stepwell.aws.settings import HashSettings, ProgramSettings, TableSettings, load
from stepwell.customers.inquiries import CUSTOMER, Inquiries, Question
from stepwell.messages.policies import load_policies

logger = Logger(service="admin")


class AdminSettings(TableSettings, HashSettings, ProgramSettings):
    """All that this function is told by its environment."""


@cache
def inquiries() -> Inquiries:
    settings = load(AdminSettings)
    policies = read_text(client("s3"), settings.programs_bucket, settings.policies_key)
    return Inquiries(
        store=DynamoStore(client("dynamodb"), settings.customers_table, settings.records_table),
        hasher=SecretHasher(client("secretsmanager"), settings.hash_secret_arn),
        profiles=ScannedProfiles(client("dynamodb"), settings.customers_table),
        rules=load_policies(policies).profile,
        version=settings.policies_key.rpartition("/")[2].removesuffix(".json"),
    )


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    question = _question(event)
    status, document = inquiries().answer(question, clock.now())
    told = {"resource": question.resource, "status": status}
    if isinstance(customer := document.get("customer"), str):
        told["customer"] = customer
    logger.info("answered", extra=told)
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(document),
    }


def _question(event: dict[str, Any]) -> Question:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode(errors="replace")
    parameters = event.get("pathParameters") or {}
    return Question(
        resource=event.get("resource") or CUSTOMER,
        name=unquote(parameters.get("id") or parameters.get("name") or ""),
        query=event.get("queryStringParameters"),
        body=body,
    )
