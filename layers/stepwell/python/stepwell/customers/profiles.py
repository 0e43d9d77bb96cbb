"""What an event changes in a customer's profile and consents. Pure: item in, item out."""

from __future__ import annotations

import json
from typing import Any

from stepwell.customers.snapshot import Snapshot, traits_of
from stepwell.customers.zones import load_zone
from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text

MAX_DEVICES = 10
MAX_ANONYMOUS_IDS = 10
"""Those that the profile lists for people to read; the identity items know them all."""

_FROM_TRAITS = {"zone", "locale", "country"}


def apply_to_profile(snapshot: Snapshot, event: Event, seq: int) -> Item:
    """The profile after the event, which gets the number `seq`.

    Traits come from identify, the newest event winning. A trait set to null is removed. Addresses,
    zone, locale and country are read from Segment's standard traits and context.
    """
    before = snapshot.profile or {"created_at": to_text(event.received_at)}
    profile = {name: value for name, value in before.items() if name not in ("pk", "sk")}
    profile |= {"seq": seq, "updated_at": to_text(event.received_at)}
    if event.user_id:
        profile["user_id"] = event.user_id
    known = profile.get("anonymous_ids", [])
    if event.anonymous_id and event.anonymous_id not in known:
        profile["anonymous_ids"] = [*known, event.anonymous_id][-MAX_ANONYMOUS_IDS:]
    if event.type is EventType.IDENTIFY:
        traits = traits_of(snapshot.profile) | event.traits
        traits = {name: value for name, value in traits.items() if value is not None}
        profile["traits"] = json.dumps(traits, separators=(",", ":"), sort_keys=True)
        profile = {name: value for name, value in profile.items() if name not in _FROM_TRAITS}
        profile |= _known_traits(traits)
        profile["addresses"] = _addresses(traits, before.get("addresses", {}))
    return profile | _from_context(event.context, profile.get("addresses", {}))


def apply_to_consents(snapshot: Snapshot, event: Event) -> Item | None:
    """The consents after a well-formed `Consent Updated` event; None when it changes nothing.

    An answer never replaces one that was given later.
    """
    purpose, channel, status = (
        event.properties.get(name) for name in ("purpose", "channel", "status")
    )
    named = isinstance(purpose, str) and isinstance(channel, str)
    if event.name != CONSENT_EVENT or not named or status not in ("granted", "revoked"):
        return None
    name, at = f"{purpose}#{channel}", to_text(event.timestamp)
    grants = dict((snapshot.consents or {}).get("grants", {}))
    if name in grants and grants[name]["at"] > at:
        return None
    grants[name] = {"status": status, "at": at, "proof": event.id}
    return {"grants": grants}


def _known_traits(traits: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if _is_zone(traits.get("timezone")):
        known["zone"] = traits["timezone"]
    if isinstance(traits.get("locale"), str):
        known["locale"] = traits["locale"]
    country = traits.get("country") or _nested(traits, "address", "country")
    if isinstance(country, str):
        known["country"] = country
    return known


def _addresses(traits: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    addresses = {name: value for name, value in before.items() if name == "push"}
    for channel, trait in (("email", "email"), ("sms", "phone")):
        value = traits.get(trait)
        if isinstance(value, str) and value.strip():
            addresses[channel] = value.strip()
    return addresses


def _from_context(context: dict[str, Any], addresses: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if _is_zone(context.get("timezone")):
        changes["context_zone"] = context["timezone"]
    token = _nested(context, "device", "token")
    if isinstance(token, str) and token and token not in addresses.get("push", []):
        tokens = [*addresses.get("push", []), token][-MAX_DEVICES:]
        changes["addresses"] = addresses | {"push": tokens}
    return changes


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and load_zone(value) is not None


def _nested(document: dict[str, Any], outer: str, inner: str) -> object:
    part = document.get(outer)
    return part.get(inner) if isinstance(part, dict) else None
