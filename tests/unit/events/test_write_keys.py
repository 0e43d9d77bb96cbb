"""Write keys as ingest looks them up."""

from datetime import UTC, datetime, timedelta

from stepwell.aws.write_keys import KEPT, WriteKeys, hash_write_key
from stepwell.customers import keys
from stepwell.events.model import EventType
from stepwell.events.sources import Source
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Put

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)


def store_with(**items: dict[str, object]) -> MemoryStore:
    store = MemoryStore()
    for key, item in items.items():
        store.write(Put(keys.write_key(hash_write_key(key)), item))
    return store


def test_a_key_names_its_source_and_what_it_may_send() -> None:
    store = store_with(old={"source": "shop"}, web={"source": "web", "types": ["track", "page"]})
    write_keys = WriteKeys(store)
    assert write_keys.source("old", NOW) == Source("shop")
    allowed = frozenset({EventType.TRACK, EventType.PAGE})
    assert write_keys.source("web", NOW) == Source("web", allowed)
    assert write_keys.source("other", NOW) is None


def test_a_source_may_have_two_keys_while_it_changes_them() -> None:
    write_keys = WriteKeys(store_with(old={"source": "shop"}, new={"source": "shop"}))
    assert write_keys.source("old", NOW) == write_keys.source("new", NOW) == Source("shop")


def test_a_revoked_key_ends_within_a_minute() -> None:
    store = store_with(key={"source": "shop"})
    write_keys = WriteKeys(store)
    assert write_keys.source("key", NOW) == Source("shop")
    revoked = {"source": "shop", "revoked_at": "2026-11-24T21:14:00.000Z"}
    store.write(Put(keys.write_key(hash_write_key("key")), revoked))
    assert write_keys.source("key", NOW + timedelta(seconds=59)) == Source("shop")
    assert write_keys.source("key", NOW + KEPT) is None


def test_keys_are_kept_as_hashes_only() -> None:
    key = keys.write_key(hash_write_key("a secret"))
    assert "a secret" not in key.pk
    assert len(key.pk) == len("WRITE_KEY#") + 64
