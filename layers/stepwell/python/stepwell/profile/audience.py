"""Who is in an audience (a segment, or a list) at one moment, a page of profiles at a time.

Every profile is looked at, and by the rules that are given: not by what was found when its last
event came. What the profiles are read from is a port; a page may be of a moment ago.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from stepwell.customers import keys
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import traits_of
from stepwell.profile.rules import ProfileRules
from stepwell.profile.segments import Segment, holds
from stepwell.profile.view import customer_view
from stepwell.storage.operations import Item, Key

SEGMENTS, LISTS = "segments", "lists"
MAX_PARTS = 64


class UnknownAudienceError(Exception):
    """There is no such segment or list; the message names those that there are."""


class Profiles(Protocol):
    """All PROFILE items of a stage, in parts that can be read side by side."""

    def page(self, part: int, parts: int, after: str) -> tuple[Sequence[Item], str]:
        """Some profiles after the mark that a page gave (empty: from the beginning), and the mark
        for the next page (empty: there is none).
        """


class Consents(Protocol):
    """A store that consents can be read from."""

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]: ...


@dataclass(frozen=True)
class Audience:
    """`kind` is SEGMENTS or LISTS. Raises UnknownAudienceError for what is not declared."""

    kind: str
    name: str
    rules: ProfileRules

    def __post_init__(self) -> None:
        declared: Collection[str] = {
            SEGMENTS: self.rules.segments,
            LISTS: self.rules.lists,
        }.get(self.kind, ())
        if self.name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            one = "segment" if self.kind == SEGMENTS else "list"
            raise UnknownAudienceError(f"there is no {one} {self.name!r}; there are: {known}")

    @cached_property
    def needed(self) -> Sequence[Segment]:
        """Those to be looked at, each after those that it names."""
        return needed_segments(self.rules, self.name) if self.kind == SEGMENTS else ()

    @property
    def reads_consents(self) -> bool:
        """They lie in an item of their own, which is read only where it is needed."""
        parts = {path.partition(".")[0] for each in self.needed for path in each.reads}
        return not parts.isdisjoint({"consents", "*"})

    def has(self, person: Snapshot, now: datetime) -> bool:
        """Whether the customer is in it now."""
        if self.kind == LISTS:
            return self.name in (person.profile or {}).get("lists", {})
        return inside_now(person, self.rules, self.needed, now)[self.name]

    def since(self, profile: Item) -> str | None:
        """When it was found that they are in it; None where only this look has found it."""
        at = profile.get(self.kind, {}).get(self.name)
        return str(at) if at else None


def needed_segments(rules: ProfileRules, name: str) -> list[Segment]:
    """The segment and all that it follows from, in an order in which each can be found."""
    wanted = {name}
    for each in reversed(list(rules.segments.values())):
        if each.name in wanted:
            whole = not each.reads.isdisjoint({"segments", "*"})
            wanted |= {
                other for other in rules.segments if whole or f"segments.{other}" in each.reads
            }
    ordered = list(rules.segments)
    last = ordered.index(name)
    return [rules.segments[each] for each in ordered[: last + 1] if each in wanted]


def inside_now(
    person: Snapshot, rules: ProfileRules, segments: Iterable[Segment], now: datetime
) -> dict[str, bool]:
    """Of each segment whether the customer is in it, by this moment and these rules."""
    inside: dict[str, bool] = {}
    context: Mapping[str, Any] = {"customer": customer_view(person, rules, now, inside), "now": now}
    for each in segments:
        inside[each.name] = holds(each, context)
    return inside


def members_of_page(
    audience: Audience, items: Sequence[Item], consents: Consents, now: datetime
) -> list[Snapshot]:
    """Those of the profiles who are in it. Customers who became part of another have no say."""
    people = [(keys.customer_of(item["pk"]), item) for item in items if "merged_into" not in item]
    found: Mapping[Key, Item] = {}
    if audience.reads_consents:
        found = consents.get_many(keys.consents(customer) for customer, _ in people)
    snapshots = (
        Snapshot(customer, item, found.get(keys.consents(customer))) for customer, item in people
    )
    return [each for each in snapshots if audience.has(each, now)]


def shown_member(audience: Audience, person: Snapshot, traits: Sequence[str]) -> dict[str, Any]:
    """One member as answers and exports show them: ids, since when, and the traits asked for."""
    profile = person.profile or {}
    values = traits_of(profile) if traits else {}
    return {
        "customer": person.customer,
        **sender_of(profile),
        "since": audience.since(profile),
        **({"traits": {n: values[n] for n in traits if n in values}} if traits else {}),
    }


def sender_of(profile: Item) -> dict[str, str | None]:
    """The ids under which somebody who sends events knows the customer."""
    anonymous = profile.get("anonymous_ids", [])
    return {
        "user_id": profile.get("user_id"),
        "anonymous_id": anonymous[-1] if anonymous else None,
    }
