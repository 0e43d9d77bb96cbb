"""All that is kept of one customer, for the people who run the journeys."""

from __future__ import annotations

from typing import Any

from stepwell.customers import keys
from stepwell.customers.groups import groups_of
from stepwell.customers.identities import ANONYMOUS_ID, USER_ID, identity_key
from stepwell.customers.snapshot import load_snapshot, traits_of
from stepwell.ports import Hasher
from stepwell.storage.operations import Item, Store, TableName

NEWEST = 100
"""How many messages, decisions and finished enrollments an overview shows."""

_HIDDEN = {"pk", "sk", "token", "token_for", "expires", "forget_at", "touched"}


def find_customer(store: Store, hasher: Hasher, name: str) -> str | None:
    """The customer of an internal id, a user id or an anonymous id; None if there is none."""
    if store.get(keys.profile(name)):
        return name
    for kind in (USER_ID, ANONYMOUS_ID):
        identity = store.get(identity_key(kind, name, hasher))
        if identity:
            return str(identity["customer"])
    return None


def overview(store: Store, customer: str) -> dict[str, Any]:
    """Profile, identities, consents, enrollments, messages and decisions, the newest first."""
    snapshot = load_snapshot(store, customer)
    profile = snapshot.profile or {}
    shown = {name: value for name, value in profile.items() if name not in _HIDDEN}
    return {
        "customer": customer,
        "profile": shown | {"traits": traits_of(profile), "groups": groups_of(profile)},
        "identities": {
            USER_ID: profile.get("user_id"),
            ANONYMOUS_ID: profile.get("anonymous_ids", []),
        },
        "consents": (snapshot.consents or {}).get("grants", {}),
        "caps": (snapshot.caps or {}).get("units", []),
        "enrollments": [_shown(each) for each in snapshot.enrollments.values()],
        "finished": _records(store, customer, keys.FINISHED_PREFIX),
        "conversions": _records(store, customer, keys.CONVERSION_PREFIX),
        "messages": _records(store, customer, keys.MESSAGE_PREFIX),
        "decisions": _records(store, customer, keys.DECISION_PREFIX),
    }


def _records(store: Store, customer: str, prefix: str) -> list[Item]:
    found = store.query(
        TableName.RECORDS, keys.partition(customer), prefix=prefix, newest_first=True, limit=NEWEST
    )
    return [_shown(each) for each in found]


def _shown(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _HIDDEN}
