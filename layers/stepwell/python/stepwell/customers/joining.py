"""What an event's identities change: whose they become, what is recorded of those that do not.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.customers.arrivals import with_new
from stepwell.customers.identities import Named
from stepwell.customers.identity_rules import (
    ANONYMOUS_ID,
    DEVICE_TOKEN,
    USER_ID,
    IdentityRules,
)
from stepwell.customers.profiles import OwnIds
from stepwell.customers.resolving import BLOCKED, OTHER_USER, UNPROVEN, Refusal, Resolution
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.storage.operations import NEW, Item, Key, Operation, Put, Update, equals
from stepwell.timestamps import to_text

MAX_NOT_JOINED = 20
_RECORD_KEPT = timedelta(days=400)
_COMMON = (OTHER_USER, UNPROVEN)
"""Two people share a device or an address: worth a record, no warning."""


def own_ids(
    customer: str,
    named: Named,
    resolution: Resolution,
    found: Mapping[Key, Item],
    previous_id: str | None,
) -> OwnIds:
    """The event's ids that are this customer's with the event; `previous_id` is an alias call's."""
    ours = [
        identity
        for identity in named.identities
        if identity in resolution.claims
        or identity in resolution.moves
        or found.get(identity.key, {}).get("customer") == customer
    ]
    used = {identity.kind: identity.text for identity in ours if not identity.is_former}
    is_own = any(identity.text == previous_id for identity in ours)
    return OwnIds(
        used.get(USER_ID),
        used.get(ANONYMOUS_ID),
        used.get(DEVICE_TOKEN),
        previous_id if is_own and previous_id != used.get(USER_ID) else None,
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


def device_taken(
    customer: str, resolution: Resolution, owners: Mapping[Key, Snapshot]
) -> list[Update]:
    """The profile of who had the device until this event, if another one had: messages to them
    must not be shown on it.
    """
    return [
        _without_token(owner, identity.text)
        for identity in resolution.moves
        if identity.kind == DEVICE_TOKEN
        and (owner := owners.get(identity.key)) is not None
        and owner.customer != customer
    ]


def _without_token(owner: Snapshot, token: str) -> Update:
    addresses = (owner.profile or {}).get("addresses", {})
    left = [each for each in addresses.get("push", ()) if each != token]
    changed = {name: each for name, each in addresses.items() if name != "push"}
    changed |= {"push": left} if left else {}
    return Update(
        keys.profile(owner.customer),
        {"addresses": changed, "seq": owner.seq + 1, "touched": []},
        conditions=(equals("seq", owner.seq),),
    )


def noted(
    profile: Item, resolution: Resolution, rules: IdentityRules, now: datetime
) -> tuple[Item, list[Refusal]]:
    """What the profile remembers of the identities that came and of those that did not, and the
    refusals that are new to it.
    """
    known = profile.get("not_joined", [])
    new = {each.mark: each for each in resolution.refusals if each.mark not in known}
    changes = with_new(profile, [each.kind for each in resolution.claims], rules, now)
    if new:
        changes["not_joined"] = [*known, *new][-MAX_NOT_JOINED:]
    return changes, list(new.values())


def refusal_record(customer: str, refusal: Refusal, event: Event, now: datetime) -> Put:
    """Written once for each case, as long as the profile remembers it."""
    record: Item = {
        "kind": refusal.kind,
        "why": refusal.why,
        "event": event.id,
        "at": to_text(now),
        "expires": int((now + _RECORD_KEPT).timestamp()),
    }
    return Put(keys.not_joined(customer, refusal.about, refusal.why), record)


def problems_of(refusals: Iterable[Refusal]) -> list[str]:
    """For the log, without values."""
    return [
        f"{each.kind}: names nobody, not used"
        if each.why == BLOCKED
        else f"{each.kind}: not joined, {each.why}"
        for each in refusals
        if each.why not in _COMMON
    ]
