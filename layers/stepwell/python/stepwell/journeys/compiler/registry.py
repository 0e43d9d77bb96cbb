"""The event registry: which events there are, and what conditions may expect of their properties.

A file `events/schemas/<name in snake case>.json` is a JSON Schema (draft 2020-12) of one event's
properties; its `title` is the event's name. A sender may add other properties, but a condition on
one that the schema does not know is a problem when the journey is compiled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.cel.kinds import (
    BOOL,
    DOUBLE,
    JSON,
    NULL,
    STRING,
    TIMESTAMP,
    Environment,
    Type,
    list_of,
    map_of,
    record,
)
from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.compiler.schema_types import wrong_types

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = {"boolean": BOOL, "number": DOUBLE, "integer": DOUBLE, "string": STRING, "null": NULL}
_CUSTOMER = record(
    {
        "id": STRING,
        "traits": map_of(JSON),
        "group": map_of(JSON),
        "consents": map_of(map_of(BOOL)),
    },
    "a customer",
)


class RegistryError(Exception):
    """Schemas cannot be read; `problems` names each file and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EventRegistry:
    """`schemas`: the event's name -> its properties' schema."""

    schemas: Mapping[str, Mapping[str, Any]]

    def names(self) -> frozenset[str]:
        return frozenset(self.schemas)

    def suggestion(self, name: str) -> str:
        """For an unknown event: `Did you mean "Order Completed"?`"""
        return suggest(name, self.schemas)

    def properties(self, name: str) -> Type:
        """The type of the event's properties; any JSON for an event that is not registered."""
        schema = self.schemas.get(name)
        return _type(schema, f'the schema of "{name}"') if schema is not None else JSON

    def environment(
        self, *, event: str | None = None, entry_event: str | None = None
    ) -> Environment:
        """What a condition may name: `event` where one just happened, `enrollment` once begun."""
        names = {"customer": _CUSTOMER, "now": TIMESTAMP}
        if event is not None:
            names["event"] = self._event(event)
        if entry_event is not None:
            fields = {"event": self._event(entry_event), "entered_at": TIMESTAMP}
            names["enrollment"] = record(fields, "an enrollment")
        return names

    def _event(self, name: str) -> Type:
        fields = dict.fromkeys(("id", "name", "type"), STRING) | {"timestamp": TIMESTAMP}
        return record(fields | {"properties": self.properties(name)}, "an event")


def load_registry(folder: Path) -> EventRegistry:
    """All schemas of the folder. Raises RegistryError with the problems of all files."""
    schemas: dict[str, Mapping[str, Any]] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            problems.append(f"{path}: is not JSON: {problem}")
            continue
        wrong = _check_schema(schema, path.stem)
        found = [wrong] if wrong else [*wrong_types(schema)]
        problems += [f"{path}: {each}" for each in found]
        if not found:
            schemas[schema["title"]] = schema
    if problems:
        raise RegistryError(problems)
    return EventRegistry(schemas)


def _check_schema(schema: Any, stem: str) -> str | None:
    """What is wrong with a schema as one of an event's properties."""
    if not isinstance(schema, dict):
        return "is not a JSON object"
    title = schema.get("title")
    if schema.get("$schema") != DIALECT:
        return f'"$schema" has to be "{DIALECT}"'
    if not isinstance(title, str) or not title.strip():
        return '"title" has to be the event\'s name'
    if stem != file_stem(title):
        return f'the schema of "{title}" belongs into {file_stem(title)}.json'
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        return 'it has to describe an object: "type": "object" with "properties"'
    return None


def file_stem(name: str) -> str:
    """`Product Added` -> `product_added`."""
    return "_".join(re.findall(r"[a-z0-9]+", name.lower()))


def _type(schema: Any, place: str) -> Type:
    """The type of the values that a schema allows; any JSON where it leaves that open."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "array":
        return list_of(_type(schema.get("items"), place))
    if kind == "object":
        fields = schema.get("properties")
        if not fields:
            return map_of(_type(schema.get("additionalProperties"), place))
        return record({name: _type(each, place) for name, each in fields.items()}, place)
    return _KINDS.get(kind, JSON) if isinstance(kind, str) else JSON
