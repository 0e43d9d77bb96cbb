"""What operators ask of the customers: one of them, an audience, whose some ids are.

    GET  /admin/customers/{id}         everything that is kept of one; ?explain=<segment> why
    POST /admin/customers              {"names": [{"email": …}, …], "list"?}: whose these are
    GET  /admin/audiences              the segments and lists that are in force
    GET  /admin/audiences/{name}       a page of `segments.<name>` or `lists.<name>`

An answer is (status, document). Addresses are in bodies only, where no log of a gateway has them;
a customer's id in a path is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepwell.conditions.tree import whole_source
from stepwell.customers import keys
from stepwell.customers.contacts import plain_email, plain_phone
from stepwell.customers.identities import identity_key
from stepwell.customers.identity_rules import EMAIL, PHONE, USER_ID
from stepwell.customers.overview import find_customer, overview
from stepwell.customers.people import load_person, read_person
from stepwell.ports import Hasher
from stepwell.profile.audience import (
    LISTS,
    MAX_PARTS,
    Audience,
    Profiles,
    UnknownAudienceError,
    members_of_page,
    sender_of,
    shown_member,
)
from stepwell.profile.explaining import explain, tree_of
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import Item, Key, Store
from stepwell.timestamps import to_text

MAX_NAMES = 100
LONGEST_NAME = 512
_KINDS = ("customer", USER_ID, EMAIL, PHONE)
_NAMES_NEEDED = (
    f'a body {{"names": [{{"user_id": …}}, …]}} with at most {MAX_NAMES} of {", ".join(_KINDS)} '
    "is required"
)
CUSTOMERS, CUSTOMER = "/admin/customers", "/admin/customers/{id}"
AUDIENCES, AUDIENCE = "/admin/audiences", "/admin/audiences/{name}"

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """One call: `resource` is the path's template, `name` what stands for its parameter."""

    resource: str
    name: str = ""
    query: Mapping[str, str] | None = None
    body: str = ""

    def asked(self, name: str) -> str:
        return (self.query or {}).get(name, "")


class _BadQuestionError(Exception):
    """The question cannot be understood; the message says why."""


@dataclass(frozen=True)
class Inquiries:
    """`version` says which rules these are: the hash of the deployed policies."""

    store: Store
    hasher: Hasher
    profiles: Profiles
    rules: ProfileRules
    version: str

    def answer(self, question: Question, now: datetime) -> Answer:
        ways: Mapping[str, Callable[[Question, datetime], Answer]] = {
            CUSTOMERS: self._whose,
            CUSTOMER: self._customer,
            AUDIENCES: self._audiences,
            AUDIENCE: self._audience,
        }
        try:
            return ways[question.resource](question, now)
        except _BadQuestionError as error:
            return 400, {"message": str(error)}
        except UnknownAudienceError as error:
            return 404, {"message": str(error)}

    def _customer(self, question: Question, now: datetime) -> Answer:
        customer = find_customer(self.store, self.hasher, question.name)
        if customer is None:
            return 404, {"message": "no customer has this id, email, phone or device token"}
        segment = question.asked("explain")
        if not segment:
            return 200, overview(self.store, customer, self.rules, now)
        person = load_person(self.store, customer)
        return 200, {"rules": self.version, **explain(person, self.rules, segment, now)}

    def _audiences(self, _: Question, now: datetime) -> Answer:
        segments = [
            {
                "name": name,
                "when": whole_source(tree_of(self.rules, name)),
                "changes_by_time": segment.timed,
                "names": sorted(
                    path.partition(".")[2] for path in segment.reads if path.startswith("segments.")
                ),
            }
            for name, segment in self.rules.segments.items()
        ]
        found = {"segments": segments, "lists": list(self.rules.lists)}
        return 200, {"rules": self.version, "at": to_text(now), **found}

    def _audience(self, question: Question, now: datetime) -> Answer:
        """One page: how many profiles were looked at, who of them is in it, the next mark."""
        kind, _, name = question.name.partition(".")
        audience = Audience(kind, name, self.rules)
        part, parts = _whole(question, "part", 0), _whole(question, "parts", 1)
        if not 0 <= part < parts <= MAX_PARTS:
            raise _BadQuestionError(f"part must be below parts, and parts at most {MAX_PARTS}")
        traits = [each for each in question.asked("traits").split(",") if each]
        try:
            items, after = self.profiles.page(part, parts, question.asked("after"))
        except ValueError as error:
            raise _BadQuestionError("after is no mark of a page") from error
        people = members_of_page(audience, items, self.store, now)
        page: dict[str, Any] = {
            "rules": self.version,
            "at": to_text(now),
            "looked_at": sum("merged_into" not in each for each in items),
            "after": after,
        }
        if question.asked("show") == "count":
            return 200, page | {"count": len(people)}
        return 200, page | {"customers": [shown_member(audience, each, traits) for each in people]}

    def _whose(self, question: Question, _: datetime) -> Answer:
        """In the order of the names: {customer, user_id, anonymous_id, and of the list when they
        came on it or left it}, None where nobody has the name.
        """
        names, on_list = _asked_names(question.body)
        if on_list:
            Audience(LISTS, on_list, self.rules)
        wanted = [self._key_of(*each) for each in names]
        found = self.store.get_many(key for key in wanted if key)
        owners = [
            (name if kind == "customer" else found[key]["customer"]) if key in found else None
            for (kind, name), key in zip(names, wanted, strict=True)
        ]
        profiles = self.store.get_many(keys.profile(each) for each in owners if each)
        return 200, {
            "rules": self.version,
            "customers": [
                self._known(each, profiles.get(keys.profile(each), {}), on_list) if each else None
                for each in owners
            ],
        }

    def _key_of(self, kind: str, name: str) -> Key | None:
        """None for an address that is none."""
        if kind == "customer":
            return keys.profile(name)
        plain = {EMAIL: plain_email, PHONE: plain_phone}.get(kind, str)(name)
        return identity_key(kind, plain, self.hasher) if plain else None

    def _known(self, customer: str, profile: Item, on_list: str) -> dict[str, Any]:
        if "merged_into" in profile:
            customer, profile = read_person(self.store, profile["merged_into"])
        known: dict[str, Any] = {"customer": customer, **sender_of(profile)}
        if on_list:
            known["on_list_since"] = profile.get("lists", {}).get(on_list)
            known["left_list_at"] = profile.get("lists_left", {}).get(on_list)
        return known


def _whole(question: Question, name: str, default: int) -> int:
    text = question.asked(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise _BadQuestionError(f"{name} must be a whole number")
    return int(text)


def _asked_names(body: str) -> tuple[list[tuple[str, str]], str]:
    """(kind, name) of each, and the list. Raises _BadQuestionError."""
    try:
        document = json.loads(body)
        pairs = [dict(each).popitem() for each in document["names"] if len(each) == 1]
        on_list = document.get("list", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _BadQuestionError(_NAMES_NEEDED) from None
    are_names = all(
        kind in _KINDS and isinstance(name, str) and 0 < len(name) <= LONGEST_NAME
        for kind, name in pairs
    )
    is_whole = len(pairs) == len(document["names"]) <= MAX_NAMES
    if not (are_names and is_whole and isinstance(on_list, str)):
        raise _BadQuestionError(_NAMES_NEEDED)
    return pairs, on_list
