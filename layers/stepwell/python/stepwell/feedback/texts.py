"""SMS: End User Messaging's delivery events, and texts that customers write.

The number may be missing in an event; the message is known by its context.
https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stepwell.customers.contacts import plain_phone
from stepwell.feedback.notices import (
    InboundText,
    MessageNotice,
    NoticeError,
    first_of,
    message_of_tag,
)
from stepwell.messages.receipts import Fate
from stepwell.messages.suppression import INVALID
from stepwell.timestamps import from_text

SOURCE = "aws.sms-voice"
STATUS = "Text Message Delivery Status Updated"
DETAIL_TYPES = (STATUS,)

_DELIVERED = ("TEXT_DELIVERED", "TEXT_SUCCESSFUL")
"""Carriers of some countries say the one, those of others the other."""
_FAILED = (
    "TEXT_INVALID",
    "TEXT_INVALID_MESSAGE",
    "TEXT_UNREACHABLE",
    "TEXT_CARRIER_UNREACHABLE",
    "TEXT_BLOCKED",
    "TEXT_CARRIER_BLOCKED",
    "TEXT_SPAM",
    "TEXT_TTL_EXPIRED",
    "TEXT_PROTECT_BLOCKED",
)
"""Not TEXT_UNKNOWN: after 72 hours without a word nobody knows, and it is not sent again."""
_NO_SUCH_NUMBER = "TEXT_INVALID"


def read_status(document: Mapping[str, Any]) -> MessageNotice | None:
    """None for what is not final, or says nothing. Raises KeyError, TypeError, ValueError."""
    detail = document["detail"]
    kind = detail["eventType"]
    if document["detail-type"] != STATUS or not detail.get("isFinal"):
        return None
    if kind not in _DELIVERED and kind not in _FAILED:
        return None
    context = detail.get("context") or {}
    number = detail.get("destinationPhoneNumber")
    failed = kind in _FAILED
    return MessageNotice(
        id=document["id"],
        fate=Fate.FAILED if failed else Fate.DELIVERED,
        channel="sms",
        at=datetime.fromtimestamp(detail["eventTimestamp"] / 1000, UTC),
        provider_id=detail["messageId"],
        customer=first_of(context, "customer"),
        message=message_of_tag(first_of(context, "message")),
        reason=kind.removeprefix("TEXT_").lower() if failed else None,
        suppresses=INVALID if kind == _NO_SUCH_NUMBER else None,
        addresses=(number,) if number else (),
    )


def is_inbound(payload: Mapping[str, Any]) -> bool:
    """Whether what SNS brought is a text of a customer."""
    return "inboundMessageId" in payload and "originationNumber" in payload


def read_inbound(payload: Mapping[str, Any], at: str) -> InboundText:
    """`at` is when SNS took it: the text itself has no time. Raises KeyError, NoticeError."""
    number = plain_phone(payload["originationNumber"])
    if number is None:
        raise NoticeError("originationNumber is no phone number")
    return InboundText(
        id=payload["inboundMessageId"],
        number=number,
        text=payload.get("messageBody") or "",
        keyword=payload.get("messageKeyword") or None,
        at=from_text(at),
    )
