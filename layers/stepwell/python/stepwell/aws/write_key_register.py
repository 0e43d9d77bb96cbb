"""Adding, listing and revoking write keys: what operators do, ingest only looks keys up.

Beside each key's own item, which is found by its hash, every source has an item that lists its
keys. Both are written in one transaction, on the condition that the list is as it was read.

A source is throttled by its tier, through an API key of API Gateway (`Usage`), which is another
service: there is no transaction with it. So a key is admitted there before it is written, and the
source is closed there after its last key was revoked. A crash in between leaves an API key too
many, which nobody can call with, and never a write key that the gateway turns away; the next
command for the source puts it right.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from stepwell.aws.write_keys import hash_write_key
from stepwell.customers import keys
from stepwell.events.model import EventType
from stepwell.events.sources import ALL_TYPES
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
DEFAULT_TIER = "standard"

_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_ATTEMPTS = 5


class WriteKeyError(Exception):
    """A write key cannot be added or revoked; the message is for the operator."""


class Usage(Protocol):
    """Who throttles sources. Both may be repeated."""

    def admit(self, source: str, tier: str) -> str:
        """Let the source's calls pass in this tier; what they are counted by. Raises TierError."""

    def close(self, source: str) -> None:
        """The source has no live key."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """`id` is the beginning of the key's hash; `revoked_at` is empty while it is live.

    `tier` is the source's; empty for one that was added before there were tiers.
    """

    id: str
    source: str
    types: tuple[str, ...]
    added_at: str
    revoked_at: str
    tier: str


@dataclass(frozen=True, slots=True)
class WriteKeyRegister:
    """`new_key` makes a write key: long and random, for nothing else protects it."""

    store: Store
    usage: Usage
    new_key: Callable[[], str] = field(default=lambda: secrets.token_hex(24))

    def add(
        self, source: str, types: Collection[EventType], now: datetime, tier: str = ""
    ) -> tuple[str, str]:
        """A new key's id and the key itself, which is kept nowhere. `types`: what it may send.

        `tier` becomes that of the source; empty: as it is. Raises WriteKeyError for a wrong name
        and for a source that has two keys already, TierError.
        """
        if not _SOURCE.fullmatch(source):
            raise WriteKeyError(
                f"source {source!r}: write a small letter, then small letters, digits, _ and -, "
                "at most 50 in all"
            )
        admitted = self._admit(source, tier, keys_more=1)
        key = self.new_key()
        hashed = hash_write_key(key)
        entry: Item = {"added_at": to_text(now)}
        if frozenset(types) != ALL_TYPES:
            entry["types"] = sorted(str(each) for each in types)

        def with_new(listed: dict[str, Item]) -> list[Put | Update]:
            _refuse_third(source, listed)
            moved = _counted_by(admitted.usage_key, listed)
            listed[hashed] = entry
            own = {"source": source, "usage": admitted.usage_key, **entry}
            return [*moved, Put(keys.write_key(hashed), own, NEW)]

        self._change(source, with_new, admitted.tier)
        return hashed[:ID_LENGTH], key

    def revoke(self, source: str, key_id: str, now: datetime) -> None:
        """End a live key; one that has ended stays so. Raises WriteKeyError when there is none."""
        moment = to_text(now)

        def without(listed: dict[str, Item]) -> list[Put | Update]:
            found = [name for name in listed if name[:ID_LENGTH] == key_id]
            if len(found) != 1:
                said = "`stepwell write-keys list` shows those there are"
                raise WriteKeyError(f"{source} has no key {key_id}; {said}")
            ended = {"revoked_at": moment} | listed[found[0]]
            listed[found[0]] = ended
            return [
                Update(
                    keys.write_key(found[0]),
                    set={"revoked_at": ended["revoked_at"]},
                    conditions=(exists("pk"),),
                )
            ]

        self._change(source, without)

    def set_tier(self, source: str, tier: str) -> None:
        """Put a source that has live keys into a tier. Raises WriteKeyError, TierError."""
        admitted = self._admit(source, tier)
        self._change(source, lambda listed: _counted_by(admitted.usage_key, listed), admitted.tier)

    def list_all(self) -> list[ListedKey]:
        """By source, the oldest key first."""
        return [
            ListedKey(
                id=name[:ID_LENGTH],
                source=str(item["source"]),
                types=tuple(each.get("types", EventType)),
                added_at=each["added_at"],
                revoked_at=each.get("revoked_at", ""),
                tier=str(item.get("tier", "")),
            )
            for item in self.store.query(TableName.CUSTOMERS, keys.WRITE_KEYS)
            for name, each in _in_order(item["keys"])
        ]

    def _admit(self, source: str, tier: str, keys_more: int = 0) -> _Admission:
        """The source's calls pass in the tier from now on."""
        before = self.store.get(keys.write_keys_of(source)) or {}
        listed = before.get("keys", {})
        if keys_more:
            _refuse_third(source, listed)
        elif not _live(listed):
            raise WriteKeyError(f"{source} has no live key; add one with --tier {tier}")
        tier = tier or str(before.get("tier", "")) or DEFAULT_TIER
        return _Admission(tier, self.usage.admit(source, tier))

    def _change(
        self,
        source: str,
        change: Callable[[dict[str, Item]], list[Put | Update]],
        tier: str = "",
    ) -> None:
        """`change` works on the source's list and says what becomes of the keys' own items.

        `tier` is the source's from now on; empty: as it was.
        """
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
            if tier or (before and "tier" in before):
                item["tier"] = tier or (before or {})["tier"]
            as_read = (equals("version", before["version"]),) if before else NEW
            try:
                self.store.transact([*own, Put(place, item, as_read)])
            except ConditionFailedError:
                continue
            self._settle(source)
            return
        raise WriteKeyError(f"the keys of {source} are being changed by somebody else; try again")

    def _settle(self, source: str) -> None:
        """Hold the gateway to what is written, also when two operators change it at once: who
        finds, after acting on a list, that it has changed, acts again.
        """
        place = keys.write_keys_of(source)
        for _ in range(_ATTEMPTS):
            found = self.store.get(place) or {}
            if not found.get("tier"):
                return
            if _live(found["keys"]):
                self.usage.admit(source, found["tier"])
            else:
                self.usage.close(source)
            if (self.store.get(place) or {}).get("version") == found["version"]:
                return


@dataclass(frozen=True, slots=True)
class _Admission:
    tier: str
    usage_key: str


def _counted_by(usage_key: str, listed: dict[str, Any]) -> list[Put | Update]:
    """The live keys of a source are counted as one."""
    return [
        Update(keys.write_key(name), set={"usage": usage_key}, conditions=(exists("pk"),))
        for name in _live(listed)
    ]


def _live(listed: dict[str, Any]) -> list[str]:
    return [name for name, each in listed.items() if "revoked_at" not in each]


def _refuse_third(source: str, listed: dict[str, Any]) -> None:
    live = _live(listed)
    if len(live) >= MAX_LIVE:
        shown = " and ".join(name[:ID_LENGTH] for name in live)
        raise WriteKeyError(f"{source} has two live keys, {shown}: revoke one first")


def _in_order(listed: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(listed.items(), key=lambda pair: (pair[1]["added_at"], pair[0]))


def _kept(listed: dict[str, Any]) -> list[tuple[str, Any]]:
    live = [pair for pair in _in_order(listed) if "revoked_at" not in pair[1]]
    ended = [pair for pair in _in_order(listed) if "revoked_at" in pair[1]]
    return [*ended[-(MAX_LISTED - len(live)) :], *live]
