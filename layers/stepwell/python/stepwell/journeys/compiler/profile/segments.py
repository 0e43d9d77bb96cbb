"""Reads segments.yaml: the lists, and the segments in an order in which each can be found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.conditions.reading import moves_evenly, reads_of
from stepwell.conditions.tree import Tree
from stepwell.journeys.compiler.cel.kinds import Environment
from stepwell.journeys.compiler.profile.declared import Declared
from stepwell.journeys.compiler.profile.documents import SegmentDocument, wrong_name
from stepwell.journeys.compiler.profile.echoes import Heard, echoes
from stepwell.journeys.compiler.source import DataPath

MAX_SEGMENTS = 500

_EVEN = (
    "Compare `now` with a moment, adding and taking away durations: "
    'now - customer.computed.last_order > duration("168h").'
)

_NO_ECHO = (
    "Leave it out, or count other segments only: `where: event.properties.segment == "
    '"another"` behind the trait.'
)


def read_lists(declared: Declared, names: list[str]) -> list[str]:
    for index, name in enumerate(names):
        if (wrong := wrong_name(name)) is not None:
            declared.report(("lists", index), "SW1010", wrong, "Rename it.")
        elif name in names[:index]:
            declared.report(("lists", index), "SW1010", f"{name} is here twice", "Keep one.")
    return sorted(dict.fromkeys(names))


def read_segments(
    declared: Declared, given: Mapping[str, Any], names: Environment, heard: Heard
) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The section's document, and those that say themselves that everybody is in them. `heard`:
    what computed traits hear of segments.
    """
    trees: dict[str, Tree] = {}
    everybody = set()
    if len(given) > MAX_SEGMENTS:
        said = f"there are {len(given)} segments; {MAX_SEGMENTS} is the most"
        declared.report(("segments",), "SW1010", said, "Take those away that nothing uses.")
    for name in given:
        path: DataPath = ("segments", name)
        if (wrong := wrong_name(name)) is not None:
            declared.report(path, "SW1010", wrong, "Rename it.")
            continue
        document = declared.section(path, SegmentDocument)
        tree = declared.parsed((*path, "when"), document.when if document else None)
        if document is None or tree is None:
            continue
        declared.checked((*path, "when"), tree, {"": names}, decides=True)
        if not moves_evenly(tree):
            said = "it cannot be told when time changes this"
            declared.report((*path, "when"), "SW1013", said, _EVEN)
        trees[name] = tree
        everybody |= {name} if document.everybody else set()
    ordered = _in_order(declared, trees)
    named = {name: frozenset(_named(tree, trees)) for name, tree in trees.items()}
    for name, traits in echoes(trees, named, heard).items():
        counted = ", ".join(f"computed.{each}" for each in traits)
        said = f"who enters or leaves {name} changes {counted}, which changes {name} again"
        declared.report(("segments", name, "when"), "SW1011", said, _NO_ECHO)
    return [{"name": name, "when": trees[name]} for name in ordered], frozenset(everybody)


def _in_order(declared: Declared, trees: Mapping[str, Tree]) -> list[str]:
    """Each after those that it names; what goes round in a circle is reported once."""
    ordered: list[str] = []
    reported: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in above:
            circle = above[above.index(name) :]
            if not reported & set(circle):
                declared.report(("segments", name, "when"), "SW1011", *_circle(name, circle, trees))
            reported.update(circle)
            return
        for other in sorted(_named(trees[name], trees)):
            visit(other, (*above, name))
        if name not in ordered:
            ordered.append(name)

    for name in trees:
        visit(name, ())
    return ordered


def _circle(name: str, circle: tuple[str, ...], trees: Mapping[str, Tree]) -> tuple[str, str]:
    """What is wrong, and what to do."""
    if _reads_all(trees[name]):
        said = f"{name} reads all segments, and is one of them"
        return said, "Name the segments: customer.segments.one && customer.segments.another."
    shown = " → ".join((*circle, name))
    return f"these segments name each other: {shown}", "Leave one of them out of another."


def _reads_all(tree: Tree) -> bool:
    return not {"segments", "*"}.isdisjoint(reads_of(tree))


def _named(tree: Tree, trees: Mapping[str, Tree]) -> set[str]:
    """A condition that reads all segments names each of them."""
    if _reads_all(tree):
        return set(trees)
    return {name for name in trees if f"segments.{name}" in reads_of(tree)}
