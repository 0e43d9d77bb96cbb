"""The identities that an event names: user id, anonymous id, email, phone, device token.

Each belongs to one customer: its item is made with "must not exist yet", under a keyed hash. Which
customer that makes the event's is decided in `resolving`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.customers import keys
from stepwell.customers.contacts import country_of, plain_email, plain_phone
from stepwell.customers.identity_rules import (
    ANONYMOUS_ID,
    DEVICE_TOKEN,
    EMAIL,
    PHONE,
    USER_ID,
    IdentityRules,
)
from stepwell.events.model import Event, EventType
from stepwell.ports import Hasher
from stepwell.storage.operations import Key
from stepwell.values import value

LONGEST_TOKEN = 4096


@value
class Identity:
    """`is_former`: only the id that an alias call says was used before."""

    kind: str
    key: Key
    text: str
    is_former: bool = False

    @property
    def reference(self) -> str:
        """Names it in records and in the profile: its kind and a part of its keyed hash."""
        return f"{self.kind}#{self.key.pk.rpartition('#')[2][:16]}"


@value
class Named:
    """What an event names, the strongest first; `blocked` are kinds whose value names nobody."""

    identities: tuple[Identity, ...]
    blocked: tuple[str, ...] = ()

    def keys(self) -> list[Key]:
        return [each.key for each in self.identities]

    def of(self, kind: str) -> Identity | None:
        """The one that is used now; not a former one."""
        return next(
            (each for each in self.identities if each.kind == kind and not each.is_former), None
        )

    @property
    def user_id(self) -> str | None:
        identity = self.of(USER_ID)
        return identity.text if identity else None

    def names_somebody(self) -> bool:
        """A device token alone says where somebody is, not who."""
        return any(each.kind != DEVICE_TOKEN for each in self.identities)


def named_by(event: Event, hasher: Hasher, rules: IdentityRules) -> Named:
    """Addresses count where they are said to be the customer's: in an identify call."""
    identities: dict[Key, Identity] = {}
    blocked: dict[str, None] = {}
    for kind, text, is_former in _texts(event, rules):
        if rules.blocks(text):
            blocked.setdefault(kind)
            continue
        identity = Identity(kind, identity_key(kind, text, hasher), text, is_former)
        known = identities.get(identity.key)
        if known is None or known.is_former:
            identities[identity.key] = identity
    return Named(tuple(identities.values()), tuple(blocked))


def identity_key(kind: str, text: str, hasher: Hasher) -> Key:
    return keys.identity(kind, hasher(kind, text))


def identities_in(event: Event) -> list[tuple[str, str]]:
    """(kind, value) of all that may ever join the event's customer to another one."""
    return [(kind, text) for kind, text, _ in _texts(event, IdentityRules())]


def device_token(context: dict[str, Any]) -> str | None:
    device = context.get("device")
    token = device.get("token") if isinstance(device, dict) else None
    return token if isinstance(token, str) and 0 < len(token) <= LONGEST_TOKEN else None


def _texts(event: Event, rules: IdentityRules) -> Iterator[tuple[str, str, bool]]:
    if event.user_id:
        yield USER_ID, event.user_id, False
    if event.previous_id and event.previous_id != event.user_id:  # whatever it was to its sender
        yield USER_ID, event.previous_id, True
        yield ANONYMOUS_ID, event.previous_id, True
    if event.anonymous_id:
        yield ANONYMOUS_ID, event.anonymous_id, False
    if event.type is EventType.IDENTIFY:
        email = plain_email(event.traits.get("email"))
        if email and EMAIL not in rules.shared:
            yield EMAIL, email, False
        phone = plain_phone(event.traits.get("phone"), country_of(event.traits))
        if phone and PHONE not in rules.shared:
            yield PHONE, phone, False
    token = device_token(event.context)
    if token:
        yield DEVICE_TOKEN, token, False
