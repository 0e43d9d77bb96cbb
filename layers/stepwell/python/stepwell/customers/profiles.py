"""What an event changes in a customer's profile and consents. Pure: item in, item out.

CONSENTS   grants   "<purpose>#<channel>" -> {"status", "at", "proof": the event's id}
seq      number of the event, or of the join, that wrote it last
"""

from __future__ import annotations

from typing import Any

from stepwell.customers import keys
from stepwell.customers.contacts import LONGEST_EMAIL, LONGEST_PHONE, country_of, plain_phone
from stepwell.customers.groups import add_group
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import MAX_TRAITS_BYTES, Traits, read_traits, said, size_of_traits
from stepwell.customers.zones import load_zone
from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.profile.context import NOTHING_KEPT, ContextRules, with_context
from stepwell.storage.operations import NEW, Conditions, Item, Put, absent, equals
from stepwell.timestamps import to_text
from stepwell.values import value

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
_CONTEXT_ZONE = ("context_zone", "context_zone_at")


@value
class OwnIds:
    """The ids of an event, as far as they are the customer's: those in use, and the one that an
    alias call says was used before.
    """

    user_id: str | None = None
    anonymous_id: str | None = None
    token: str | None = None
    previous_id: str | None = None


def apply_to_profile(
    snapshot: Snapshot,
    event: Event,
    seq: int,
    problems: list[str],
    own: OwnIds,
    rules: ContextRules = NOTHING_KEPT,
) -> Item:
    """The profile after the event, which gets the number `seq`; `problems` says what did not fit.

    Traits come from identify, the newest word on each winning. A trait set to null is removed.
    Addresses, zone, locale and country are read from Segment's standard traits and context; of the
    context also what `rules` declare.
    """
    before = snapshot.profile or {"created_at": to_text(event.received_at)}
    profile = {**before, "seq": seq, "updated_at": to_text(event.received_at)}
    profile.pop("pk", None)
    profile.pop("sk", None)
    profile |= _ids(profile, own)
    if event.type is EventType.IDENTIFY:
        values, written = _with_said(read_traits(before), event, problems)
        tokens = before.get("addresses", {}).get("push", [])
        profile = known_by_traits(profile, values, tokens) | written
    if event.type is EventType.GROUP:
        profile |= add_group(before, event, problems)
    # By its receipt, so that it comes out the same when the archive is applied again.
    profile = with_context(profile, event.context, event.timestamp, event.received_at, rules)
    return _with_zone(profile, event, rules) | _with_token(profile, own.token)


def known_by_traits(profile: Item, traits: dict[str, Any], tokens: list[str]) -> Item:
    """The profile with the addresses and places that traits say, and with these device tokens."""
    rest = {name: each for name, each in profile.items() if name not in _FROM_TRAITS}
    return rest | _places(traits) | {"addresses": _addresses(traits, tokens)}


def _ids(profile: Item, own: OwnIds) -> Item:
    """Which ids count from now on. Events that still come under a former user id do not bring it
    back; only an alias call does.
    """
    ids: Item = {}
    user, former = profile.get("user_id"), profile.get("former_user_ids", [])
    if own.previous_id:
        previous = [each for each in profile.get("previous_ids", []) if each != own.previous_id]
        ids["previous_ids"] = [*previous, own.previous_id][-MAX_PREVIOUS_IDS:]
        former = [each for each in former if each != own.user_id]
    if own.user_id and own.user_id not in former:
        ids["user_id"] = own.user_id
        if user and user != own.user_id:
            ids["former_user_ids"] = [*former, user][-MAX_PREVIOUS_IDS:]
    known = profile.get("anonymous_ids", [])
    if own.anonymous_id and own.anonymous_id not in known:
        ids["anonymous_ids"] = [*known, own.anonymous_id][-MAX_ANONYMOUS_IDS:]
    return ids


def apply_to_consents(
    snapshot: Snapshot, event: Event, seq: int, problems: list[str]
) -> Item | None:
    """The consents after a well-formed `Consent Updated` event; None when it changes nothing.

    An answer never replaces one that was given later. `seq` is the number of their last change.
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
    return {"grants": grants, "seq": seq}


def consents_write(customer: str, consents: Item, before: Item | None) -> Put:
    """The CONSENTS item, if it is as it was read: a Query may see the profile of an event, and the
    consents of before.
    """
    return Put(keys.consents(customer), consents, consents_as_read(before))


def consents_as_read(before: Item | None) -> Conditions:
    if before is None:
        return NEW
    return (equals("seq", before["seq"]),) if "seq" in before else (absent("seq"),)


def _with_said(before: Traits, event: Event, problems: list[str]) -> tuple[dict[str, Any], Item]:
    """The traits' values, and the attributes that they are kept in."""
    after = before.united(said(event.traits, event.timestamp, event.source))
    written = after.items()
    if size_of_traits(written) <= MAX_TRAITS_BYTES:
        return after.values, written
    problems.append(f"traits: larger than {MAX_TRAITS_BYTES} bytes together, none of these kept")
    return before.values, before.items()


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


def _with_zone(profile: Item, event: Event, rules: ContextRules) -> Item:
    """With the zone of the event's context, if none was said later."""
    if not rules.zone:
        return {name: each for name, each in profile.items() if name not in _CONTEXT_ZONE}
    zone = event.context.get("timezone")
    if not _is_zone(zone):
        return profile
    told = {"context_zone": zone, "context_zone_at": to_text(event.timestamp)}
    return profile | max(profile, told, key=_age_of_zone)


def _age_of_zone(told: Item) -> tuple[str, str]:
    """One without a time is older than any. Of the same millisecond always the same one counts."""
    return told.get("context_zone_at", ""), told.get("context_zone", "")


def _with_token(profile: Item, token: str | None) -> Item:
    addresses = profile.get("addresses", {})
    known = addresses.get("push", [])
    if not token or token in known:
        return {}
    return {"addresses": addresses | {"push": [*known, token][-MAX_DEVICES:]}}


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and load_zone(value) is not None
