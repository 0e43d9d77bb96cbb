"""When identities became a customer's, for the limits of how many may come within a time. Pure.

came_to   kind -> epoch seconds of each identity that came, the oldest first
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from stepwell.customers.identity_rules import LIMITED, IdentityRules
from stepwell.storage.operations import Item


def recent(profile: Item | None, rules: IdentityRules, now: datetime) -> dict[str, int]:
    """How many identities of each kind a customer has come to within the kind's time."""
    came, moment = came_to(profile), int(now.timestamp())
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
    return dict((profile or {}).get("came_to", {}))


def came_to_both(one: Item, other: Item) -> dict[str, list[int]]:
    came = came_to(one)
    for kind, times in came_to(other).items():
        came[kind] = sorted([*came.get(kind, ()), *times])
    return came
