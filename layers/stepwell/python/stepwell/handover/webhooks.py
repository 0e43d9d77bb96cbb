"""Signatures of webhooks, as the specification Standard Webhooks 1.0 has them.

    webhook-id, webhook-timestamp (epoch seconds), webhook-signature: v1,<base64> [v1,<base64> …]

The signature is an HMAC-SHA256 of `<id>.<timestamp>.<body>`. Each destination has a key of its own,
made of the stage's secret: who knows one cannot sign what goes to another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

LOCAL_STAGE = "local"
_PREFIX = "whsec_"


def is_on_this_machine(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def key_of(secret: str, destination: str) -> bytes:
    return hmac.new(secret.encode(), f"webhook\n{destination}".encode(), hashlib.sha256).digest()


def as_text(key: bytes) -> str:
    """As receivers' libraries take it."""
    return _PREFIX + base64.b64encode(key).decode()


def signed(keys: Iterable[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers; one signature by each key, the newest first. `at` is the real time."""
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in digests),
    }
