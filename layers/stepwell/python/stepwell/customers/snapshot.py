"""Everything that a decision about one customer needs, read with one Query.

Of a customer who became part of another one (`merged_into`) only the enrollments that were live
then are left; `people` finds who they are now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from stepwell.customers import keys
from stepwell.customers.traits import traits_of
from stepwell.storage.operations import Item, Store, TableName
from stepwell.values import value


@value
class Snapshot:
    """A customer's items at one moment; `profile` is None for a customer to be made."""

    customer: str
    profile: Item | None = None
    consents: Item | None = None
    caps: Item | None = None
    enrollments: Mapping[str, Item] = field(default_factory=dict)
    """By enrollment id (`<journey>#<key hash>`), live ones and those that ended."""
    merged: Mapping[str, Mapping[str, Item]] = field(default_factory=dict)
    """The enrollments of customers who became this one, by their ids."""

    @property
    def seq(self) -> int:
        """The number of the customer's last applied event; 0 before the first."""
        return int(self.profile["seq"]) if self.profile else 0

    @property
    def is_whole(self) -> bool:
        """Whether it has what the last event did to enrollments.

        DynamoDB commits a transaction item by item: a Query may see its profile already and one of
        its enrollments not yet. (An enrollment that was forgotten since is missing for good.)
        """
        touched = (self.profile or {}).get("touched", ())
        return all(self._touched(each) >= self.seq for each in touched)

    def _touched(self, reference: str) -> int:
        customer, _, enrollment = reference.rpartition("/")
        there = self.merged.get(customer, {}) if customer else self.enrollments
        return int(there.get(enrollment, {}).get("touched", 0))

    @property
    def merged_into(self) -> str | None:
        """Who this customer is now, when not themselves."""
        return (self.profile or {}).get("merged_into")

    def all_enrollments(self) -> Iterator[tuple[str, str, Item]]:
        """(the customer in whose partition it lies, its id, its item): their own ones first."""
        for customer, there in {self.customer: self.enrollments, **self.merged}.items():
            for enrollment_id, item in there.items():
                yield customer, enrollment_id, item

    def with_profile(self, profile: Item, consents: Item | None) -> Snapshot:
        """The same customer with these."""
        return Snapshot(self.customer, profile, consents, self.caps, self.enrollments, self.merged)

    @property
    def traits(self) -> dict[str, Any]:
        return traits_of(self.profile)

    def consent_view(self) -> dict[str, dict[str, bool]]:
        """Purpose -> channel -> granted, for those that the customer has answered."""
        view: dict[str, dict[str, bool]] = {}
        for name, grant in (self.consents or {}).get("grants", {}).items():
            purpose, _, channel = name.partition("#")
            view.setdefault(purpose, {})[channel] = grant["status"] == "granted"
        return view


def load_snapshot(store: Store, customer: str) -> Snapshot:
    return snapshot_of(customer, store.query(TableName.CUSTOMERS, keys.partition(customer)))


def snapshot_of(customer: str, items: list[Item]) -> Snapshot:
    """The snapshot from the partition's items."""
    by_name = {item["sk"]: item for item in items}
    return Snapshot(
        customer=customer,
        profile=by_name.get(keys.PROFILE),
        consents=by_name.get(keys.CONSENTS),
        caps=by_name.get(keys.CAPS),
        enrollments={
            name.removeprefix(keys.ENROLLMENT_PREFIX): item
            for name, item in by_name.items()
            if name.startswith(keys.ENROLLMENT_PREFIX)
        },
    )
