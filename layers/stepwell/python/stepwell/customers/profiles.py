"""What an event changes in a customer's profile and consents. Pure: item in, item out."""

from __future__ import annotations

import json
from typing import Any

from stepwell.customers.groups import add_group
from stepwell.customers.snapshot import Snapshot, traits_of
from stepwell.customers.zones import load_zone
from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text

MAX_DEVICES = 10
MAX_ANONYMOUS_IDS = 10
"""Those that the profile lists for people to read; the identity items know them all."""
MAX_PREVIOUS_IDS = 10
MAX_TRAITS_BYTES = 100_000
MAX_GRANTS = 100
"""An item of DynamoDB takes 400 KB. What would grow past its share is not applied and said so:
otherwise no later event of this customer could be applied either.
"""

_LONGEST = {"email": 320, "sms": 32, "push": 4096, "locale": 64, "country": 64, "grant": 128}

_encoder = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_FROM_TRAITS = {"zone", "locale", "country"}


def apply_to_profile(snapshot: Snapshot, event: Event, seq: int, problems: list[str]) -> Item:
    """The profile after the event, which gets the number `seq`; `problems` says what did not fit.

    Traits come from identify, the newest event winning. A trait set to null is removed. Addresses,
    zone, locale and country are read from Segment's standard traits and context. An alias is noted
    in `previous_ids` and joins nobody.
    """
    before = snapshot.profile or {"created_at": to_text(event.received_at)}
    profile = {**before, "seq": seq, "updated_at": to_text(event.received_at)}
    profile.pop("pk", None)
    profile.pop("sk", None)
    if event.user_id:
        profile["user_id"] = event.user_id
    known = profile.get("anonymous_ids", [])
    if event.anonymous_id and event.anonymous_id not in known:
        profile["anonymous_ids"] = [*known, event.anonymous_id][-MAX_ANONYMOUS_IDS:]
    if event.type is EventType.IDENTIFY:
        traits = _merged(traits_of(snapshot.profile), event.traits, problems)
        profile["traits"] = _text(traits)
        profile = {name: value for name, value in profile.items() if name not in _FROM_TRAITS}
        profile |= _known_traits(traits)
        profile["addresses"] = _addresses(traits, before.get("addresses", {}))
    if event.type is EventType.GROUP:
        profile |= add_group(before, event, problems)
    if event.previous_id and event.previous_id != event.user_id:
        former = [each for each in profile.get("previous_ids", []) if each != event.previous_id]
        profile["previous_ids"] = [*former, event.previous_id][-MAX_PREVIOUS_IDS:]
    return profile | _from_context(event.context, profile.get("addresses", {}))


def apply_to_consents(snapshot: Snapshot, event: Event, problems: list[str]) -> Item | None:
    """The consents after a well-formed `Consent Updated` event; None when it changes nothing.

    An answer never replaces one that was given later.
    """
    if event.name != CONSENT_EVENT:
        return None
    purpose, channel, status = (
        event.properties.get(name) for name in ("purpose", "channel", "status")
    )
    named = isinstance(purpose, str) and isinstance(channel, str)
    if not named or status not in ("granted", "revoked"):
        return None
    name, at = f"{purpose}#{channel}", to_text(event.timestamp)
    grants = dict((snapshot.consents or {}).get("grants", {}))
    if name in grants and grants[name]["at"] > at:
        return None
    if name not in grants and (len(grants) >= MAX_GRANTS or len(name) > _LONGEST["grant"]):
        problems.append(f"consent: a customer has at most {MAX_GRANTS}, with short names")
        return None
    grants[name] = {"status": status, "at": at, "proof": event.id}
    return {"grants": grants}


def _merged(before: dict[str, Any], changes: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    merged = {name: value for name, value in (before | changes).items() if value is not None}
    if len(_text(merged)) <= MAX_TRAITS_BYTES:
        return merged
    problems.append(f"traits: larger than {MAX_TRAITS_BYTES} bytes together, none of these kept")
    return before


def _text(traits: dict[str, Any]) -> str:
    return _encoder.encode(traits)


def _known_traits(traits: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if _is_zone(traits.get("timezone")):
        known["zone"] = traits["timezone"]
    country = traits.get("country") or _nested(traits, "address", "country")
    places = {"locale": traits.get("locale"), "country": country}
    return known | {
        name: value
        for name, value in places.items()
        if isinstance(value, str) and len(value) <= _LONGEST[name]
    }


def _addresses(traits: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    addresses = {name: value for name, value in before.items() if name == "push"}
    for channel, trait in (("email", "email"), ("sms", "phone")):
        value = traits.get(trait)
        if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST[channel]:
            addresses[channel] = value.strip()
    return addresses


def _from_context(context: dict[str, Any], addresses: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if _is_zone(context.get("timezone")):
        changes["context_zone"] = context["timezone"]
    token = _nested(context, "device", "token")
    known = addresses.get("push", [])
    if isinstance(token, str) and 0 < len(token) <= _LONGEST["push"] and token not in known:
        tokens = [*known, token][-MAX_DEVICES:]
        changes["addresses"] = addresses | {"push": tokens}
    return changes


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and load_zone(value) is not None


def _nested(document: dict[str, Any], outer: str, inner: str) -> object:
    part = document.get(outer)
    return part.get(inner) if isinstance(part, dict) else None
