"""Write keys of sources: kept as SHA-256 hashes, looked up once a minute each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.events.model import EventType
from stepwell.events.sources import ALL_TYPES, Source
from stepwell.storage.operations import Item, Store

KEPT = timedelta(minutes=1)
"""How long a revoked key may go on, and an unknown one be refused."""
MAX_KEPT = 1000


def hash_write_key(write_key: str) -> str:
    """64 hexadecimal digits. Write keys are long and random, so no salt or stretching is needed."""
    return hashlib.sha256(write_key.encode()).hexdigest()


@dataclass
class WriteKeys:
    store: Store
    _seen: dict[str, tuple[datetime, Source | None]] = field(default_factory=dict)

    def source(self, write_key: str, now: datetime) -> Source | None:
        """The source that the key belongs to, or None."""
        hashed = hash_write_key(write_key)
        known = self._seen.get(hashed)
        if known and now - known[0] < KEPT:
            return known[1]
        source = _source(self.store.get(keys.write_key(hashed)))
        if len(self._seen) >= MAX_KEPT:
            self._seen.clear()
        self._seen[hashed] = (now, source)
        return source


def _source(item: Item | None) -> Source | None:
    """`types` is absent for a key that may send all, `usage` for one that was added before there
    were tiers; `revoked_at` ends it.
    """
    if not item or item.get("revoked_at"):
        return None
    types = item.get("types")
    return Source(
        str(item["source"]),
        frozenset(map(EventType, types)) if types else ALL_TYPES,
        str(item.get("usage", "")),
    )
