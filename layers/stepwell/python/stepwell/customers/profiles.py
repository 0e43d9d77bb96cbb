"""What an event changes in a customer's profile and consents. Pure: item in, item out."""

from __future__ import annotations

from typing import Any

from stepwell.customers.contacts import LONGEST_EMAIL, LONGEST_PHONE, country_of, plain_phone
from stepwell.customers.groups import add_group
from stepwell.customers.identities import device_token
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import MAX_TRAITS_BYTES, Traits, read_traits, said
from stepwell.customers.zones import load_zone
from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.events.nobody import names_nobody
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text

MAX_DEVICES = 10
MAX_ANONYMOUS_IDS = 10
"""Those that the profile lists for people to read; the identity items know them all."""
MAX_PREVIOUS_IDS = 10
MAX_GRANTS = 100
"""An item of DynamoDB takes 400 KB. What would grow past its share is not applied and said so:
otherwise no later event of this customer could be applied either.
"""

_LONGEST = {"email": LONGEST_EMAIL, "sms": LONGEST_PHONE, "locale": 64, "country": 64, "grant": 128}
_FROM_TRAITS = ("zone", "locale", "country")


def apply_to_profile(
    snapshot: Snapshot,
    event: Event,
    seq: int,
    problems: list[str],
    *,
    user_id: str | None,
    anonymous_id: str | None,
) -> Item:
    """The profile after the event, which gets the number `seq`; `problems` says what did not fit.

    `user_id` and `anonymous_id` are those of the event that are the customer's. Traits come from
    identify, the newest word on each winning. A trait set to null is removed. Addresses, zone,
    locale and country are read from Segment's standard traits and context.
    """
    before = snapshot.profile or {"created_at": to_text(event.received_at)}
    profile = {**before, "seq": seq, "updated_at": to_text(event.received_at)}
    profile.pop("pk", None)
    profile.pop("sk", None)
    profile |= _ids(profile, event, user_id, anonymous_id)
    if event.type is EventType.IDENTIFY:
        traits = _with_said(read_traits(before), event, problems)
        tokens = before.get("addresses", {}).get("push", [])
        profile = known_by_traits(profile, traits.values, tokens) | traits.items()
    if event.type is EventType.GROUP:
        profile |= add_group(before, event, problems)
    return profile | _from_context(event.context, profile.get("addresses", {}))


def known_by_traits(profile: Item, traits: dict[str, Any], tokens: list[str]) -> Item:
    """The profile with the addresses and places that traits say, and with these device tokens."""
    rest = {name: each for name, each in profile.items() if name not in _FROM_TRAITS}
    return rest | _places(traits) | {"addresses": _addresses(traits, tokens)}


def _ids(profile: Item, event: Event, user_id: str | None, anonymous_id: str | None) -> Item:
    """An alias call says which user id counts from now on; events of a former one do not."""
    former = [each for each in profile.get("previous_ids", []) if each != event.previous_id]
    ids: Item = {}
    if event.previous_id and user_id and event.previous_id != user_id:
        former = [each for each in (*former, event.previous_id) if each != user_id]
        ids["previous_ids"] = former[-MAX_PREVIOUS_IDS:]
    if user_id and user_id not in former:
        ids["user_id"] = user_id
    known = profile.get("anonymous_ids", [])
    if anonymous_id and anonymous_id not in known:
        ids["anonymous_ids"] = [*known, anonymous_id][-MAX_ANONYMOUS_IDS:]
    return ids


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


def _with_said(before: Traits, event: Event, problems: list[str]) -> Traits:
    after = before.united(said(event.traits, event.timestamp))
    if len(after.items()["traits"]) <= MAX_TRAITS_BYTES:
        return after
    problems.append(f"traits: larger than {MAX_TRAITS_BYTES} bytes together, none of these kept")
    return before


def _places(traits: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if _is_zone(traits.get("timezone")):
        known["zone"] = traits["timezone"]
    places = {"locale": traits.get("locale"), "country": country_of(traits)}
    return known | {
        name: value
        for name, value in places.items()
        if isinstance(value, str) and len(value) <= _LONGEST[name]
    }


def _addresses(traits: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    """A phone number as E.164 where it can be read as one, else as it was sent: its provider says
    what is wrong with it.
    """
    addresses: dict[str, Any] = {}
    if tokens:
        addresses["push"] = list(dict.fromkeys(tokens))[-MAX_DEVICES:]
    for channel, trait in (("email", "email"), ("sms", "phone")):
        value = traits.get(trait)
        if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST[channel]:
            addresses[channel] = value.strip()
    if "sms" in addresses:
        addresses["sms"] = plain_phone(addresses["sms"], country_of(traits)) or addresses["sms"]
    return addresses


def _from_context(context: dict[str, Any], addresses: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if _is_zone(context.get("timezone")):
        changes["context_zone"] = context["timezone"]
    token = device_token(context)
    known = addresses.get("push", [])
    if token and token not in known and not names_nobody(token):
        changes["addresses"] = addresses | {"push": [*known, token][-MAX_DEVICES:]}
    return changes


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and load_zone(value) is not None
