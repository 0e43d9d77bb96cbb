"""Whose event it is: the customer, whom else it joins to them, and what identities they come to.

Pure. Identities that have an owner are evidence: two owners in one call are one person, unless that
person would have two user ids, or more of a kind than the rules allow. What is not joined is told
as a `Refusal`, and the event goes to the owner of the strongest identity: the user id, the ids of
an alias call, the anonymous id, then the addresses.

A device token does not tell who somebody is. It belongs to whoever used the device last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from stepwell.customers.arrivals import recent
from stepwell.customers.identities import Identity, Named
from stepwell.customers.identity_rules import (
    CONTACTS,
    DEVICE_TOKEN,
    LIMITED,
    USER_ID,
    IdentityRules,
)
from stepwell.customers.profiles import MAX_GRANTS
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import MAX_TRAITS_BYTES, size_of_traits
from stepwell.journeys.entering import MAX_LISTENING
from stepwell.storage.operations import Item, Key
from stepwell.values import value

MAX_MERGED = 8
"""Customers whose enrollments still live, at one customer: each is one more read an event."""

OTHER_USER = "other_user"
UNPROVEN = "unproven"
LIMIT = "limit"
BLOCKED = "blocked"
TOO_MANY_CUSTOMERS = "too_many_customers"
TOO_MANY_ENROLLMENTS = "too_many_enrollments"
TOO_LARGE = "too_large"

Listening = Callable[[Mapping[str, Item]], int]
"""How many of these enrollments events can still reach."""


@value
class Refusal:
    """An identity that was named and not joined, and why.

    `about` names it, or only its kind where the value does not matter: somebody with a new
    anonymous id in every call is one case.
    """

    kind: str
    why: str
    about: str

    @property
    def mark(self) -> str:
        """What the profile remembers it by, so that it is recorded once."""
        return f"{self.about} {self.why}"


def refusal_of(identity: Identity, why: str) -> Refusal:
    return Refusal(identity.kind, why, identity.kind if why == LIMIT else identity.reference)


@value
class Resolution:
    """`person` is None for a customer who is to be made. `joins` are two who have to be made one
    before the event is applied: who remains, and who becomes part of them.
    """

    person: Snapshot | None
    joins: tuple[Snapshot, Snapshot] | None
    joined_by: str
    claims: tuple[Identity, ...]
    """Named and nobody's so far, within the limits: they become the person's."""
    moves: tuple[Identity, ...]
    """Named as somebody's, and the person's from now on: of a customer who has become this person,
    and the device of somebody who had it before.
    """
    refusals: tuple[Refusal, ...]

    @property
    def is_whole(self) -> bool:
        people = (self.person, *(self.joins or ()))
        return all(each.is_whole for each in people if each)

    @property
    def is_there(self) -> bool:
        """Whether everybody has a profile: an identity may be seen before it."""
        people = (self.person, *(self.joins or ()))
        return all(each.profile is not None for each in people if each)


def resolve(
    named: Named,
    owners: Mapping[Key, Snapshot],
    found: Mapping[Key, Item],
    rules: IdentityRules,
    now: datetime,
    *,
    listening: Listening,
    moves_devices: bool = True,
) -> Resolution:
    """`owners`: by the identity's key the person it belongs to, where that is to be known.
    `moves_devices` is false for an event that is too old to say who has a device by now.
    """
    if (person := _only_owner(named, owners, found)) is not None:
        return Resolution(person, None, "", (), (), ())
    evidence = _Evidence(named, rules, now, listening)
    person, other, joined_by, refusals = _people(evidence, owners)
    claims, moves = [], []
    counts = recent(person.profile if person else None, rules, now)
    for identity in named.identities:
        item = found.get(identity.key)
        if item is None and identity.kind == USER_ID and identity.is_former:
            continue  # nobody's, and not to be kept from whoever comes with it one day
        if item is None:
            if _has_room(identity, person, counts, rules):
                claims.append(identity)
                counts[identity.kind] = counts.get(identity.kind, 0) + 1
            else:
                refusals.append(refusal_of(identity, LIMIT))
        elif _is_to_move(
            identity, item, person, owners.get(identity.key), moves_devices=moves_devices
        ):
            moves.append(identity)
    refusals += [Refusal(kind, BLOCKED, kind) for kind in named.blocked]
    joins = _ordered(person, other) if person and other else None
    return Resolution(person, joins, joined_by, tuple(claims), tuple(moves), tuple(refusals))


def _only_owner(
    named: Named, owners: Mapping[Key, Snapshot], found: Mapping[Key, Item]
) -> Snapshot | None:
    """Whose everything is that is named, as in nearly all events; None when there is more to it."""
    first = owners.get(named.identities[0].key)
    if first is None or named.blocked:
        return None
    for identity in named.identities:
        item = found.get(identity.key)
        if item is None or item["customer"] != first.customer:
            return None
    return first


@value
class _Evidence:
    """What two people are held together with."""

    named: Named
    rules: IdentityRules
    now: datetime
    listening: Listening


def _people(
    evidence: _Evidence, owners: Mapping[Key, Snapshot]
) -> tuple[Snapshot | None, Snapshot | None, str, list[Refusal]]:
    """The person, the first who is to be joined to them and by what, and whom they are not."""
    person: Snapshot | None = None
    refusals: list[Refusal] = []
    for identity in evidence.named.identities:
        owner = owners.get(identity.key)
        if owner is None or identity.kind == DEVICE_TOKEN:
            continue
        if person is not None and owner.customer == person.customer:
            continue
        why = _somebody_else(identity, evidence, person, owner)
        if not why and person is not None:
            why = _past_limits(evidence, person, owner)
        if why:
            refusals.append(refusal_of(identity, why))
        elif person is None:
            person = owner
        else:
            return person, owner, identity.kind, refusals
    return person, None, "", refusals


def _somebody_else(
    identity: Identity, evidence: _Evidence, person: Snapshot | None, owner: Snapshot
) -> str:
    """Why the owner is not taken for the one who calls; "" when they are.

    One person has one user id, unless an alias call says that it has changed. And an address that a
    visitor says is not proven: everybody can write the address of a known user.
    """
    own, theirs = user_of(person) or evidence.named.user_id, user_of(owner)
    if identity.kind == USER_ID and (identity.is_former or person is None):
        return ""
    if own and theirs:
        return OTHER_USER if own != theirs else ""
    if identity.kind in CONTACTS and theirs and not evidence.rules.trusts_addresses:
        return UNPROVEN
    return ""


def _past_limits(evidence: _Evidence, person: Snapshot, owner: Snapshot) -> str:
    """What one person out of the two would have too much of; "" for nothing."""
    rules, now, two = evidence.rules, evidence.now, (person, owner)
    parts = [*person.merged.values(), *owner.merged.values(), owner.enrollments]
    if sum(evidence.listening(part) > 0 for part in parts) > MAX_MERGED:
        return TOO_MANY_CUSTOMERS
    if sum(map(evidence.listening, [person.enrollments, *parts])) > MAX_LISTENING:
        return TOO_MANY_ENROLLMENTS
    if sum(size_of_traits(each.profile) for each in two) > MAX_TRAITS_BYTES:
        return TOO_LARGE
    if len({name for each in two for name in (each.consents or {}).get("grants", ())}) > MAX_GRANTS:
        return TOO_LARGE
    came = [recent(each.profile, rules, now) for each in two]
    over = (sum(each.get(k, 0) for each in came) > rules.limits[k].at_most for k in LIMITED)
    return LIMIT if any(over) else ""


def _has_room(
    identity: Identity, person: Snapshot | None, counts: Mapping[str, int], rules: IdentityRules
) -> bool:
    if identity.kind == DEVICE_TOKEN:
        return True
    if identity.kind == USER_ID and user_of(person) is None:
        return True
    return counts.get(identity.kind, 0) < rules.limits[identity.kind].at_most


def _is_to_move(
    identity: Identity,
    item: Item,
    person: Snapshot | None,
    owner: Snapshot | None,
    *,
    moves_devices: bool,
) -> bool:
    """Whether its item names a customer who is this person by now, or another's device."""
    if person is not None and item["customer"] == person.customer:
        return False
    if person is not None and owner is not None and owner.customer == person.customer:
        return True
    return identity.kind == DEVICE_TOKEN and moves_devices


def _ordered(person: Snapshot, other: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Who remains, and who becomes part of them: remains who has a user id, else the older one."""
    if user_of(person) or (not user_of(other) and _age(person) <= _age(other)):
        return person, other
    return other, person


def user_of(person: Snapshot | None) -> str | None:
    return ((person.profile if person else None) or {}).get("user_id")


def _age(person: Snapshot) -> tuple[Any, str]:
    return (person.profile or {}).get("created_at", ""), person.customer
