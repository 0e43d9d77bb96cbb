"""Write keys of sources: kept as SHA-256 hashes, looked up once a minute each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.storage.operations import Store

KEPT = timedelta(minutes=1)
MAX_KEPT = 1000


def hash_write_key(write_key: str) -> str:
    """64 hexadecimal digits. Write keys are long and random, so no salt or stretching is needed."""
    return hashlib.sha256(write_key.encode()).hexdigest()


@dataclass
class WriteKeys:
    store: Store
    _seen: dict[str, tuple[datetime, str | None]] = field(default_factory=dict)

    def source(self, write_key: str, now: datetime) -> str | None:
        """The source that the key belongs to, or None."""
        hashed = hash_write_key(write_key)
        known = self._seen.get(hashed)
        if known and now - known[0] < KEPT:
            return known[1]
        item = self.store.get(keys.write_key(hashed))
        source = str(item["source"]) if item else None
        if len(self._seen) >= MAX_KEPT:
            self._seen.clear()
        self._seen[hashed] = (now, source)
        return source
