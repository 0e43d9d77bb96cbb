"""News of what the providers took.

moto keeps email, texts and push messages each in its own place, without a time, and of an email one
part only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.sesv2.responses import SESV2Response
from moto.sns.models import SNSBackend

from infra.local.clock import StepClock
from infra.local.moto_patches.replacing import Patches


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a provider accepted. `content` by field: subject, text, html, title, body."""

    at: datetime
    channel: str
    address: str
    content: Mapping[str, str]


OnTaken = Callable[[Taken], None]


def install(patches: Patches, clock: StepClock, on_taken: OnTaken) -> None:
    send_email, publish = SESV2Response.send_email, SNSBackend.publish

    def _send_email(self: Any) -> str:
        answer = send_email(self)
        request = json.loads(self.body)
        address = ", ".join(request["Destination"].get("ToAddresses", ()))
        on_taken(Taken(clock.now(), "email", address, _email(request["Content"])))
        return answer

    def _publish(
        self: Any,
        message: str,
        arn: str | None = None,
        phone_number: str | None = None,
        *args: Any,
        **more: Any,
    ) -> str:
        answer = publish(self, message, arn, phone_number, *args, **more)
        if phone_number:
            on_taken(Taken(clock.now(), "sms", phone_number, {"body": message}))
        elif arn in self.platform_endpoints:
            token = str(self.platform_endpoints[arn].token)
            on_taken(Taken(clock.now(), "push", token, _push(message)))
        return answer

    patches.replace(SESV2Response, "send_email", _send_email)
    patches.replace(SNSBackend, "publish", _publish)


def _email(content: Mapping[str, Any]) -> dict[str, str]:
    simple = content.get("Simple")
    if simple is None:
        return {}
    parts = {name.lower(): part["Data"] for name, part in simple["Body"].items()}
    return {"subject": simple["Subject"]["Data"], **parts}


def _push(message: str) -> dict[str, str]:
    """What a phone shows, from the payload for Android, which has every field."""
    try:
        notification: dict[str, str] = json.loads(json.loads(message)["GCM"])["notification"]
    except (ValueError, KeyError, TypeError):
        return {"body": message}
    return notification
