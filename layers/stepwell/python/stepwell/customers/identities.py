"""Which customer an event belongs to.

A user id and an anonymous id each belong to one customer for good: their items are made with "must
not exist yet". A customer has one user id; a device that a second person signs in on keeps its
anonymous id with the first. Joining two existing customers is not done here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepwell.customers import keys
from stepwell.events.model import Event
from stepwell.ports import Hasher
from stepwell.storage.operations import NEW, Item, Key, Put
from stepwell.values import value

USER_ID = "user_id"
ANONYMOUS_ID = "anonymous_id"


@value
class Named:
    """The identity items that an event names; either may be absent."""

    user: Key | None
    anonymous: Key | None

    def all(self) -> list[Key]:
        return [key for key in (self.user, self.anonymous) if key]


def named_by(event: Event, hasher: Hasher) -> Named:
    return Named(
        user=identity_key(USER_ID, event.user_id, hasher) if event.user_id else None,
        anonymous=identity_key(ANONYMOUS_ID, event.anonymous_id, hasher)
        if event.anonymous_id
        else None,
    )


def identity_key(kind: str, value: str, hasher: Hasher) -> Key:
    return keys.identity(kind, hasher(kind, value))


@value
class Owner:
    """The event's customer, and which identities are to become theirs."""

    customer: str
    is_new: bool
    claims: tuple[Key, ...]

    def puts(self) -> list[Put]:
        return [Put(key, {"customer": self.customer}, NEW) for key in self.claims]


def owner_of(
    named: Named,
    found: Mapping[Key, Item],
    *,
    has_user: Callable[[str], bool],
    new_id: Callable[[], str],
) -> Owner:
    """`has_user(customer)`: whether that customer already has a user id (asked only when it
    matters).
    """
    by_user = found.get(named.user) if named.user else None
    by_anonymous = found.get(named.anonymous) if named.anonymous else None
    unclaimed = tuple(key for key in named.all() if key not in found)
    if by_user:
        return Owner(by_user["customer"], is_new=False, claims=unclaimed)
    if by_anonymous and not (named.user and has_user(by_anonymous["customer"])):
        return Owner(by_anonymous["customer"], is_new=False, claims=unclaimed)
    return Owner(new_id(), is_new=True, claims=unclaimed)
