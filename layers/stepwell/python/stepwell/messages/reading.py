"""What the rules need to know of a message's customer, in one call over both tables.

An enrollment may have begun at a customer who has become part of another one since: its enrollment
and messages are read there, and what is known of the person at who they are now.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.customers import keys
from stepwell.customers.people import winner_seq
from stepwell.messages.request import Request
from stepwell.storage.operations import Item, Key, Store, StoreBusyError
from stepwell.values import value

PROFILE, CONSENTS, CAPS = "profile", "consents", "caps"
_OF_THE_PERSON = {PROFILE: keys.profile, CONSENTS: keys.consents, CAPS: keys.caps}
_HOPS = 64


@value
class Items:
    """Items, None where there is none. `person` is who the request's customer is now."""

    person: str
    profile: Item | None
    consents: Item | None
    caps: Item | None
    enrollment: Item | None
    message: Item | None


def read_items(store: Store, request: Request, *, consents: bool = True) -> Items:
    """Raises StoreBusyError for a customer whose merge is just being written."""
    names = [PROFILE, *([CONSENTS] if consents else []), CAPS]
    enrollment = keys.enrollment(request.customer, request.enrollment)
    message = keys.message(request.customer, request.message)
    found = store.get_many([*_keys(request.customer, names), enrollment, message])
    items, person, pointer = found, request.customer, Item()
    for _ in range(_HOPS):
        profile = items.get(keys.profile(person)) or {}
        if "merged_into" in profile:
            person, pointer = profile["merged_into"], profile
        elif _shows_the_join(pointer, profile, items.get(keys.consents(person)), consents=consents):
            break
        items = store.get_many(_keys(person, names))
    else:
        raise StoreBusyError("a customer is just being merged")
    return Items(
        person,
        items.get(keys.profile(person)),
        items.get(keys.consents(person)),
        items.get(keys.caps(person)),
        found.get(enrollment),
        found.get(message),
    )


def _shows_the_join(
    pointer: Item, profile: Item, consents_item: Item | None, *, consents: bool
) -> bool:
    """Whether who remained was read as the join left them: it is seen item by item."""
    seq = winner_seq(pointer)
    if profile.get("seq", 0) < seq:
        return False
    if not (consents and pointer.get("winner_consents")):
        return True
    return bool((consents_item or {}).get("seq", 0) >= seq)


def run_of(store: Store, request: Request, enrollment: Item | None) -> Item | None:
    """The enrollment as this run of it stands or ended: its record, where the item is another
    run's by now or was forgotten.
    """
    if enrollment is not None and enrollment.get("run") == request.run:
        return enrollment
    key = keys.finished(request.customer, request.enrollment, request.run)
    return store.get_many([key]).get(key)


def read_caps(store: Store, customer: str) -> tuple[str, Item | None]:
    """The customer who has the cap units by now, and their CAPS item."""
    return caps_by_now(store, customer, store.get(keys.caps(customer)))


def caps_by_now(store: Store, customer: str, item: Item | None) -> tuple[str, Item | None]:
    """As `read_caps`, of an item that was read."""
    while item and "merged_into" in item:
        customer = item["merged_into"]
        item = store.get(keys.caps(customer))
    return customer, item


def _keys(customer: str, names: Sequence[str]) -> list[Key]:
    return [_OF_THE_PERSON[name](customer) for name in names]
