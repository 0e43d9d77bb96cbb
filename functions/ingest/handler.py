"""ingest: the calls of Segment's HTTP tracking API, `POST /v1/track` and its like.

And `GET /v1/projects/{write_key}/settings`, which browsers load before their first event: here,
because this function is warm and knows the keys. A page that is left before it has its settings
loses its events.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.deployed_registry import read_registry
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.failures import without_values
from stepwell.aws.quarantine import QuarantineWriter
from stepwell.aws.settings import EventsQueueSettings, QuarantineSettings, RegistrySettings, load
from stepwell.aws.write_keys import WriteKeys
from stepwell.events.browser_settings import KEPT
from stepwell.events.intake import Answer, Intake
from stepwell.events.registry import Registry
from stepwell.events.sources import from_context

logger = Logger(service="ingest")

LOGGED_FIELDS = 20
_CHOSEN = re.compile(r"\b(properties|traits|context)\b.*", re.DOTALL)


class IngestSettings(EventsQueueSettings, RegistrySettings, QuarantineSettings):
    customers_table: str


@cache
def intake() -> Intake:
    settings = load(IngestSettings)
    write_keys = WriteKeys(DynamoStore(client("dynamodb"), settings.customers_table))
    return Intake(
        find_source=lambda key: write_keys.source(key, clock.now()),
        queue=EventsQueue(client("sqs"), settings.events_queue_url),
        new_id=_new_id,
        registry=registry,
        quarantine=QuarantineWriter(
            client("s3"), settings.quarantine_bucket, settings.registry_key, _new_id
        ),
    )


def _new_id() -> str:
    return secrets.token_hex(16)


@cache
def registry() -> Registry:
    """Read with the first event of a process; when that fails, with the next."""
    settings = load(IngestSettings)
    return read_registry(
        client("s3"), settings.programs_bucket, settings.registry_key, settings.unknown_events
    )


@without_values
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    if event["httpMethod"] == "GET":
        return _browser_settings(event)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    answer = intake().accept(
        event["path"].rstrip("/").rsplit("/", 1)[-1],
        source=from_context(_authorized(event)),
        encoding=headers.get("content-encoding"),
        body=_body(event),
        received_at=clock.now(),
    )
    _log(answer)
    return _http(answer)


def _browser_settings(event: dict[str, Any]) -> dict[str, Any]:
    context = event["requestContext"]
    answer = intake().browser_settings(
        unquote(event["pathParameters"]["write_key"]),
        domain=context.get("domainName") or "",
        path=context.get("path") or "",
    )
    _log(answer)
    kept = f"public, max-age={round(KEPT.total_seconds())}" if answer.status == 200 else "no-store"
    return _http(answer, {"Cache-Control": kept})


def _http(answer: Answer, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "statusCode": answer.status,
        "headers": {
            "Content-Type": "application/json",
            # Pages of every origin may send: what lets them in is the write key, not a cookie.
            "Access-Control-Allow-Origin": "*",
            **(headers or {}),
        },
        "body": json.dumps(answer.body),
    }


def _authorized(event: dict[str, Any]) -> dict[str, Any] | None:
    """What the authorizer said. No header counts here: a caller may write what it likes there."""
    found: dict[str, Any] | None = (event.get("requestContext") or {}).get("authorizer")
    return found


def _log(answer: Answer) -> None:
    errors = answer.body.get("errors", ())
    if answer.status != 200 or errors:
        # Below the properties a path has names that the sender chose: a map may have addresses.
        fields = [_CHOSEN.sub(r"\1", error["field"]) for error in errors[:LOGGED_FIELDS]]
        rejected = answer.body.get("rejected")
        logger.warning(
            "call refused" if answer.status != 200 else "part of a batch refused",
            extra={
                "status": answer.status,
                "rejected": rejected,
                "quarantined": answer.body.get("quarantined"),
                "fields": fields,
            },
        )


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
