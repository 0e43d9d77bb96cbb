"""How many identities one customer may have, and which values identify nobody.

They bound what a wrong join can do. What goes past them is recorded and not joined. A project
declares its own in the `identities` of its policies; these values are as read from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from stepwell.events.nobody import names_nobody

USER_ID = "user_id"
ANONYMOUS_ID = "anonymous_id"
EMAIL = "email"
PHONE = "phone"
DEVICE_TOKEN = "device_token"  # noqa: S105 - a kind of identity

LIMITED = (USER_ID, ANONYMOUS_ID, EMAIL, PHONE)
"""A device token is not limited: it moves to whoever used the device last."""
CONTACTS = (EMAIL, PHONE)

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """A customer may come to so many new identities of one kind within so many seconds."""

    at_most: int
    seconds: int


DEFAULT_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        USER_ID: Limit(5, 365 * _DAY),  # by alias calls; at one time a customer has one user id
        ANONYMOUS_ID: Limit(20, 30 * _DAY),
        EMAIL: Limit(5, 365 * _DAY),
        PHONE: Limit(5, 365 * _DAY),
    }
)


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """`shared`: kinds that several customers may have and that therefore identify none of them.
    `blocked`: values, in the form in which they are compared, that name nobody besides those that
    never do. `trusts_addresses`: who says the address of a known user is taken to be that user.
    """

    limits: Mapping[str, Limit] = field(default_factory=lambda: DEFAULT_LIMITS)
    shared: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    trusts_addresses: bool = False

    def blocks(self, text: str) -> bool:
        return names_nobody(text) or text.strip().lower() in self.blocked


def load_identity_rules(document: Mapping[str, Any]) -> IdentityRules:
    """Read a validated document; what it does not say is as by default."""
    return IdentityRules(
        limits={
            **DEFAULT_LIMITS,
            **{kind: Limit(**each) for kind, each in document.get("limits", {}).items()},
        },
        shared=frozenset(document.get("shared", ())),
        blocked=frozenset(document.get("blocked", ())),
        trusts_addresses=document.get("trust_addresses", False),
    )
