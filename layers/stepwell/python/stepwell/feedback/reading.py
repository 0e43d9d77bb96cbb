"""A message of the feedback queue as a notice: EventBridge's events, and SNS's of two-way SMS."""

from __future__ import annotations

import json
from typing import Any

from stepwell.feedback import email, texts, whatsapp
from stepwell.feedback.notices import Notice, NoticeError
from stepwell.messages.policies import Machines


def read_notice(body: str, machines: Machines) -> Notice | None:
    """None for what is of no concern here. Raises NoticeError for what cannot be read."""
    try:
        document = json.loads(body)
        if document.get("Type") == "Notification":
            return _of_sns(document)
        match document.get("source"):
            case email.SOURCE:
                return email.read_email(document, machines)
            case texts.SOURCE:
                return texts.read_status(document)
            case whatsapp.SOURCE:
                return whatsapp.read_whatsapp(document)
    except NoticeError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Without its text: it may quote an address.
        raise NoticeError(f"cannot be read: {type(error).__name__}") from None
    return None


def _of_sns(envelope: dict[str, Any]) -> Notice | None:
    payload = json.loads(envelope["Message"])
    if not texts.is_inbound(payload):
        return None
    return texts.read_inbound(payload, envelope["Timestamp"])
