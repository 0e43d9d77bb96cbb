"""Whose events of the past these are, by who has their identities now.

An event went to the owner of its strongest identity, and an identity leads to its owner for good:
to a customer, or to the pointer of one who has become another. So nothing is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stepwell.customers import keys
from stepwell.customers.identities import Named, named_by
from stepwell.customers.identity_rules import DEVICE_TOKEN, IdentityRules
from stepwell.events.model import Event
from stepwell.ports import Hasher
from stepwell.storage.operations import Key, Store


@dataclass
class Owners:
    """Asks the store once for each identity that has an owner; for the others at every look."""

    store: Store
    hasher: Hasher
    rules: IdentityRules
    _known: dict[str, str] = field(default_factory=dict)
    """Partition key of an identity, or of a customer's profile, to the customer."""

    def of(self, events: Sequence[Event]) -> list[str | None]:
        """The customer of each event, perhaps one who is another by now. None: nobody's yet."""
        named = [named_by(event, self.hasher, self.rules) for event in events]
        self._look_up(_keys(events, named))
        return [self._owner(event, each) for event, each in zip(events, named, strict=True)]

    def _look_up(self, wanted: Iterable[Key]) -> None:
        unknown = [key for key in dict.fromkeys(wanted) if key.pk not in self._known]
        for key, item in self.store.get_many(unknown).items():
            inside = key.sk == keys.PROFILE
            self._known[key.pk] = keys.customer_of(key.pk) if inside else item["customer"]

    def _owner(self, event: Event, named: Named) -> str | None:
        if event.customer and (found := self._known.get(keys.partition(event.customer))):
            return found
        if not named.names_somebody():
            return None
        owners = (
            self._known.get(each.key.pk) for each in named.identities if each.kind != DEVICE_TOKEN
        )
        return next((each for each in owners if each), None)


def _keys(events: Sequence[Event], named: Sequence[Named]) -> Iterable[Key]:
    for event, each in zip(events, named, strict=True):
        if event.customer:
            yield keys.profile(event.customer)
        yield from each.keys()
