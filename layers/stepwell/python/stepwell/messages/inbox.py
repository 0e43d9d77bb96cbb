"""The in-app inbox: messages that wait in the app until they are seen, expire or are put away.

    INBOX     message, customer, channel, title, body, url, sent_at, expires
              records table, in the partition of the MESSAGE; the sort key has the moment in front
    MESSAGE   inbox_at                  when it was put into the inbox: it is put there once
              opened_at, clicked_at, dismissed_at     as `receipts` has them

A message lies where its enrollment began; who has become part of somebody brings an inbox along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from stepwell.customers import keys
from stepwell.customers.identities import identity_key
from stepwell.customers.identity_rules import USER_ID
from stepwell.customers.people import read_person
from stepwell.events.model import Event
from stepwell.messages.receipts import (
    Fate,
    Receipt,
    changes_by,
    event_of,
    first_moment,
    unchanged_since,
)
from stepwell.ports import Hasher
from stepwell.storage.operations import (
    ConditionFailedError,
    Item,
    Key,
    Put,
    Store,
    StoreBusyError,
    TableName,
    Update,
    absent,
)
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

CHANNEL = "in_app"
KEPT = timedelta(days=30)
"""How long a message is shown whose template says nothing else."""
MOST_SHOWN = 200
"""The newest of a customer; older ones are not shown, also when they have not expired."""
LARGEST_PAGE = 50
PAGE = 20

_TRIES = 5
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LINK = re.compile(
    r"(?!(?:javascript|data|vbscript):)(?:[a-z][a-z0-9+.-]*:\S+|/\S*)", re.IGNORECASE
)


class Mark(StrEnum):
    """What an app tells of a message; each is told once and goes back on none."""

    SEEN = "seen"
    CLICKED = "clicked"
    DISMISSED = "dismissed"


FATES = {Mark.SEEN: Fate.OPENED, Mark.CLICKED: Fate.CLICKED, Mark.DISMISSED: Fate.DISMISSED}


class BadLinkError(Exception):
    """A message's `url` leads nowhere, or would run a program in the app."""


@value
class Owner:
    """Whose inbox it is: the profile, and all customers who are this person."""

    profile: Item
    customers: tuple[str, ...]


@value
class Page:
    """`after` is what the next page begins after, None when there is none."""

    messages: list[dict[str, Any]]
    after: str | None


# ------------------------------------------------------------------------- putting in


def expiry_of(text: str | None, sent_at: datetime) -> datetime:
    """When a message expires: after a duration such as `3d`. The compiler has checked the text."""
    if not text:
        return sent_at + KEPT
    parts = re.findall(r"(\d+)([smhdw])", text)
    return sent_at + timedelta(seconds=sum(int(count) * _SECONDS[unit] for count, unit in parts))


def put_in(
    store: Store, customer: str, message: str, content: Mapping[str, str], now: datetime
) -> None:
    """Put the message into the inbox, unless it is there. Raises BadLinkError."""
    url = content.get("url", "").strip()
    if url and not _LINK.fullmatch(url):
        raise BadLinkError
    expires = int(expiry_of(content.get("expires_after"), now).timestamp())
    item: Item = {
        "message": message,
        "customer": customer,
        "title": content["title"],
        "body": content["body"],
        **({"url": url} if url else {}),
        "sent_at": to_text(now),
        "expires": expires,
    }
    once = Update(
        keys.message(customer, message), {"inbox_at": to_text(now)}, (), (absent("inbox_at"),)
    )
    try:
        store.transact([once, Put(keys.inbox(customer, to_text(now), message), item)])
    except ConditionFailedError:
        return  # it is there: its answer was lost, and it is sent once more


# ------------------------------------------------------------------------- looking


def find_owner(store: Store, user_id: str, hasher: Hasher) -> Owner | None:
    """None for a user id of which no event has come."""
    found = store.get(identity_key(USER_ID, user_id, hasher))
    if found is None:
        return None
    customer, profile = read_person(store, found["customer"])
    return Owner(profile, (customer, *profile.get("former", ())))


def show(
    store: Store, owner: Owner, now: datetime, *, limit: int = PAGE, after: str | None = None
) -> Page:
    """The newest messages that have not expired and were not put away."""
    shown: list[dict[str, Any]] = []
    last = ""
    for place, item, message in _live(store, owner, now, after, limit):
        if len(shown) == limit:
            return Page(shown, last)
        shown.append(_shown(item, message))
        last = place
    return Page(shown, None)


def _live(
    store: Store, owner: Owner, now: datetime, after: str | None, chunk: int
) -> Iterator[tuple[str, Item, Item]]:
    """(place, INBOX, MESSAGE) of what is to be shown, the newest first."""
    placed = sorted(
        (
            (item["sk"].removeprefix(keys.INBOX_PREFIX), item)
            for customer in owner.customers
            for item in _newest(store, customer)
            if item["expires"] > now.timestamp()
        ),
        key=lambda each: each[0],
        reverse=True,
    )[:MOST_SHOWN]
    rest = [each for each in placed if after is None or each[0] < after]
    for start in range(0, len(rest), chunk + 1):
        some = rest[start : start + chunk + 1]
        messages = store.get_many([_message_key(item) for _, item in some])
        for place, item in some:
            message = messages.get(_message_key(item), {})
            if f"{Fate.DISMISSED}_at" not in message:
                yield place, item, message


def _newest(store: Store, customer: str) -> list[Item]:
    return store.query(
        TableName.RECORDS,
        keys.partition(customer),
        prefix=keys.INBOX_PREFIX,
        newest_first=True,
        limit=MOST_SHOWN,
    )


def _message_key(item: Item) -> Key:
    return keys.message(item["customer"], item["message"])


def _shown(item: Item, message: Item) -> dict[str, Any]:
    """Who has clicked has seen it, whatever the app told."""
    seen = first_moment(message, Fate.OPENED, Fate.CLICKED)
    clicked = first_moment(message, Fate.CLICKED)
    return {
        "id": item["message"],
        "title": item["title"],
        "body": item["body"],
        "url": item.get("url"),
        "sent_at": item["sent_at"],
        "seen_at": to_text(seen) if seen else None,
        "clicked_at": to_text(clicked) if clicked else None,
    }


# ------------------------------------------------------------------------- marking


def mark(
    store: Store,
    owner: Owner,
    message_id: str,
    what: Mark,
    *,
    send: Callable[[Sequence[Event]], None],
    now: datetime,
) -> bool:
    """Record what the app tells of a message, then tell journeys by an event; False when the owner
    has no such message.

    However often it is done, and whoever dies in between: the record keeps the first moment, and
    the event is named by it. Raises StoreBusyError, and what `send` raises; doing it again finishes
    it.
    """
    customer = next((each for each in owner.customers if message_id.startswith(f"{each}-")), None)
    if customer is None:
        return False
    key = keys.message(customer, message_id)
    message = store.get(key) or {}
    for _ in range(_TRIES):
        if "inbox_at" not in message:
            return False
        receipt = _receipt(what, message, now)
        changes = changes_by(receipt, message)
        try:
            if changes:
                message = store.write(Update(key, changes, (), unchanged_since(receipt, message)))
        except ConditionFailedError as error:
            message = error.items[0] or {}
            continue
        send([event_of(receipt, customer, message, now)])
        return True
    raise StoreBusyError("a message is marked by many at once")


def _receipt(what: Mark, message: Item, now: datetime) -> Receipt:
    """Of the first moment, so that the same is told again."""
    fate = FATES[what]
    told = message.get(f"{fate}_at")
    at = from_text(told) if told else now
    return Receipt(fate, CHANNEL, at, origin=message["message"])
