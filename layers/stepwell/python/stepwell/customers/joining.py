"""What an event's identities change: whose they become, what is recorded of those that do not.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from stepwell.customers import keys
from stepwell.customers.identities import Named
from stepwell.customers.identity_rules import ANONYMOUS_ID, DEVICE_TOKEN, USER_ID, IdentityRules
from stepwell.customers.merging import MAX_NOT_JOINED
from stepwell.customers.resolving import BLOCKED, OTHER_USER, Refusal, Resolution, with_new
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.storage.operations import NEW, Item, Key, Operation, Put, Update, equals
from stepwell.timestamps import to_text
from stepwell.values import value


@value
class OwnIds:
    """The event's ids, as far as they are the customer's."""

    user_id: str | None
    anonymous_id: str | None


def own_ids(
    customer: str, named: Named, resolution: Resolution, found: Mapping[Key, Item]
) -> OwnIds:
    ours = {*resolution.claims, *resolution.moves}

    def is_own(kind: str) -> bool:
        identity = next(
            (each for each in named.identities if each.kind == kind and not each.is_former), None
        )
        if identity is None:
            return False
        return identity in ours or found.get(identity.key, {}).get("customer") == customer

    return OwnIds(
        named.user_id if is_own(USER_ID) else None,
        named.anonymous_id if is_own(ANONYMOUS_ID) else None,
    )


def identity_writes(
    customer: str, resolution: Resolution, found: Mapping[Key, Item]
) -> list[Operation]:
    """The items of the identities that become the customer's."""
    item: Item = {"customer": customer}
    writes: list[Operation] = [Put(each.key, item, NEW) for each in resolution.claims]
    for identity in resolution.moves:
        before = found[identity.key]["customer"]
        writes.append(Put(identity.key, item, (equals("customer", before),)))
    return writes


def without_token(owner: Snapshot, token: str) -> Update:
    """The profile of who had the device before: messages to them must not be shown on it."""
    addresses = (owner.profile or {}).get("addresses", {})
    left = [each for each in addresses.get("push", ()) if each != token]
    changed = {name: each for name, each in addresses.items() if name != "push"}
    changed |= {"push": left} if left else {}
    return Update(
        keys.profile(owner.customer),
        {"addresses": changed, "seq": owner.seq + 1, "touched": []},
        conditions=(equals("seq", owner.seq),),
    )


def device_of_another(
    customer: str, resolution: Resolution, owners: Mapping[Key, Snapshot]
) -> Snapshot | None:
    """The customer who had the device until this event, if another one had."""
    for identity in resolution.moves:
        owner = owners.get(identity.key)
        if identity.kind == DEVICE_TOKEN and owner and owner.customer != customer:
            return owner
    return None


def noted(
    profile: Item,
    resolution: Resolution,
    rules: IdentityRules,
    now: datetime,
) -> tuple[Item, list[Refusal]]:
    """What the profile remembers of the identities that came and of those that did not, and the
    refusals that are new to it.
    """
    known = profile.get("not_joined", [])
    new = [each for each in resolution.refusals if each.mark not in known]
    changes = with_new(profile, [each.kind for each in resolution.claims], rules, now)
    if new:
        changes["not_joined"] = [*known, *(each.mark for each in new)][-MAX_NOT_JOINED:]
    return changes, new


def refusal_record(customer: str, refusal: Refusal, event: Event, now: datetime) -> Put:
    """Written once for each identity and reason, as long as the profile remembers it."""
    reference = refusal.identity.reference if refusal.identity else refusal.kind
    record = {"kind": refusal.kind, "why": refusal.why, "event": event.id, "at": to_text(now)}
    return Put(keys.not_joined(customer, reference, refusal.why), record)


def problems_of(refusals: Iterable[Refusal]) -> list[str]:
    """For the log, without values. That two people share a device or an address is none."""
    return [
        f"{each.kind}: names nobody, not used"
        if each.why == BLOCKED
        else f"{each.kind}: not joined, {each.why}"
        for each in refusals
        if each.why != OTHER_USER
    ]
