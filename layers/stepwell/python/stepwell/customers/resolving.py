"""Whose event it is: the customer, whom else it joins to them, and what identities they come to.

Pure. Identities that have an owner are evidence: two owners in one call are one person, unless that
person would have two user ids, or more of a kind than the rules allow. What is not joined is told
as a `Refusal`, and the event goes to the owner of the strongest identity: the user id, the ids of
an alias call, the anonymous id, then the addresses.

A device token does not tell who somebody is. It belongs to whoever used the device last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from stepwell.customers.identities import Identity, Named
from stepwell.customers.identity_rules import DEVICE_TOKEN, LIMITED, USER_ID, IdentityRules
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import MAX_TRAITS_BYTES
from stepwell.journeys.entering import MAX_LISTENING
from stepwell.storage.operations import Item, Key
from stepwell.values import value

MAX_MERGED = 8
"""Customers whose enrollments still live, at one customer: each is one more read an event."""
MAX_FORMER = 50
"""Customers that have ever become one."""

OTHER_USER = "other_user"
LIMIT = "limit"
BLOCKED = "blocked"
TOO_MANY_CUSTOMERS = "too_many_customers"
TOO_MANY_ENROLLMENTS = "too_many_enrollments"
TOO_LARGE = "too_large"


@value
class Refusal:
    """An identity that was named and not joined, and why."""

    identity: Identity | None
    kind: str
    why: str

    @property
    def mark(self) -> str:
        """What the profile remembers it by, so that it is recorded once."""
        return f"{self.identity.reference if self.identity else self.kind} {self.why}"


@value
class Resolution:
    """`person` is None for a customer who is to be made. `joins` is to be merged into them, or they
    into it, before the event is applied.
    """

    person: Snapshot | None
    joins: Snapshot | None
    joined_by: str
    claims: tuple[Identity, ...]
    """Named and nobody's so far, within the limits: they become the person's."""
    moves: tuple[Identity, ...]
    """The person's, but their items name a customer who is this person by now, or the one who had
    the device before.
    """
    refusals: tuple[Refusal, ...]

    @property
    def is_whole(self) -> bool:
        return all(each.is_whole for each in (self.person, self.joins) if each)

    def joining(self) -> tuple[Snapshot, Snapshot]:
        """Who remains and who becomes part of them: remains who has a user id, else the older one.

        To be asked only where there are two.
        """
        person, other = self.person or Snapshot(""), self.joins or Snapshot("")
        if user_of(person) or (not user_of(other) and _age(person) <= _age(other)):
            return person, other
        return other, person


def resolve(
    named: Named,
    owners: Mapping[Key, Snapshot],
    found: Mapping[Key, Item],
    rules: IdentityRules,
    now: datetime,
    listening: Callable[[Snapshot], int],
) -> Resolution:
    """`owners`: by the identity's key the person it belongs to, where that is to be known.
    `listening(person)`: how many of their enrollments events can still reach.
    """
    evidence = _Evidence(named, rules, now, listening)
    person, joins, joined_by, refusals = _people(evidence, owners)
    claims, moves = [], []
    counts = recent(person.profile if person else None, rules, now)
    for identity in named.identities:
        item = found.get(identity.key)
        if item is None:
            if _has_room(identity, person, counts, rules):
                claims.append(identity)
                counts[identity.kind] = counts.get(identity.kind, 0) + 1
            else:
                refusals.append(Refusal(identity, identity.kind, LIMIT))
        elif _is_to_move(identity, item, person, owners.get(identity.key)):
            moves.append(identity)
    refusals += [Refusal(None, kind, BLOCKED) for kind in named.blocked]
    return Resolution(person, joins, joined_by, tuple(claims), tuple(moves), tuple(refusals))


@value
class _Evidence:
    """What two people are held together with."""

    named: Named
    rules: IdentityRules
    now: datetime
    listening: Callable[[Snapshot], int]


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
        why = _other_user(identity, evidence.named, person, owner)
        if not why and person is not None:
            why = _past_limits(evidence, person, owner)
        if why:
            refusals.append(Refusal(identity, identity.kind, why))
        elif person is None:
            person = owner
        else:
            return person, owner, identity.kind, refusals
    return person, None, "", refusals


def _other_user(identity: Identity, named: Named, person: Snapshot | None, owner: Snapshot) -> str:
    """Whether they would be a person with two user ids. An alias call says that they are."""
    own, theirs = user_of(person) or named.user_id, user_of(owner)
    if identity.kind == USER_ID and (identity.is_former or person is None):
        return ""
    return OTHER_USER if own and theirs and own != theirs else ""


def _past_limits(evidence: _Evidence, person: Snapshot, owner: Snapshot) -> str:
    """What one person out of the two would have too much of; "" for nothing."""
    rules, now = evidence.rules, evidence.now
    two = (person, owner)
    if sum(len(merged_of(each)) + 1 for each in two) > MAX_MERGED + 1:
        return TOO_MANY_CUSTOMERS
    if sum(len(former_of(each)) + 1 for each in two) > MAX_FORMER + 1:
        return TOO_MANY_CUSTOMERS
    if sum(evidence.listening(each) for each in two) > MAX_LISTENING:
        return TOO_MANY_ENROLLMENTS
    if sum(len((each.profile or {}).get("traits", "")) for each in two) > MAX_TRAITS_BYTES:
        return TOO_LARGE
    came = [recent(each.profile, rules, now) for each in two]
    over = (sum(each.get(k, 0) for each in came) > rules.limits[k].at_most for k in LIMITED)
    return LIMIT if any(over) else ""


def _has_room(
    identity: Identity, person: Snapshot | None, counts: Mapping[str, int], rules: IdentityRules
) -> bool:
    if identity.kind == DEVICE_TOKEN:
        return True
    if identity.kind == USER_ID and not identity.is_former and user_of(person) is None:
        return True
    return counts.get(identity.kind, 0) < rules.limits[identity.kind].at_most


def _is_to_move(
    identity: Identity, item: Item, person: Snapshot | None, owner: Snapshot | None
) -> bool:
    if identity.kind == DEVICE_TOKEN:
        return person is None or item["customer"] != person.customer
    same = person is not None and owner is not None and owner.customer == person.customer
    return same and person is not None and item["customer"] != person.customer


def recent(profile: Item | None, rules: IdentityRules, now: datetime) -> dict[str, int]:
    """How many identities of each kind a customer has come to within the kind's time."""
    came = came_to(profile)
    moment = int(now.timestamp())
    return {
        kind: sum(at > moment - rules.limits[kind].seconds for at in came[kind])
        for kind in LIMITED
        if kind in came
    }


