"""Whether the parts of an event's schema are schemas, with types that JSON Schema has, and whether
an event can be held to it in bounded time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.journeys.compiler.problems import suggest

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_ALONE = (
    *("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_DEFINED = "#/$defs/"
_ELSEWHERE = ("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$id")
MOST_PARTS = 2_000
"""With every `$ref` written out: an event may be compared with each of them."""


def wrong_types(schema: Any, place: str = "") -> Iterator[str]:
    """What is wrong with a schema and all within it: `properties.price: …`, from the top on."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield f'{place}: is no schema; write one like {{"type": "string"}}'
        return
    if "type" in schema:
        yield from _wrong_type(schema["type"], place)
    for path, each in _parts(schema, place):
        yield from wrong_types(each, path)


def _wrong_type(given: Any, place: str) -> Iterator[str]:
    for each in given if isinstance(given, list) else [given]:
        if each not in TYPES:
            shown = f'"{each}"' if isinstance(each, str) else f"{each!r}"
            yield f"{place}: JSON Schema has no type {shown}. {suggest(each, TYPES)}"


def _parts(schema: dict[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    """The schemas right within it, each with its path."""
    before = f"{place}." if place else ""
    for keyword in _BY_NAME:
        named = schema.get(keyword)
        if isinstance(named, dict):
            yield from ((f"{before}{keyword}.{name}", each) for name, each in named.items())
        elif named is not None:
            yield f"{before}{keyword}", named
    for keyword in _LISTED:
        listed = schema.get(keyword)
        for number, each in enumerate(listed if isinstance(listed, list) else []):
            yield f"{before}{keyword}[{number}]", each
    yield from ((f"{before}{keyword}", schema[keyword]) for keyword in _ALONE if keyword in schema)


class UnboundedError(Exception):
    """An event could keep whoever holds it to this schema busy; the message says by what."""


def check_bounded(schema: dict[str, Any]) -> None:
    """Of a schema whose parts are schemas. A schema that refers to itself is as deep as the event,
    and with `anyOf` in it takes twice the time a level. Raises UnboundedError.
    """
    defined = schema.get("$defs", {})
    if _size(schema, "", defined, {}, ()) > MOST_PARTS:
        raise UnboundedError(f"has more than {MOST_PARTS:,} parts, with every $ref written out")


def _size(
    schema: Any,
    place: str,
    defined: Mapping[str, Any],
    sizes: dict[str, int],
    within: tuple[str, ...],
) -> int:
    """How many schemas it is; `within` are the definitions that are being counted."""
    if not isinstance(schema, dict):
        return 1
    for keyword in _ELSEWHERE:
        if keyword in schema:
            raise UnboundedError(f"{place or 'it'} has `{keyword}`; write {_DEFINED}… in a `$ref`")
    size = 1
    if "$ref" in schema:
        name = _name(schema["$ref"], place, defined)
        if name in within:
            raise UnboundedError(
                f"{place}: {_DEFINED}{name} refers to itself; say how deep it may be"
            )
        if name not in sizes:
            sizes[name] = _size(defined[name], f"{_DEFINED}{name}", defined, sizes, (*within, name))
        size += sizes[name]
    for path, each in _parts(schema, place):
        if not path.startswith("$defs."):
            size += _size(each, path, defined, sizes, within)
    return size


def _name(reference: Any, place: str, defined: Mapping[str, Any]) -> str:
    name = reference.removeprefix(_DEFINED) if isinstance(reference, str) else ""
    if name not in defined or f"{_DEFINED}{name}" != reference:
        raise UnboundedError(
            f"{place}: `$ref` leads to {_DEFINED}<name> of this file and no further"
        )
    return name
