"""The registry as a page of the docs: each event, its versions and properties, and who takes it.

Markdown, made from the schemas and the journeys alone, so that the same files make the same page.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from stepwell.journeys.compiler.checks.subject import Subject, matches
from stepwell.journeys.compiler.project import SCHEMAS
from stepwell.journeys.compiler.registry import EventRegistry, schema_file

PAGE = "docs/event-registry.md"

_HEAD = f"""\
<!-- Made by `stepwell events docs` from {SCHEMAS}/; change the schemas instead. -->

# The event registry

What each event is said to have. [Sending events](events.md) tells what ingest makes of it. A
property that is not listed may be sent as well, unless the event is closed.

"""
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}",
    "minLength": "≥ {} characters",
    "maxLength": "≤ {} characters",
    "minItems": "≥ {} items",
    "maxItems": "≤ {} items",
    "pattern": "`{}`",
    "format": "{}",
}


def registry_page(registry: EventRegistry, subjects: Collection[Subject]) -> str:
    parts = [_HEAD, *_contents(registry)]
    for name in sorted(registry.versions):
        parts.append(f"\n## {name}\n\n")
        parts.extend(_used_by(name, subjects))
        versions = registry.versions[name]
        for number in sorted(versions):
            parts.extend(_version(name, number, versions))
    return "".join(parts)


def _contents(registry: EventRegistry) -> Iterator[str]:
    yield "| event | versions | says |\n|---|---|---|\n"
    for name, versions in sorted(registry.versions.items()):
        said = _cell(versions[max(versions)].get("description", ""))
        numbers = ", ".join(map(str, sorted(versions)))
        yield f"| [{_cell(name)}](#{_anchor(name)}) | {numbers} | {said} |\n"


def _used_by(name: str, subjects: Collection[Subject]) -> Iterator[str]:
    used = sorted(
        subject.journey.name
        for subject in subjects
        if any(match.event == name for match in matches(subject.journey))
    )
    listed = ", ".join(f"`{each}`" for each in used)
    yield f"Taken by {listed}.\n" if used else "No journey takes it.\n"


def _version(name: str, number: int, versions: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    schema = versions[number]
    file = f"{SCHEMAS}/{schema_file(name, number)}"
    meant = ", which an event means that names none" if number == min(versions) else ""
    title = f"Version {number}{meant}" if len(versions) > 1 else f"Version {number}"
    yield f"\n{title} (`{file}`)"
    yield ": " + " ".join(str(schema.get("description", "")).split()) + "\n\n"
    rows = list(_rows(schema, ""))
    if rows:
        yield "| property | type | required | bounds | says |\n|---|---|---|---|---|\n"
        yield from rows
    else:
        yield "It has no properties of its own.\n"
    if schema.get("additionalProperties") is False:
        yield "\nIt is closed: other properties are refused.\n"


def _rows(schema: Mapping[str, Any], before: str) -> Iterator[str]:
    """A row for each property, those within it after it."""
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        part = each if isinstance(each, dict) else {}
        cells = (
            f"`{before}{name}`",
            _type(part),
            "yes" if name in required else "",
            _cell(_bounds(part)),
            _cell(part.get("description", "")),
        )
        yield f"| {' | '.join(cells)} |\n"
        yield from _rows(part, f"{before}{name}.")
        items = part.get("items")
        if isinstance(items, dict):
            yield from _rows(items, f"{before}{name}[].")


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind is None:
        return "one of some" if "enum" in schema or "const" in schema else "anything"
    named = " or ".join(kind) if isinstance(kind, list) else str(kind)
    items = schema.get("items")
    return f"{named} of {_type(items)}" if isinstance(items, dict) else named


def _bounds(schema: Mapping[str, Any]) -> str:
    found = [said.format(schema[name]) for name, said in _BOUNDS.items() if name in schema]
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    if values:
        found.append(", ".join(f"`{json.dumps(each, ensure_ascii=False)}`" for each in values))
    return "; ".join(found)


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _anchor(name: str) -> str:
    """As GitHub makes them."""
    kept = (each for each in name.lower() if each.isalnum() or each in " -_")
    return "".join(kept).replace(" ", "-")