def with_new(profile: Item, kinds: Iterable[str], rules: IdentityRules, now: datetime) -> Item:
    """The profile's `came_to` after an identity of each of these kinds; what no limit counts any
    more is left out.
    """
    limited = [kind for kind in kinds if kind in LIMITED]
    if not limited:
        return {}
    came, moment = came_to(profile), int(now.timestamp())
    for kind in limited:
        kept = [at for at in came.get(kind, ()) if at > moment - rules.limits[kind].seconds]
        came[kind] = [*kept, moment]
    return {"came_to": came}


def came_to(profile: Item | None) -> dict[str, list[int]]:
    """Kind -> when each of its identities became the customer's, in epoch seconds."""
    return dict((profile or {}).get("came_to", {}))


def user_of(person: Snapshot | None) -> str | None:
    return ((person.profile if person else None) or {}).get("user_id")


def merged_of(person: Snapshot) -> list[str]:
    """Customers who became this one, and whose enrollments may still live."""
    return list((person.profile or {}).get("merged", ()))


def former_of(person: Snapshot) -> list[str]:
    """All customers who became this one."""
    return list((person.profile or {}).get("former", ()))


def _age(person: Snapshot) -> tuple[Any, str]:
    return (person.profile or {}).get("created_at", ""), person.customer
