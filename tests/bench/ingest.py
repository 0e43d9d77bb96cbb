"""Events per second and core that ingest takes: the real handler, from API Gateway's event to the
queue's messages, with a queue that costs nothing.

A call is a batch of 100 track events as a shop's server or page sends them, about 900 bytes each.
"""

from __future__ import annotations

import json
import time
from typing import Any

from tests.bench.measurement import Measurement
from tests.support.free_queue import sending_to
from tests.support.stage import PREFIX, Stage

EVENTS = 100
ROUNDS = 60
SHARED_CALLS = 2_500


class Nothing:
    """Stands for an SQS client and takes all."""

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        return {"Successful": [{"Id": each["Id"]} for each in Entries]}


def measure() -> list[Measurement]:
    with Stage() as stage, sending_to(stage, Nothing()):
        handler = stage.engine.functions.handler(f"{PREFIX}ingest")
        batch = _call("batch", {"sentAt": _at(59), "batch": [_event(n) for n in range(EVENTS)]})
        single = _call("track", _event(1))
        words = [f"word {number}" for number in range(230)]
        bare = {"type": "track", "userId": "u", "event": "A"}
        shared = _call("batch", {"context": {"words": words}, "batch": [bare] * SHARED_CALLS})
        batches = _seconds(handler, batch, ROUNDS)
        singles = _seconds(handler, single, ROUNDS * 10)
        common = _seconds(handler, shared, 2)
    size = len(batch["body"]) / EVENTS
    told = f"of {size:.0f} bytes, {EVENTS} a call"
    common_kb = len(json.dumps(words)) / 1024
    return [
        Measurement("ingest", "events in batches", EVENTS / batches, "/s·core", None, told),
        Measurement("ingest", "events one by one", 1 / singles, "/s·core", None, "without HTTP"),
        Measurement(
            "ingest",
            "largest batch, its context for all",
            common,
            "s",
            None,
            f"{SHARED_CALLS:,} calls, {common_kb:.0f} KB in common with each",
        ),
    ]


def _seconds(handler: Any, event: dict[str, Any], rounds: int) -> float:
    """CPU time of one call. The best of three: what else the machine does only makes it longer."""
    assert handler(event, None)["statusCode"] == 200
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for _ in range(rounds):
            handler(event, None)
        best = min(best, (time.process_time() - started) / rounds)
    return best


def _call(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """What API Gateway hands on, once the authorizer has found the source."""
    return {
        "path": f"/v1/{kind}",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "requestContext": {
            "authorizer": {
                "principalId": "shop",
                "source": "shop",
                "types": "alias,group,identify,page,screen,track",
            }
        },
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }


def _at(second: int) -> str:
    return f"2026-11-24T21:13:{second:02d}.123Z"


def _event(number: int) -> dict[str, Any]:
    product = number % 97
    return {
        "type": "track",
        "event": "Product Added",
        "userId": f"user-{number % 37}",
        "anonymousId": f"5f0c{number % 41:04d}-6a1e-4b6e-9d3e-0c2f6f1b7a11",
        "messageId": f"node-next-{1_732_482_000_000 + number}-9c1f2b7e",
        "timestamp": _at(number % 50),
        "properties": {
            "cart_id": f"c-{number}",
            "product_id": f"dress-{product}",
            "name": "Silk midi dress",
            "brand": "Atelier",
            "category": "dresses",
            "price": 280.0,
            "quantity": 1,
            "cart_value": 280.0,
            "currency": "EUR",
            "url": f"https://shop.example/p/dress-{product}",
        },
        "context": {
            "library": {"name": "@segment/analytics-node", "version": "2.3.0"},
            "page": {
                "url": f"https://shop.example/p/dress-{product}?utm_source=mail",
                "path": f"/p/dress-{product}",
                "title": "Silk midi dress, Atelier, été",
                "referrer": "https://www.google.com/",
            },
            "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Safari/605.1",
            "locale": "fr-FR",
            "timezone": "Europe/Paris",
            "screen": {"width": 390, "height": 844},
        },
    }
