"""Adding, listing and revoking write keys: what operators do, ingest only looks keys up.

Beside each key's own item, which is found by its hash, every source has an item that lists its
keys. Both are written in one transaction, on the condition that the list is as it was read.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepwell.aws.write_keys import hash_write_key
from stepwell.customers import keys
from stepwell.events.envelope import ALL_TYPES
from stepwell.events.model import EventType
from stepwell.storage.operations import (
    NEW,
    ConditionFailedError,
    Item,
    Put,
    Store,
    TableName,
    Update,
    equals,
    exists,
)
from stepwell.timestamps import to_text

MAX_LIVE = 2
"""Of one source: the key that apps have and the one that they are getting."""
MAX_LISTED = 20
"""Of one source, the revoked ones included; the oldest of those are listed no more."""
ID_LENGTH = 12
"""How many digits of its hash name a key."""

_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_ATTEMPTS = 5


class WriteKeyError(Exception):
    """A write key cannot be added or revoked; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """`id` is the beginning of the key's hash; `revoked_at` is empty while it is live."""

    id: str
    source: str
    types: tuple[str, ...]
    added_at: str
    revoked_at: str


@dataclass(frozen=True, slots=True)
class WriteKeyRegister:
    """`new_key` makes a write key: long and random, for nothing else protects it."""

    store: Store
    new_key: Callable[[], str] = field(default=lambda: secrets.token_hex(24))

    def add(self, source: str, types: Collection[EventType], now: datetime) -> tuple[str, str]:
        """A new key's id and the key itself, which is kept nowhere. `types`: what it may send.

        Raises WriteKeyError for a wrong name and for a source that has two keys already.
        """
        if not _SOURCE.fullmatch(source):
            raise WriteKeyError(
                f"source {source!r}: write a small letter, then small letters, digits, _ and -, "
                "at most 50 in all"
            )
        key = self.new_key()
        hashed = hash_write_key(key)
        entry: Item = {"added_at": to_text(now)}
        if frozenset(types) != ALL_TYPES:
            entry["types"] = sorted(str(each) for each in types)

        def with_new(listed: dict[str, Item]) -> Put:
            live = [name for name, each in listed.items() if "revoked_at" not in each]
            if len(live) >= MAX_LIVE:
                shown = " and ".join(name[:ID_LENGTH] for name in live)
                raise WriteKeyError(f"{source} has two live keys, {shown}: revoke one first")
            listed[hashed] = entry
            return Put(keys.write_key(hashed), {"source": source, **entry}, NEW)

        self._change(source, with_new)
        return hashed[:ID_LENGTH], key

    def revoke(self, source: str, key_id: str, now: datetime) -> None:
        """End a live key. Raises WriteKeyError when the source has none of this id."""
        moment = to_text(now)

        def without(listed: dict[str, Item]) -> Update:
            found = [name for name in listed if name[:ID_LENGTH] == key_id]
            if len(found) != 1 or "revoked_at" in listed[found[0]]:
                said = "`stepwell write-keys list` shows those there are"
                raise WriteKeyError(f"{source} has no live key {key_id}; {said}")
            listed[found[0]] = {**listed[found[0]], "revoked_at": moment}
            return Update(
                keys.write_key(found[0]),
                set={"revoked_at": moment},
                conditions=(exists("pk"),),
            )

        self._change(source, without)

    def list_all(self) -> list[ListedKey]:
        """By source, the oldest key first."""
        return [
            ListedKey(
                id=name[:ID_LENGTH],
                source=str(item["source"]),
                types=tuple(each.get("types", EventType)),
                added_at=each["added_at"],
                revoked_at=each.get("revoked_at", ""),
            )
            for item in self.store.query(TableName.CUSTOMERS, keys.WRITE_KEYS)
            for name, each in _in_order(item["keys"])
        ]

    def _change(self, source: str, change: Callable[[dict[str, Item]], Put | Update]) -> None:
        """`change` works on the source's list and says what becomes of the key's own item."""
        place = keys.write_keys_of(source)
        for _ in range(_ATTEMPTS):
            before = self.store.get(place)
            listed = dict(before["keys"]) if before else {}
            own = change(listed)
            item = {
                "source": source,
                "version": before["version"] + 1 if before else 1,
                "keys": dict(_kept(listed)),
            }
            as_read = (equals("version", before["version"]),) if before else NEW
            try:
                self.store.transact([own, Put(place, item, as_read)])
            except ConditionFailedError:
                continue
            return
        raise WriteKeyError(f"the keys of {source} are being changed by somebody else; try again")


def _in_order(listed: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(listed.items(), key=lambda pair: (pair[1]["added_at"], pair[0]))


def _kept(listed: dict[str, Any]) -> list[tuple[str, Any]]:
    live = [pair for pair in _in_order(listed) if "revoked_at" not in pair[1]]
    ended = [pair for pair in _in_order(listed) if "revoked_at" in pair[1]]
    return [*ended[-(MAX_LISTED - len(live)) :], *live]
