"""Takes one notice of a provider: what it changes, what is told of it, and what follows.

In this order, each harmless when done again, so that a notice that comes twice, or again after a
crash at any point, changes nothing more:

    suppression     first, so that the next send knows it
    MESSAGE         what became of it, the earliest moment of each kind
    event           the same for the same notice; the router applies it once
    fallback        the next channel, if the message is still the one that failed
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from stepwell.customers import keys
from stepwell.feedback.fallback import fall_back
from stepwell.feedback.notices import MessageNotice, Notice
from stepwell.feedback.replies import take_reply
from stepwell.feedback.tools import NoticeTooEarlyError, Tools
from stepwell.messages.receipts import Fate, Receipt, changes_by, event_of, unchanged_since
from stepwell.messages.suppression import suppressing, suppression_key
from stepwell.storage.operations import (
    ConditionFailedError,
    Item,
    Key,
    Store,
    StoreBusyError,
    Update,
    exists,
)

TOO_EARLY = timedelta(minutes=1)
"""So young a notice may be faster than the record of the message that it is about."""
_TRIES = 20


class Taken(StrEnum):
    """What became of a notice, for the log."""

    TOLD = "told"
    FELL_BACK = "fell_back"
    FOREIGN = "foreign"
    """Of a message that Stepwell has not sent, or has forgotten."""


def take(notice: Notice, tools: Tools, now: datetime) -> Taken:
    """Raises StoreBusyError, QueueUnavailableError, NoticeTooEarlyError and what `executions`
    raises; the notice must come again then.
    """
    if not isinstance(notice, MessageNotice):
        take_reply(notice, tools, now)
        return Taken.TOLD
    place = _place(notice, tools.store, now)
    found = tools.store.get(place) if place else None
    if place is None or found is None:
        return Taken.FOREIGN
    _suppress(notice, found, tools, now)
    receipt = _receipt(notice)
    customer = keys.customer_of(place.pk)
    message = _record(place, found, receipt, tools.store)
    tools.queue.send([event_of(receipt, customer, message, now)])
    if notice.fate is Fate.FAILED and fall_back(place, message, notice, tools, now):
        return Taken.FELL_BACK
    return Taken.TOLD


def _place(notice: MessageNotice, store: Store, now: datetime) -> Key | None:
    """The MESSAGE item's key, by what was given to the provider or kept of its id."""
    if notice.customer and notice.message:
        return keys.message(notice.customer, notice.message)
    if not notice.told_by_id:
        return None
    pointer = store.get(keys.provider_message(notice.channel, notice.provider_id))
    if pointer is not None:
        return keys.message(pointer["customer"], pointer["message"])
    if now - notice.at < TOO_EARLY:
        raise NoticeTooEarlyError(f"{notice.channel} {notice.provider_id}")
    return None


def _suppress(notice: MessageNotice, message: Item, tools: Tools, now: datetime) -> None:
    """End the addresses that the notice names, else the one that the message went to."""
    if notice.suppresses is None:
        return
    places = [suppression_key(notice.channel, each, tools.hasher) for each in notice.addresses]
    if not places and message.get("provider_id") == notice.provider_id:
        places = [keys.suppression(notice.channel, message["sent_to"])]
    if not places and now - notice.at < TOO_EARLY:
        raise NoticeTooEarlyError(notice.provider_id)
    for place in places:
        tools.store.write(suppressing(place, notice.suppresses, at=notice.at, proof=notice.id))


def _receipt(notice: MessageNotice) -> Receipt:
    return Receipt(
        notice.fate,
        notice.channel,
        notice.at,
        notice.provider_id,
        notice.reason,
        notice.link,
        notice.by_machine,
    )


def _record(key: Key, message: Item, receipt: Receipt, store: Store) -> Item:
    """The MESSAGE item with the receipt; as it is where that is known."""
    for _ in range(_TRIES):
        changes = changes_by(receipt, message)
        if not changes:
            return message
        as_read = (exists("pk"), *unchanged_since(receipt, message))
        try:
            return store.write(Update(key, changes, (), as_read))
        except ConditionFailedError as error:
            if error.items[0] is None:
                return message  # forgotten meanwhile: not to be made anew
            message = error.items[0]
    raise StoreBusyError("a message changes faster than a receipt can be recorded")
