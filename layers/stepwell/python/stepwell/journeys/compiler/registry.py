"""The event registry: which events there are, and what conditions may expect of their properties.

A file `events/schemas/<name in snake case>.json` is a JSON Schema (draft 2020-12) of one event's
properties, in its first version; `<name in snake case>.2.json` is its second. The `title` is the
event's name. A sender may add other properties, but a condition on one that a version's schema does
not know is a problem when the journey is compiled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell.events.registry import default_version, validator_of
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
from stepwell.journeys.compiler.schema_types import UnboundedError, check_bounded, wrong_types

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = {"boolean": BOOL, "number": DOUBLE, "integer": DOUBLE, "string": STRING, "null": NULL}
_CUSTOMER = {
    "id": STRING,
    "traits": map_of(JSON),
    "group": map_of(JSON),
    "consents": map_of(map_of(BOOL)),
}


class RegistryError(Exception):
    """Schemas cannot be read; `problems` names each file and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EventRegistry:
    """`versions`: the event's name -> the version's number -> its properties' schema. `fields`:
    what conditions may read of a customer besides what they always may; `absent`: what they could
    if it were declared, with how to do so.
    """

    versions: Mapping[str, Mapping[int, Mapping[str, Any]]]
    fields: Mapping[str, Type] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def customer(self) -> Type:
        return record({**_CUSTOMER, **self.fields}, "a customer", self.absent)

    @property
    def schemas(self) -> Mapping[str, Mapping[str, Any]]:
        """What each event is held to that names no version."""
        return {name: each[default_version(each)] for name, each in self.versions.items()}

    def names(self) -> frozenset[str]:
        return frozenset(self.versions)

    def suggestion(self, name: str) -> str:
        """For an unknown event: `Did you mean "Order Completed"?`"""
        return suggest(name, self.versions)

    def properties(self, name: str, version: int | None = None) -> Type:
        """The type of the event's properties; any JSON for an event that is not registered.

        Without a version, of an event that names none.
        """
        versions = self.versions.get(name)
        if versions is None:
            return JSON
        number = default_version(versions) if version is None else version
        return _type(versions[number], self._called(name, number))

    def kinds(self, name: str | None) -> list[Type]:
        """`properties` of each version, the oldest first."""
        numbers = sorted(self.versions.get(name, ())) if name is not None else []
        if name is None or not numbers:
            return [JSON]
        return [self.properties(name, number) for number in numbers]

    def environment(
        self, *, event: str | None = None, entry_event: str | None = None
    ) -> Environment:
        """What a condition may name: `event` where one just happened, `enrollment` once begun.

        Of events that name no version.
        """
        return next(iter(self.environments(event=event, entry_event=entry_event).values()))

    def environments(
        self, *, event: str | None = None, entry_event: str | None = None
    ) -> dict[str, Environment]:
        """An environment for each version of the event with each version of the entry event, by
        what is special about it: `version 2 of "Order Completed"`.
        """
        found: dict[str, Environment] = {}
        for happened in self.kinds(event):
            for began in self.kinds(entry_event):
                names = {"customer": self.customer, "now": TIMESTAMP}
                if event is not None:
                    names["event"] = _event(happened)
                if entry_event is not None:
                    fields = {"event": _event(began), "entered_at": TIMESTAMP}
                    names["enrollment"] = record(fields, "an enrollment")
                places = (each.place for each in (happened, began) if each.place)
                found[" with ".join(places)] = names
        return found

    def document(self) -> dict[str, Any]:
        """The registry as it is deployed; `stepwell.events.registry` reads it."""
        return {
            "events": {
                name: {str(number): versions[number] for number in sorted(versions)}
                for name, versions in sorted(self.versions.items())
            }
        }

    def _called(self, name: str, version: int) -> str:
        if len(self.versions[name]) == 1:
            return f'the schema of "{name}"'
        return f'version {version} of "{name}"'


def _event(properties: Type) -> Type:
    fields = dict.fromkeys(("id", "name", "type"), STRING) | {"timestamp": TIMESTAMP}
    return record(fields | {"properties": properties}, "an event")


def load_registry(folder: Path) -> EventRegistry:
    """All schemas of the folder. Raises RegistryError with the problems of all files."""
    versions: dict[str, dict[int, Mapping[str, Any]]] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            problems.append(f"{path}: is not JSON: {problem}")
            continue
        found = list(_wrong(schema, path.stem))
        problems += [f"{path}: {each}" for each in found]
        if not found:
            versions.setdefault(schema["title"], {})[_number(path.stem)] = schema
    if problems:
        raise RegistryError(problems)
    return EventRegistry(versions)


def schema_file(name: str, version: int) -> str:
    """`order_completed.json`, `order_completed.2.json`."""
    return f"{file_stem(name)}{'' if version == 1 else f'.{version}'}.json"


def _number(stem: str) -> int:
    _, _, number = stem.partition(".")
    return int(number) if number else 1


def _wrong(schema: Any, stem: str) -> Iterator[str]:
    wrong = _check_name(stem) or _check_schema(schema, stem.partition(".")[0])
    if wrong:
        yield wrong
        return
    found = list(wrong_types(schema))
    yield from found
    if not found:
        try:
            check_bounded(schema)
            validator_of(schema)
        except UnboundedError as error:
            yield str(error)
        except ValueError as error:
            yield f"is no schema that events can be held to: {str(error).splitlines()[0]}"


def _check_name(stem: str) -> str | None:
    _, dot, number = stem.partition(".")
    if dot and not re.fullmatch(r"[2-9]|[1-9][0-9]{1,5}", number):
        return "a version is a whole number above 1, such as order_completed.2.json; 1 has none"
    return None


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
