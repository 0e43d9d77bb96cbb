"""Traits of a customer, each with the time at which it was said: the newest word counts.

One rule for both: an identify call is united with what is known, and so is a customer who is merged
into another. Pure.

    traits        JSON text, name -> value
    trait_times   JSON text, [the time of most of them, {name: time} of the others]; also of removed
                  ones, which an older word must not bring back. Epoch milliseconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stepwell.storage.operations import Item
from stepwell.values import value

MAX_TRAITS_BYTES = 100_000
MAX_REMOVED = 50
"""So many removed traits are remembered, those that were removed last."""

_encoder = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


@value
class Traits:
    """`times` has a time for each value, and for names whose value was removed."""

    values: dict[str, Any]
    times: dict[str, int]

    def united(self, newer: Traits) -> Traits:
        """With the other's word on every trait on which it is not the older one."""
        values, times = dict(self.values), dict(self.times)
        for name, at in newer.times.items():
            if at < times.get(name, at):
                continue
            times[name] = at
            if name in newer.values:
                values[name] = newer.values[name]
            else:
                values.pop(name, None)
        return Traits(values, times)

    def items(self) -> Item:
        """The attributes of the profile."""
        return {"traits": _encoder.encode(self.values), "trait_times": self._times_text()}

    def _times_text(self) -> str:
        if len(self.times) == len(self.values) and len(set(self.times.values())) == 1:
            return f"[{next(iter(self.times.values()))},{{}}]"  # most were said at once
        counted = Counter(self.times[name] for name in self.values)
        usual = max(counted, key=lambda at: (counted[at], at)) if counted else 0
        others = {name: at for name, at in self.times.items() if name not in self.values}
        newest = sorted(others, key=lambda name: (others[name], name))[-MAX_REMOVED:]
        told = {name: others[name] for name in newest}
        told |= {name: self.times[name] for name in self.values if self.times[name] != usual}
        return _encoder.encode([usual, told])


def size_of_traits(profile: Item | None) -> int:
    """Characters of both attributes, which a profile has room for so many of."""
    attributes = profile or {}
    return sum(len(attributes.get(name, "")) for name in ("traits", "trait_times"))


def said(changes: Mapping[str, Any], at: datetime) -> Traits:
    """What an identify call says: null removes a trait."""
    moment = int(at.timestamp() * 1000)
    values = {name: each for name, each in changes.items() if each is not None}
    return Traits(values, dict.fromkeys(changes, moment))


def read_traits(profile: Item | None) -> Traits:
    """The traits of a profile item; none of a customer who has none."""
    values = traits_of(profile)
    usual, told = json.loads((profile or {}).get("trait_times", "[0,{}]"))
    return Traits(values, {**dict.fromkeys(values, usual), **told})


def traits_of(profile: Item | None) -> dict[str, Any]:
    """The values alone; they are kept as one JSON text (see `storage.operations`)."""
    values: dict[str, Any] = (
        json.loads(profile["traits"]) if profile and "traits" in profile else {}
    )
    return values
