"""Whether the parts of an event's schema are schemas, with types that JSON Schema has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepwell.journeys.compiler.problems import suggest

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_ALONE = ("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")


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
