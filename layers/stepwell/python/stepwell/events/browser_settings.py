"""What Segment's SDK for browsers asks for before it sends anything: where to send, and how.

It loads `<cdnURL>/v1/projects/<write key>/settings`. The address in the answer is the one that the
API was called by, as API Gateway tells it; what a header says does not count.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from stepwell.values import value

KEPT = timedelta(hours=1)
"""How long browsers need not ask again, and so how long a change of these settings may take."""

BATCH_EVENTS = 10
"""With what the SDK adds to an event, about a quarter of the 64 KB that may outlive a page."""
BATCH_WAIT = timedelta(seconds=2)
"""Long enough for what a page says while it loads; what a crash of the browser may cost."""

_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+", re.IGNORECASE)
_THIS_MACHINE = re.compile(r"(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?")
"""No API on AWS has such a name: it is the local stack, which speaks plain HTTP."""
_PATH = re.compile(r"((?:/[A-Za-z0-9_$.+!*'()~-]+)*)/v1/projects/[^/]+/settings/?")
"""Before `/v1` stands the stage, in the API's own address, or what a domain's mapping adds."""


@value
class Address:
    """`host` is as the SDK wants it: with the path before the calls' names, without a scheme."""

    scheme: str
    host: str


def read_address(domain: str, path: str) -> Address | None:
    """From `domainName` and `path` of API Gateway's request context; None for what is neither."""
    found = _PATH.fullmatch(path)
    if not found:
        return None
    if _THIS_MACHINE.fullmatch(domain):
        return Address("http", f"{domain}{found[1]}/v1")
    if _DOMAIN.fullmatch(domain):
        return Address("https", f"{domain}{found[1]}/v1")
    return None


def settings_document(write_key: str, address: Address) -> dict[str, Any]:
    """The document. Its one integration is Stepwell, under the name that the SDK knows it by.

    A rate of 0 keeps the SDK from reporting its own metrics, which would go to Segment.
    """
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": address.host,
                "protocol": address.scheme,
                "deliveryStrategy": {
                    "strategy": "batching",
                    "config": {
                        "size": BATCH_EVENTS,
                        "timeout": round(BATCH_WAIT.total_seconds() * 1000),
                        "keepalive": True,
                    },
                },
            }
        },
        "metrics": {"sampleRate": 0},
    }
