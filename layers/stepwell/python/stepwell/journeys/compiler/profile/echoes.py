"""Segments that are made of who enters and leaves them: they would be entered and left for ever.

`Segment Entered` is an event like others, so a computed trait may count it, and a segment may read
the trait. Where that leads back to the segment, each event makes the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stepwell.conditions.reading import reads_of
from stepwell.conditions.tree import Tree
from stepwell.events.told import SEGMENT_ENTERED, SEGMENT_LEFT

Heard = Mapping[str, frozenset[str] | None]
"""Computed trait -> the segments of which it hears who enters and leaves; None: any of them."""

_TOLD = {SEGMENT_ENTERED, SEGMENT_LEFT}
_SEGMENT = ["select", ["select", ["name", "event"], "properties"], "segment"]


def heard_by(traits: Iterable[Mapping[str, Any]]) -> Heard:
    """Of documents of computed traits, those that hear of segments at all."""
    documents = {each["name"]: each for each in traits}
    heard: dict[str, frozenset[str] | None] = {
        name: _segments_of(each.get("where") if "since" not in each else None)
        for name, each in documents.items()
        if _TOLD & {each.get("event"), each.get("since")}
    }
    for name, each in documents.items():
        parts = [heard[part] for part in (each.get("of"), each.get("to")) if part in heard]
        if parts:
            heard[name] = _together(parts)
    return heard


def _segments_of(where: Tree | None) -> frozenset[str] | None:
    """The segments whose events pass the condition; None when it does not say."""
    match where:
        case ["==", path, ["string", name]] | ["==", ["string", name], path] if path == _SEGMENT:
            return frozenset({name})
        case ["in", path, ["list", values]] if path == _SEGMENT:
            names = frozenset(each[1] for each in values if each[0] == "string")
            return names if len(names) == len(values) else None
        case ["&&", *parts]:
            known = [each for each in map(_segments_of, parts) if each is not None]
            return frozenset.intersection(*known) if known else None
        case ["||", *parts]:
            return _together([_segments_of(each) for each in parts])
    return None


def _together(parts: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for each in parts:
        if each is None:
            return None
        found |= each
    return found


def echoes(
    trees: Mapping[str, Tree], named: Mapping[str, frozenset[str]], heard: Heard
) -> dict[str, list[str]]:
    """Segment -> the computed traits that it reads and that who enters it changes.

    `named`: the segments that each names in its condition.
    """
    everything = frozenset(trees)
    hears = {trait: everything if each is None else each for trait, each in heard.items()}
    traits = {name: _traits_read(tree, heard) for name, tree in trees.items()}
    leads = {name: named[name].union(*(hears[trait] for trait in traits[name])) for name in trees}
    found = {
        name: sorted(trait for trait in traits[name] if name in _reached(hears[trait], leads))
        for name in trees
    }
    return {name: each for name, each in found.items() if each}


def _traits_read(tree: Tree, heard: Heard) -> set[str]:
    """Those that hear of segments."""
    reads = reads_of(tree)
    whole = bool({"*", "computed"} & reads)
    return {trait for trait in heard if whole or f"computed.{trait}" in reads}


def _reached(names: frozenset[str], leads: Mapping[str, frozenset[str]]) -> set[str]:
    """These, and all that they depend on."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= leads.get(name, frozenset()) - found
    return found
