"""Receipts: what became of a message after it went out, as changes of its record and as events.

Whoever hears of a message's fate (a provider's notice, the in-app inbox) makes a `Receipt` of it
and calls these. Receipts come twice and out of order: the record keeps the earliest moment of each
kind and goes back on none, and the same receipt is the same event. Pure.

    MESSAGE   delivered_at, opened_at, clicked_at, dismissed_at, complained_at, failed_at
                             when it was told so first, ISO 8601; there is one of each a message
              machine_opened_at, machine_clicked_at      the same, by a program instead of a person
              failure        {"channel", "reason"} of the failure at `failed_at`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from stepwell.events.model import Event, digest
from stepwell.events.told import inside_event
from stepwell.storage.operations import Conditions, Item, absent, equals
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

MESSAGE_REPLIED = "Message Replied"
"""A text of a customer to one of the numbers that messages come from."""


class Fate(StrEnum):
    """What may become of a message that went out; the values are what holds call it."""

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    DISMISSED = "dismissed"
    FAILED = "failed"
    COMPLAINED = "complained"


EVENT_NAMES = {
    Fate.DELIVERED: "Message Delivered",
    Fate.OPENED: "Message Opened",
    Fate.CLICKED: "Message Clicked",
    Fate.DISMISSED: "Message Dismissed",
    Fate.FAILED: "Message Failed",
    Fate.COMPLAINED: "Message Complained",
}
MACHINE_EVENT_NAMES = {
    Fate.OPENED: "Message Opened By Machine",
    Fate.CLICKED: "Message Clicked By Machine",
}
"""Names of their own, so that a journey that awaits an open is not woken by a mail server."""

FATES_TOLD: Mapping[str, frozenset[Fate]] = {
    "email": frozenset({Fate.DELIVERED, Fate.OPENED, Fate.CLICKED, Fate.FAILED}),
    "sms": frozenset({Fate.DELIVERED, Fate.FAILED}),
    "whatsapp": frozenset({Fate.DELIVERED, Fate.OPENED, Fate.FAILED}),
    "in_app": frozenset({Fate.OPENED, Fate.CLICKED, Fate.DISMISSED}),
    "push": frozenset(),
}
"""What is ever told of a message that went by a channel, for holds that wait for it. Of a push
nothing is: that a token takes nothing any more is the answer of the send.
"""

_MANY_TIMES = {Fate.OPENED, Fate.CLICKED}
"""A message may be opened again, and that is another event; it is delivered once."""
_FROM_RECORD = ("message", "step", "journey", "version", "execution", "enrollment", "run")


@value
class Receipt:
    """What somebody told about one message. `origin` is the provider's id of the message, so that
    what each of two channels told is told apart; `reason` and `link` are where there are such.
    """

    fate: Fate
    channel: str
    at: datetime
    origin: str
    reason: str | None = None
    link: str | None = None
    by_machine: bool = False

    @property
    def event_name(self) -> str:
        return MACHINE_EVENT_NAMES[self.fate] if self.by_machine else EVENT_NAMES[self.fate]

    @property
    def attribute(self) -> str:
        """Of the MESSAGE item, with the moment."""
        return f"machine_{self.fate}_at" if self.by_machine else f"{self.fate}_at"


def fate_of(event_name: str) -> Fate:
    """Raises KeyError for the name of no such event."""
    return {name: fate for fate, name in EVENT_NAMES.items()}[event_name]


def fates_told(channels: Iterable[str]) -> frozenset[Fate]:
    """What some of these channels tell."""
    nothing: frozenset[Fate] = frozenset()
    return nothing.union(*(FATES_TOLD.get(channel, nothing) for channel in channels))


def changes_by(receipt: Receipt, message: Item) -> dict[str, Any]:
    """What the receipt sets in the MESSAGE item; nothing when it is known, or of a later moment
    than what is known.
    """
    known, at = message.get(receipt.attribute), to_text(receipt.at)
    if known is not None and known <= at:
        return {}
    changes: dict[str, Any] = {receipt.attribute: at}
    if receipt.fate is Fate.FAILED:
        changes["failure"] = {"channel": receipt.channel, "reason": receipt.reason}
    return changes


def unchanged_since(receipt: Receipt, message: Item) -> Conditions:
    """That the moment which the receipt may replace is still the one that was read."""
    known = message.get(receipt.attribute)
    return (equals(receipt.attribute, known) if known else absent(receipt.attribute),)


def event_of(receipt: Receipt, customer: str, message: Item, received_at: datetime) -> Event:
    """The event that a receipt is, with the step it is about and no address.

    `customer` is the one in whose partition the MESSAGE item lies: the router finds who they are
    now.
    """
    at = min(receipt.at, received_at)
    return inside_event(
        _event_id(receipt, message["message"]),
        receipt.event_name,
        customer,
        {
            **{name: message[name] for name in _FROM_RECORD if name in message},
            "channel": receipt.channel,
            "purpose": message["purpose"],
            **{
                name: each
                for name, each in (("reason", receipt.reason), ("link", receipt.link))
                if each is not None
            },
        },
        at=at,
        received_at=received_at,
    )


def _event_id(receipt: Receipt, message_id: str) -> str:
    parts = [receipt.event_name, message_id, receipt.channel, receipt.origin]
    if receipt.fate in _MANY_TIMES:
        parts += [to_text(receipt.at), receipt.link or ""]
    return f"{receipt.fate}-{digest(*parts)}"


def first_moment(message: Item, *fates: Fate) -> datetime | None:
    """When the earliest of these became of the message, by a person's doing."""
    moments = [message[f"{each}_at"] for each in fates if f"{each}_at" in message]
    return from_text(min(moments)) if moments else None
