"""What was expected against what happened: every line needs its own counterpart, on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.simulation.scenarios.model import (
    HAND_OVER_KINDS,
    MESSAGE_KINDS,
    Expected,
    Fact,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something expected that did not happen, something that happened unexpectedly, or both: the
    same thing in another way.
    """

    expected: Expected | None
    happened: Fact | None


def compare(expected: Sequence[Expected], happened: Sequence[Fact]) -> list[Difference]:
    """The differences, by time; none when everything is as expected, and nothing besides."""
    taken = _matched(expected, happened)
    missing = [each for number, each in enumerate(expected) if number not in taken]
    extra = [each for number, each in enumerate(happened) if number not in taken.values()]
    found: list[Difference] = []
    for each in missing:
        other = next((fact for fact in extra if _is_about_the_same(each.fact, fact)), None)
        if other is not None:
            extra.remove(other)
        found.append(Difference(each, other))
    found += [Difference(None, fact) for fact in extra]
    return sorted(found, key=_order)


def agrees(expected: Fact, happened: Fact) -> bool:
    """Whether this is what was expected; what the expectation leaves open is not compared."""
    named = ("kind", "at", "user", "journey", "subject")
    if any(getattr(expected, name) != getattr(happened, name) for name in named):
        return False
    for name in ("by", "because", "until", "value", "step"):
        wanted = getattr(expected, name)
        if wanted is not None and wanted != getattr(happened, name):
            return False
    return all(any(part in text for text in happened.says) for part in expected.says)


def _matched(expected: Sequence[Expected], happened: Sequence[Fact]) -> dict[int, int]:
    """Expected number -> happened number, as many pairs as there can be."""
    owner: dict[int, int] = {}

    def find(number: int, tried: set[int]) -> bool:
        for other, fact in enumerate(happened):
            if other not in tried and agrees(expected[number].fact, fact):
                tried.add(other)
                if other not in owner or find(owner[other], tried):
                    owner[other] = number
                    return True
        return False

    for number in range(len(expected)):
        find(number, set())
    return {number: other for other, number in owner.items()}


def _is_about_the_same(one: Fact, other: Fact) -> bool:
    if (one.user, one.journey) != (other.user, other.journey):
        return False
    if one.kind in MESSAGE_KINDS and other.kind in MESSAGE_KINDS:
        return one.subject == other.subject
    if one.kind in HAND_OVER_KINDS and other.kind in HAND_OVER_KINDS:
        return one.subject == other.subject
    return one.kind == other.kind


def _order(difference: Difference) -> tuple[bool, float]:
    """By the time of either side; what has none at the end."""
    sides = (
        difference.expected.fact if difference.expected else None,
        difference.happened,
    )
    moments = [side.at.timestamp() for side in sides if side is not None and side.at is not None]
    return (not moments, min(moments, default=0.0))
