"""Suppressions: addresses that take no messages, whichever customers have them.

One opt-out, bounce or complaint covers the address wherever it appears, so each is kept by a keyed
hash of the address and not with a customer.

    SUPPRESSION   <reason>   {"at", "proof"}: when it was last told, and the event that told it

Reasons of `FOR_ALL` end everything on the channel; `unsubscribe#<purpose>` ends one purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.messages.reach import NOTHING_SUPPRESSED, Suppressed, addresses_on
from stepwell.ports import Hasher
from stepwell.storage.operations import Item, Key, Store, Update
from stepwell.timestamps import to_text

BOUNCE = "bounce"
COMPLAINT = "complaint"
STOP = "stop"
INVALID = "invalid"
FOR_ALL = (BOUNCE, COMPLAINT, STOP, INVALID)


def unsubscribed_from(purpose: str) -> str:
    """The reason of somebody who wants no more messages of one purpose."""
    return f"unsubscribe#{purpose}"


def suppression_key(channel: str, address: str, hasher: Hasher) -> Key:
    """Emails are compared in small letters."""
    plain = address.strip().lower() if channel == "email" else address.strip()
    return keys.suppression(channel, hasher(f"suppression#{channel}", plain))


def read_suppressed(
    store: Store,
    profile: Mapping[str, Any],
    channels: Sequence[str],
    purpose: str,
    hasher: Hasher,
) -> Suppressed:
    """What is suppressed of the profile's addresses on these channels, in one read."""
    places = [(channel, each) for channel in channels for each in addresses_on(profile, channel)]
    if not places:
        return NOTHING_SUPPRESSED
    by_key = {suppression_key(*place, hasher): place for place in places}
    found = store.get_many(by_key)
    reasons = ((by_key[key], _reason(item, purpose)) for key, item in found.items())
    return Suppressed({place: reason for place, reason in reasons if reason is not None})


def suppressing(key: Key, reason: str, *, at: datetime, proof: str) -> Update:
    """The write that suppresses an address; `proof` is the id of what told so."""
    return Update(key, {reason: {"at": to_text(at), "proof": proof}})


def _reason(item: Item, purpose: str) -> str | None:
    return next((each for each in (*FOR_ALL, unsubscribed_from(purpose)) if each in item), None)
