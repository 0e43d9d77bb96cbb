"""Which parts of the context (place, device, locale) a condition or a template reads, itself or by
the segments that it names. Whatever cannot be told from the text counts as read. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stepwell.conditions.reading import reads_of
from stepwell.conditions.tree import Tree
from stepwell.profile.context import PARTS

BySegment = Mapping[str, frozenset[str]]
"""Segment -> the parts that its condition reads, by other segments too."""


def context_read(tree: Tree, by_segment: BySegment) -> frozenset[str]:
    return context_of_reads(reads_of(tree), by_segment)


def context_of_reads(reads: Iterable[str], by_segment: BySegment) -> frozenset[str]:
    """`reads` as `reads_of` has them: `place.city`, `segments.vip`, `segments`, and `*` for all."""
    found: set[str] = set()
    for part, _, name in (each.partition(".") for each in reads):
        if part == "*":
            found |= PARTS.keys()
        elif part in PARTS:
            found.add(part)
        elif part == "segments" and name:
            found |= by_segment.get(name, frozenset())
        elif part == "segments":
            found |= frozenset().union(*by_segment.values())
    return frozenset(found)


def read_by_segments(segments: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """`segments` as they are deployed: {"name", "when"}, each after those that it names."""
    found: dict[str, frozenset[str]] = {}
    for each in segments:
        found[each["name"]] = context_read(each["when"], found)
    return found
