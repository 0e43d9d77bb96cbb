"""WhatsApp: End User Messaging Social's events, which know a message by the provider's id only.

https://docs.aws.amazon.com/social-messaging/latest/userguide/monitor-event-bridge.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stepwell.feedback.notices import MessageNotice
from stepwell.messages.receipts import Fate

SOURCE = "aws.social-messaging"
_FATES = {
    "WhatsApp Message Delivered": Fate.DELIVERED,
    "WhatsApp Message Read": Fate.OPENED,
    "WhatsApp Message Failed": Fate.FAILED,
    "WhatsApp Message Undeliverable": Fate.FAILED,
}
DETAIL_TYPES = tuple(_FATES)


def read_whatsapp(document: Mapping[str, Any]) -> MessageNotice | None:
    """None for what says nothing of a message of ours. Raises KeyError, TypeError, ValueError."""
    fate = _FATES.get(document["detail-type"])
    if fate is None:
        return None
    detail = document["detail"]
    return MessageNotice(
        id=document["id"],
        fate=fate,
        channel="whatsapp",
        at=datetime.fromtimestamp(int(detail["eventTimestamp"]), UTC),
        provider_id=detail["messageId"],
        customer=None,
        message=None,
        reason=_reason(detail.get("errors") or ()) if fate is Fate.FAILED else None,
        told_by_id=True,
    )


def _reason(errors: Any) -> str:
    codes = [each["code"] for each in errors if isinstance(each.get("code"), int)]
    return f"error_{codes[0]}" if codes else "undeliverable"
