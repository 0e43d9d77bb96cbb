"""A hand-over as a signed POST to a declared address.

The address stands in git and was reviewed there, so it is trusted; what a customer sends never gets
into it. Redirects are not followed, certificates are verified, of the answer only the status is
read.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from stepwell.handover.destinations import Webhook
from stepwell.handover.errors import DestinationAwayError, DestinationRefusedError
from stepwell.handover.telling import HandOver
from stepwell.handover.webhooks import LOCAL_STAGE, is_on_this_machine, signed

_LATER = frozenset({408, 409, 425, 429})
"""Besides 5xx: too slow, at work on the same, too early, too many."""


@dataclass(frozen=True)
class WebhookTeller:
    """`keys` gives those of a destination, the newest first. `instead`: where all goes in the local
    stack, which sends nothing out; nothing that is deployed sets it.
    """

    stage: str
    keys: Callable[[str], Sequence[bytes]]
    instead: str = ""

    def tell(self, webhook: Webhook, hand_over: HandOver) -> str:
        """The answer's status, such as `HTTP 202`."""
        url = self._address(webhook)
        body = hand_over.text.encode()
        now = datetime.now(UTC)  # receivers compare it with their clocks
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Stepwell",
            "Idempotency-Key": hand_over.id,
            **signed(self.keys(hand_over.destination.name), hand_over.id, now, body),
        }
        status = _post(url, headers, body, webhook.timeout_seconds)
        if 200 <= status < 300:
            return f"HTTP {status}"
        is_later = status >= 500 or status in _LATER
        raise (DestinationAwayError if is_later else DestinationRefusedError)(f"HTTP {status}")

    def _address(self, webhook: Webhook) -> str:
        parts = urlsplit(webhook.url)
        here = self.stage == LOCAL_STAGE and is_on_this_machine(parts.hostname or "")
        if parts.scheme != "https" and not here:
            raise DestinationRefusedError("its address is not https")
        return webhook.url if here or not self.instead else self.instead


def _post(url: str, headers: dict[str, str], body: bytes, seconds: float) -> int:
    """The status. Errors name their kind only: their texts quote the address."""
    try:
        with urllib3.PoolManager(ssl_context=_verifying()) as pool:
            answer = pool.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=seconds),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer.close()
            return int(answer.status)
    except SSLError as error:
        raise DestinationRefusedError(type(error).__name__) from error
    except HTTPError as error:
        raise DestinationAwayError(type(error).__name__) from error


@cache
def _verifying() -> ssl.SSLContext:
    """The system's certificates. Made once: reading them takes a while."""
    return ssl.create_default_context()
