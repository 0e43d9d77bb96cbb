"""Who a customer is now: themselves, or the one whom they became part of.

Their enrollments that were live then stay where they were, and so do the messages of these. So
whoever acts for an enrollment reads it under the id that it began with, and all that is known of
the person under the id that they have by now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stepwell.customers import keys
from stepwell.customers.snapshot import Snapshot, load_snapshot, snapshot_of
from stepwell.storage.operations import Item, Store, StoreBusyError, TableName

_HOPS = 64
"""More than the customers whom one may have become part of, one after the other."""
_REREADS = 3


def load_person(store: Store, customer: str, *, with_merged: bool = True) -> Snapshot:
    """The person that a customer is now, with the enrollments of all who became them.

    Raises StoreBusyError for one whose merge is just being written.
    """
    seq = rereads = 0
    for _ in range(_HOPS):
        snapshot = load_snapshot(store, customer)
        if snapshot.merged_into:
            customer, seq = snapshot.merged_into, winner_seq(snapshot.profile)
        elif snapshot.seq >= seq:
            merged = (snapshot.profile or {}).get("merged")
            if not (merged and with_merged):
                return snapshot
            return replace(snapshot, merged=_enrollments_of(store, merged))
        elif (rereads := rereads + 1) > _REREADS:
            break  # DynamoDB commits item by item; milliseconds settle it
    raise StoreBusyError("a customer is just being merged")


def load_for_enrollment(store: Store, customer: str) -> Snapshot:
    """The person, with the enrollments in this customer's partition as their own."""
    snapshot = load_snapshot(store, customer)
    if not snapshot.merged_into:
        return snapshot
    person = load_person(store, snapshot.merged_into, with_merged=False)
    return replace(person, enrollments=snapshot.enrollments)


def read_person(store: Store, customer: str) -> tuple[str, Item]:
    """Who a customer is now, and the profile alone, empty when there is none. Of a join that is
    just being written it may be that of before.
    """
    for _ in range(_HOPS):
        profile = store.get(keys.profile(customer)) or {}
        if "merged_into" not in profile:
            return customer, profile
        customer = profile["merged_into"]
    raise StoreBusyError("a customer is just being merged")


def winner_seq(tombstone: Item | None) -> int:
    """The number that the merge has at who remained."""
    return int((tombstone or {}).get("winner_seq", 0))


def _enrollments_of(store: Store, customers: Iterable[str]) -> dict[str, dict[str, Item]]:
    found = {}
    for customer in customers:
        items = store.query(
            TableName.CUSTOMERS, keys.partition(customer), prefix=keys.ENROLLMENT_PREFIX
        )
        found[customer] = dict(snapshot_of(customer, items).enrollments)
    return found
