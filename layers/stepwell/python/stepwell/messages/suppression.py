"""Suppressions: addresses that take no messages, whichever customers have them.

One opt-out, bounce or complaint covers the address wherever it appears, so each is kept by a keyed
hash of the address and not with a customer.

    SUPPRESSION   <reason>   {"at", "proof"}: when it was last told, and the event that told it
                  stopped_at, started_at    when the last opt-out and opt-in were written, so that
                                            neither undoes a later one by coming late

Reasons of `FOR_ALL` end everything on the channel; `unsubscribe#<purpose>` ends one purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.messages.reach import NOTHING_SUPPRESSED, Suppressed, addresses_on
from stepwell.ports import Hasher
from stepwell.storage.operations import (
    AnyOf,
    Condition,
    Item,
    Key,
    Store,
    Test,
    Update,
    absent,
)
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
    return keys.suppression(channel, address_hash(channel, address, hasher))


def address_hash(channel: str, address: str, hasher: Hasher) -> str:
    """What stands for an address in keys and records. Emails are compared in small letters."""
    plain = address.strip().lower() if channel == "email" else address.strip()
    return hasher(f"suppression#{channel}", plain)


def read_suppressed(
    store: Store,
    profile: Mapping[str, Any],
    channels: Sequence[str],
    purpose: str,
    hasher: Hasher,
    granted_at: Callable[[str], str],
) -> Suppressed:
    """What is suppressed of the profile's addresses on these channels, in one read.

    Whoever has unsubscribed and said yes again later is written to: `granted_at` gives when the
    customer said so for a channel, "" for never. It is asked only where it matters.
    """
    places = [(channel, each) for channel in channels for each in addresses_on(profile, channel)]
    if not places:
        return NOTHING_SUPPRESSED
    by_key = {suppression_key(*place, hasher): place for place in places}
    found = store.get_many(by_key)
    reasons = (
        (by_key[key], _reason(item, purpose, by_key[key][0], granted_at))
        for key, item in found.items()
    )
    return Suppressed({place: reason for place, reason in reasons if reason is not None})


def suppressing(key: Key, reason: str, *, at: datetime, proof: str) -> Update:
    """The write that suppresses an address; `proof` is the id of what told so."""
    return Update(key, {reason: {"at": to_text(at), "proof": proof}})


def stopping(key: Key, *, at: datetime, proof: str) -> Update:
    """The write of an opt-out by text. Its condition fails when a later opt-in was written."""
    moment = to_text(at)
    changes = {STOP: {"at": moment, "proof": proof}, "stopped_at": moment}
    return Update(key, changes, (), (_before("started_at", moment), _before("stopped_at", moment)))


def starting(key: Key, *, at: datetime) -> Update:
    """The write of an opt-in by text. Its condition fails when a later opt-out was written."""
    moment = to_text(at)
    not_later = (_before("stopped_at", moment), _before("started_at", moment))
    return Update(key, {"started_at": moment}, (STOP,), not_later)


def _before(attribute: str, moment: str) -> AnyOf:
    return AnyOf((absent(attribute), Condition(attribute, Test.LESS, moment)))


def _reason(item: Item, purpose: str, channel: str, granted_at: Callable[[str], str]) -> str | None:
    for_all = next((each for each in FOR_ALL if each in item), None)
    unsubscribed = unsubscribed_from(purpose)
    if for_all is None and unsubscribed in item:
        return None if granted_at(channel) > item[unsubscribed]["at"] else unsubscribed
    return for_all
