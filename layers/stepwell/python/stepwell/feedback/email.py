"""SES's events as EventBridge brings them. https://docs.aws.amazon.com/ses/latest/dg/
event-publishing-retrieving-sns-contents.html has the shapes of `detail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from stepwell.feedback.notices import MessageNotice, first_of, message_of_tag
from stepwell.messages.policies import Machines
from stepwell.messages.receipts import Fate
from stepwell.messages.suppression import BOUNCE, COMPLAINT
from stepwell.timestamps import from_text

SOURCE = "aws.ses"
DELIVERED, BOUNCED, COMPLAINED = "Email Delivered", "Email Bounced", "Email Complaint Received"
OPENED, CLICKED = "Email Opened", "Email Clicked"
REJECTED, NOT_RENDERED = "Email Rejected", "Email Rendering Failed"
DETAIL_TYPES = (DELIVERED, BOUNCED, COMPLAINED, OPENED, CLICKED, REJECTED, NOT_RENDERED)

_PARTS = {
    DELIVERED: "delivery",
    BOUNCED: "bounce",
    COMPLAINED: "complaint",
    OPENED: "open",
    CLICKED: "click",
}
_FATES = {
    DELIVERED: Fate.DELIVERED,
    BOUNCED: Fate.FAILED,
    COMPLAINED: Fate.COMPLAINED,
    OPENED: Fate.OPENED,
    CLICKED: Fate.CLICKED,
    REJECTED: Fate.FAILED,
    NOT_RENDERED: Fate.FAILED,
}
_NO_COMPLAINT = "not-spam"
"""Somebody took a message out of their spam folder; it comes as a complaint too."""


def read_email(document: Mapping[str, Any], machines: Machines) -> MessageNotice | None:
    """None for an event that says nothing new. Raises KeyError, TypeError, ValueError."""
    kind, detail = document["detail-type"], document["detail"]
    if kind not in _FATES:
        return None
    mail, part = detail["mail"], detail.get(_PARTS.get(kind, "")) or {}
    if kind == COMPLAINED and part.get("complaintFeedbackType") == _NO_COMPLAINT:
        return None
    sent_at = from_text(mail["timestamp"])
    at = from_text(part.get("timestamp") or document["time"])
    tags = mail.get("tags") or {}
    return MessageNotice(
        id=document["id"],
        fate=_FATES[kind],
        channel="email",
        at=at,
        provider_id=mail["messageId"],
        customer=first_of(tags, "customer"),
        message=message_of_tag(first_of(tags, "message")),
        reason=_reason(kind, part),
        link=_plain_link(part["link"]) if kind == CLICKED else None,
        by_machine=_is_machine(part, machines, at - sent_at),
        suppresses=_suppresses(kind, part),
        addresses=_addresses(kind, part),
    )


def _reason(kind: str, part: Mapping[str, Any]) -> str | None:
    match kind:
        case "Email Bounced":
            return f"bounce_{part['bounceType']}_{part['bounceSubType']}".lower()
        case "Email Complaint Received":
            return part.get("complaintFeedbackType") or part.get("complaintSubType") or "complaint"
        case "Email Rejected":
            return "rejected"
        case "Email Rendering Failed":
            return "rendering_failed"
    return None


def _suppresses(kind: str, part: Mapping[str, Any]) -> str | None:
    """A mailbox that is full today is no dead one: only what is permanent ends an address."""
    if kind == COMPLAINED:
        return COMPLAINT
    return BOUNCE if kind == BOUNCED and part["bounceType"] == "Permanent" else None


def _addresses(kind: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    name = {BOUNCED: "bouncedRecipients", COMPLAINED: "complainedRecipients"}.get(kind, "")
    return tuple(_bare(each["emailAddress"]) for each in part.get(name, ()))


def _bare(address: str) -> str:
    """Without the name that a bounce may have before it: `Ada <ada@example.com>`."""
    return address.rpartition("<")[2].removesuffix(">")


def _plain_link(link: str) -> str:
    """Without what follows a question mark: links carry tokens and addresses there."""
    return urlsplit(link)._replace(query="", fragment="").geturl()


def _is_machine(part: Mapping[str, Any], machines: Machines, after: timedelta) -> bool:
    agent = part.get("userAgent")
    return isinstance(agent, str) and machines.did(agent, after)
