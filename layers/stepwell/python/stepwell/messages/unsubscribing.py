"""Links that end the messages of one purpose to one address: made, read, and carried out.

    <public url>/v1/unsubscribe?t=<payload>.<signature>

The payload is base64url of a JSON list: customer, purpose, channel, message, and the keyed hash by
which the address is suppressed. Nothing of it is personal, and the signature, a hash with the
stage's secret under a name of its own, lets nobody make another one. The address's hash is in it
because whoever reads the message has that address, whoever the customer is by then. Links do not
expire: somebody who finds an old message may still want no more of them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.customers.people import read_person
from stepwell.events.model import CONSENT_EVENT, Event
from stepwell.events.told import inside_event
from stepwell.messages.consent import granted_at
from stepwell.messages.suppression import suppressing, unsubscribed_from
from stepwell.ports import Hasher
from stepwell.storage.operations import (
    ConditionFailedError,
    Item,
    Store,
    StoreBusyError,
    absent,
    equals,
)
from stepwell.timestamps import from_text
from stepwell.values import value

PATH = "/v1/unsubscribe"
_KIND = "unsubscribe_link"
"""What the signature is a hash of; no identity and no address is hashed under this name."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1000}\.[0-9a-f]{32}")


_TRIES = 5


class BadLinkError(Exception):
    """The token is none that this stage has signed, or not all of one."""


@value
class Link:
    """`message` is the message that it stands in; `address` the address's keyed hash."""

    customer: str
    purpose: str
    channel: str
    message: str
    address: str


def url_of(link: Link, public_url: str, hasher: Hasher) -> str:
    return f"{public_url}{PATH}?t={make_token(link, hasher)}"


def make_token(link: Link, hasher: Hasher) -> str:
    parts = [link.customer, link.purpose, link.channel, link.message, link.address]
    packed = json.dumps(parts, separators=(",", ":")).encode()
    payload = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return f"{payload}.{hasher(_KIND, payload)}"


def read_token(token: str, hasher: Hasher) -> Link:
    """What `make_token` made. Raises BadLinkError."""
    if not _TOKEN.fullmatch(token):
        raise BadLinkError
    payload, _, signature = token.partition(".")
    if not hmac.compare_digest(hasher(_KIND, payload), signature):
        raise BadLinkError
    try:
        parts = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Link(*parts)
    except (binascii.Error, ValueError, TypeError) as error:  # of a version that this is not
        raise BadLinkError from error


def unsubscribe(
    link: Link, *, store: Store, send: Callable[[Sequence[Event]], None], now: datetime
) -> None:
    """Suppress the address for the purpose, then tell the customer's journeys by an event.

    However often it is done, and whoever dies in between: the suppression keeps when it was first
    asked for and by which message, and the event is named by these. Raises StoreBusyError, and what
    `send` raises; the suppression holds then, and doing it again sends the event.
    """
    customer, profile = read_person(store, link.customer)
    said_yes = granted_at(store.get(keys.consents(customer)), link.purpose, link.channel)
    told = _suppress(store, link, said_yes, now)
    send([_event(link, told, profile, now)])


def _suppress(store: Store, link: Link, said_yes: str, now: datetime) -> Mapping[str, Any]:
    """When it was first asked for since the customer last said yes, and the proof."""
    reason = unsubscribed_from(link.purpose)
    key = keys.suppression(link.channel, link.address)
    write = suppressing(key, reason, at=now, proof=link.message)
    condition = absent(reason)
    for _ in range(_TRIES):
        try:
            item = store.write(write._replace(conditions=(condition,)))
        except ConditionFailedError as error:
            item = error.items[0] or {}
            if reason in item and said_yes > item[reason]["at"]:
                condition = equals(reason, item[reason])
                continue
        told: Mapping[str, Any] = item[reason]
        return told
    raise StoreBusyError("an address is suppressed by many at once")


def _event(link: Link, told: Mapping[str, Any], person: Item, now: datetime) -> Event:
    """With the person's own ids besides: profiles that are made anew from the archive have others
    inside.
    """
    return inside_event(
        f"unsubscribe-{link.purpose}-{link.channel}-{told['proof']}-{told['at']}",
        CONSENT_EVENT,
        link.customer,
        {
            "purpose": link.purpose,
            "channel": link.channel,
            "status": "revoked",
            "proof": {"form": "unsubscribe link", "message": link.message},
        },
        at=from_text(told["at"]),
        received_at=now,
        user_id=person.get("user_id"),
        anonymous_id=next(iter(reversed(person.get("anonymous_ids", ()))), None),
    )
