"""Properties of events against the event registry: a misspelt one would test nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.compiler.source import DataPath
from stepwell.simulation.scenarios.reading import Reading

_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "text"),
    "number": ((int, float), "a number"),
    "integer": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
    "object": ((dict,), "a mapping"),
}


def property_problems(reading: Reading, path: DataPath, event: str, properties: Any) -> None:
    """Report what the schema of the event does not know, or knows otherwise."""
    _check(reading, path, properties, reading.around.registry.schemas[event], event)


def _check(reading: Reading, path: DataPath, value: Any, schema: Any, event: str) -> None:
    if value is None or not isinstance(schema, dict):  # senders may say null of anything
        return
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _KINDS and not _is(value, kind):
        said = f"{value!r} where the schema of {event!r} has {_KINDS[kind][1]}"
        reading.report(path, "SW709", said, _remedy(value, kind))
        return
    known = schema.get("properties")
    if isinstance(value, dict) and isinstance(known, dict):
        for name, each in value.items():
            if name in known:
                _check(reading, (*path, name), each, known[name], event)
            elif not schema.get("additionalProperties"):
                said = f"{event!r} has no property {name!r}"
                remedy = f"{suggest(name, known)} Or add it to the schema in events/schemas/."
                reading.report((*path, name), "SW710", said, remedy)
    if isinstance(value, list):
        for number, each in enumerate(value):
            _check(reading, (*path, number), each, schema.get("items"), event)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind][0])


def _remedy(value: Any, kind: str) -> str:
    if kind == "string" and not isinstance(value, dict | list):
        return f'Write "{value}", in quotes.'
    return f"Write {_KINDS[kind][1]}."
