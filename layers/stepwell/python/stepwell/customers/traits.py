"""Traits of a customer, each with the time at which it was said: the newest word counts.

One rule for both: an identify call is united with what is known, and so is a customer who is merged
into another. Pure.

    traits        JSON text, name -> value
    trait_times   JSON text, [the time of most of them, {name: time} of the others, the source of
                  most of them, {name: source} of the others]; times also of removed ones, which an
                  older word must not bring back. Epoch milliseconds. What is empty at its end is
                  left out: no sources are known of what was said before they were kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, TypeVar

from stepwell.storage.operations import Item
from stepwell.values import value

MAX_TRAITS_BYTES = 100_000
MAX_REMOVED = 50
"""So many removed traits are remembered, those that were removed last."""

_encoder = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_Same = TypeVar("_Same", int, str)


@value
class Traits:
    """`times` has a time for each value, and for names whose value was removed; `sources` says who
    said a value, as far as it is known.
    """

    values: dict[str, Any]
    times: dict[str, int]
    sources: dict[str, str] = field(default_factory=dict)

    def united(self, newer: Traits) -> Traits:
        """With the other's word on every trait on which it is not the older one."""
        values, times, sources = dict(self.values), dict(self.times), dict(self.sources)
        for name, at in newer.times.items():
            if at < times.get(name, at):
                continue
            times[name] = at
            for ours, theirs in ((values, newer.values), (sources, newer.sources)):
                ours.pop(name, None)
                if name in theirs:
                    ours[name] = theirs[name]
        return Traits(values, times, sources)

    def items(self) -> Item:
        """The attributes of the profile."""
        said = [*self._told_times(), *self._told_sources()]
        while said and not said[-1] and len(said) > 2:
            said.pop()
        return {"traits": _encoder.encode(self.values), "trait_times": _encoder.encode(said)}

    def _told_times(self) -> tuple[int, dict[str, int]]:
        if len(self.times) == len(self.values) and len(set(self.times.values())) == 1:
            return next(iter(self.times.values())), {}  # most were said at once
        usual = _most_of({name: self.times[name] for name in self.values}) or 0
        others = {name: at for name, at in self.times.items() if name not in self.values}
        newest = sorted(others, key=lambda name: (others[name], name))[-MAX_REMOVED:]
        told = {name: others[name] for name in newest}
        return usual, told | {n: self.times[n] for n in self.values if self.times[n] != usual}

    def _told_sources(self) -> tuple[str, dict[str, str]]:
        all_of_them = {name: self.sources.get(name, "") for name in self.values}
        usual = _most_of(all_of_them) or ""
        return usual, {name: each for name, each in all_of_them.items() if each != usual}


def _most_of(given: Mapping[str, _Same]) -> _Same | None:
    """What most of them have; of as many the greatest, so that it is the same in any order."""
    counted = Counter(given.values())
    return max(counted, key=lambda each: (counted[each], each)) if counted else None


def size_of_traits(profile: Item | None) -> int:
    """Characters of both attributes, which a profile has room for so many of."""
    attributes = profile or {}
    return sum(len(attributes.get(name, "")) for name in ("traits", "trait_times"))


def said(changes: Mapping[str, Any], at: datetime, source: str = "") -> Traits:
    """What an identify call of a source says: null removes a trait."""
    moment = int(at.timestamp() * 1000)
    values = {name: each for name, each in changes.items() if each is not None}
    sources = dict.fromkeys(values, source) if source else {}
    return Traits(values, dict.fromkeys(changes, moment), sources)


def read_traits(profile: Item | None) -> Traits:
    """The traits of a profile item; none of a customer who has none."""
    values = traits_of(profile)
    usual, told, *known = json.loads((profile or {}).get("trait_times", "[0,{}]"))
    source: str = known[0] if known else ""
    others: dict[str, str] = known[1] if len(known) > 1 else {}
    sources = dict.fromkeys(values, source) | others
    return Traits(
        values,
        {**dict.fromkeys(values, usual), **told},
        {name: each for name, each in sources.items() if each},
    )


def traits_of(profile: Item | None) -> dict[str, Any]:
    """The values alone; they are kept as one JSON text (see `storage.operations`)."""
    values: dict[str, Any] = (
        json.loads(profile["traits"]) if profile and "traits" in profile else {}
    )
    return values
