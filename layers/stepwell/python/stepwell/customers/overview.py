"""All that is kept of one customer, for the people who run the journeys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.customers.contacts import plain_email, plain_phone
from stepwell.customers.groups import groups_of
from stepwell.customers.identities import identity_key
from stepwell.customers.identity_rules import (
    ANONYMOUS_ID,
    DEVICE_TOKEN,
    EMAIL,
    PHONE,
    USER_ID,
)
from stepwell.customers.living_overview import living_overview
from stepwell.customers.people import load_person
from stepwell.customers.traits import traits_of
from stepwell.ports import Hasher
from stepwell.profile.context import kept_context
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import Item, Store, TableName

NEWEST = 100
"""How many messages, decisions and finished enrollments an overview shows."""

_HIDDEN = {
    *("pk", "sk", "token", "token_for", "expires", "forget_at", "touched"),
    *("trait_times", "groups_at", "came_to", "not_joined", "conversation"),
    *("computed", "applied", "segments", "segments_by", "due", "due_at", "due_shard"),
    *("lists", "lists_left", "traits_before"),
}
"""What is kept of a living profile is shown by what follows from it."""


def find_customer(store: Store, hasher: Hasher, name: str) -> str | None:
    """The customer of an internal id, a user id, an anonymous id, an address or a device token;
    None if there is none.
    """
    if store.get(keys.profile(name)):
        return name
    names = {
        USER_ID: name,
        ANONYMOUS_ID: name,
        EMAIL: plain_email(name),
        PHONE: plain_phone(name),
        DEVICE_TOKEN: name,
    }
    wanted = [identity_key(kind, text, hasher) for kind, text in names.items() if text]
    found = store.get_many(wanted)
    return next((str(found[key]["customer"]) for key in wanted if key in found), None)


def overview(store: Store, customer: str, rules: ProfileRules, now: datetime) -> dict[str, Any]:
    """Profile, identities, consents, enrollments, messages and decisions, the newest first: of the
    person who the customer is now, also what lies with customers who became that person. Computed
    traits and segments are those of `now`, by the rules.
    """
    person = load_person(store, customer)
    profile = person.profile or {}
    ids = [person.customer, *profile.get("former", ())]
    shown = {name: value for name, value in profile.items() if name not in _HIDDEN}
    return {
        "customer": person.customer,
        "profile": {
            **shown,
            **kept_context(profile),
            "traits": traits_of(profile),
            "groups": groups_of(profile),
        },
        **living_overview(person, rules, now),
        "identities": {
            USER_ID: profile.get("user_id"),
            ANONYMOUS_ID: profile.get("anonymous_ids", []),
        },
        "consents": (person.consents or {}).get("grants", {}),
        "caps": (person.caps or {}).get("units", []),
        "enrollments": [_shown(each) for _, _, each in person.all_enrollments()],
        "finished": _records(store, ids, keys.FINISHED_PREFIX),
        "conversions": _records(store, ids, keys.CONVERSION_PREFIX),
        "messages": _records(store, ids, keys.MESSAGE_PREFIX),
        "decisions": _records(store, ids, keys.DECISION_PREFIX),
        "hand_overs": _records(store, ids, keys.HAND_OVER_PREFIX),
        "merged": _records(store, ids, keys.MERGED_PREFIX),
        "not_joined": _records(store, ids, keys.NOT_JOINED_PREFIX),
    }


def _records(store: Store, customers: Sequence[str], prefix: str) -> list[Item]:
    """Of several customers those of each one after the other; decisions are named by their time."""
    found = [
        each
        for customer in customers
        for each in store.query(
            TableName.RECORDS,
            keys.partition(customer),
            prefix=prefix,
            newest_first=True,
            limit=NEWEST,
        )
    ]
    if len(customers) > 1:
        found.sort(key=lambda each: str(each["sk"]), reverse=True)
    return [_shown(each) for each in found[:NEWEST]]


def _shown(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _HIDDEN}
