"""What a published schema promises about the members of a value: about each name that it has
anywhere for that place, be it under `properties`, in a form of an `anyOf`, or by a pattern.

A place of a value is described by several parts of a schema at once. `Described` has them all, and
rather one too many: a name counts as promised when in doubt. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from stepwell.events.registry import validator_of

_IN_PLACE = ("not", "if", "then", "else")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_OF_OTHERS = ("additionalProperties", "unevaluatedProperties")
_OF_ITEMS = ("items", "contains", "unevaluatedItems")


class Described:
    """All parts of a schema, with its references written out, that are about one place."""

    def __init__(self, parts: Iterable[Any]) -> None:
        self._parts = [each for part in parts for each in _in_place(part)]
        self._names = {name for part in self._parts for name in _names(part)}
        self._is_map = any(_is_map(part) for part in self._parts)
        self._below: dict[str | None, Described] = {}
        self._items: Described | None = None

    def promises(self, name: str) -> bool:
        """Whether senders may rely on what is said about a member of that name."""
        return (
            self._is_map
            or name in self._names
            or any(True for part in self._parts for _ in fitting(part, name))
        )

    def member(self, name: str | None) -> Described:
        """The place of the member; of any member for None."""
        if name not in self._below:
            found = (each for part in self._parts for each in _members(part, name))
            self._below[name] = Described(found)
        return self._below[name]

    def items(self) -> Described:
        """The place of an item, whichever it is."""
        if self._items is None:
            self._items = Described(each for part in self._parts for each in _items(part))
        return self._items


def fitting(part: Any, name: str) -> Iterator[Any]:
    """What `patternProperties` of this very part say about the member."""
    for pattern, each in part.get("patternProperties", {}).items():
        if _fits(pattern, name):
            yield each


@lru_cache(maxsize=4096)
def _fits(pattern: str, name: str) -> bool:
    """As ingest sees it, whose regular expressions are not Python's."""
    return validator_of({"pattern": pattern}).is_valid(name)


def _in_place(part: Any) -> Iterator[Any]:
    if not isinstance(part, dict):
        return
    yield part
    inner = [part[keyword] for keyword in _IN_PLACE if keyword in part]
    inner += [each for keyword in _IN_PLACE_LISTS for each in part.get(keyword, ())]
    for each in [*inner, *part.get("dependentSchemas", {}).values()]:
        yield from _in_place(each)


def _names(part: Any) -> Iterator[str]:
    for keyword in ("properties", "required", "dependentSchemas"):
        yield from part.get(keyword, ())
    for name, needed in part.get("dependentRequired", {}).items():
        yield from (name, *needed)


def _is_map(part: Any) -> bool:
    """Whether it says something about members whose names the sender chooses."""
    return "propertyNames" in part or any(part.get(each, True) is not True for each in _OF_OTHERS)


def _members(part: Any, name: str | None) -> Iterator[Any]:
    if name is None:
        yield from part.get("properties", {}).values()
        yield from part.get("patternProperties", {}).values()
    else:
        yield part.get("properties", {}).get(name)
        yield from fitting(part, name)
    yield from (part.get(keyword) for keyword in _OF_OTHERS)


def _items(part: Any) -> Iterator[Any]:
    yield from part.get("prefixItems", ())
    yield from (part.get(keyword) for keyword in _OF_ITEMS)
