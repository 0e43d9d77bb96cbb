"""Which events were applied to a customer, in a few characters: "<how many>-<sum>". Pure.

The sum is that of the events' fingerprints, modulo 2^64. Whatever the order, and however many
customers became one: two sets of events are the same ones when both numbers agree.
"""

from __future__ import annotations

from stepwell.storage.operations import Item
from stepwell.values import value

_DIGITS = 16
_MODULUS = 16**_DIGITS


@value
class Applied:
    """A set of events, by how many they are and the sum of their fingerprints."""

    count: int = 0
    sum: int = 0

    def __str__(self) -> str:
        return f"{self.count}-{self.sum:0{_DIGITS}x}"

    def joined(self, other: Applied) -> Applied:
        return Applied(self.count + other.count, (self.sum + other.sum) % _MODULUS)


def number_of(fingerprint: str) -> int:
    """What an event adds to the sum."""
    return int(fingerprint[:_DIGITS], 16)


def read_applied(profile: Item | None) -> Applied | None:
    """None for a customer who is older than this record: what they are made of is not known."""
    if not profile:
        return Applied()
    if "applied" not in profile:
        return None
    count, _, digits = profile["applied"].partition("-")
    return Applied(int(count), int(digits, 16))


def applied_with(profile: Item | None, fingerprint: str) -> Item:
    """The attribute after one more event; `profile` is that of before."""
    before = read_applied(profile)
    if before is None:
        return {}
    return {"applied": str(before.joined(Applied(1, number_of(fingerprint))))}


def applied_to_both(one: Item, other: Item) -> Item:
    """The attribute of a customer who is made of two; `applied` of None takes it away."""
    ours, theirs = read_applied(one), read_applied(other)
    return {} if ours is None or theirs is None else {"applied": str(ours.joined(theirs))}
