"""What the API's description says of the events that the registry has: which properties each has to
have in the version that a call names.

Each version's schema is a component of its own, named as its file is. A call fits one of several
forms, told apart by its event's name and version. A description is stricter than ingest in what it
cannot say: a `null` that is as good as left out, or `2.0` for the version 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.cli.api_examples import Document
from stepwell.events.model import CONSENT_EVENT, PAGE_EVENT, SCREEN_EVENT
from stepwell.events.registry import Schema, default_version, validator_of
from stepwell.journeys.compiler.registry import file_stem

Events = Mapping[str, Mapping[int, Schema]]
"""Name -> version -> schema of the properties."""

REF = "#/components/schemas/"
MOST = 150_000
"""Characters of all events' schemas, beyond which they are left out: API Gateway serves the
description from a template, which may have 300 KB.
"""


def described(events: Events) -> Events:
    """The events that the description has room for: all, or none."""
    size = sum(len(json.dumps(each)) for versions in events.values() for each in versions.values())
    return events if size <= MOST else {}


def event_schemas(events: Events) -> Document:
    """The components that `form_of_tracks` and `form_of_views` refer to."""
    versions = [(name, number) for name, each in events.items() for number in sorted(each)]
    oldest = {default_version(each) for each in events.values()}
    later = {number for name, number in versions if number != default_version(events[name])}
    return {
        **{
            _named(name, number): _moved(events[name][number], _named(name, number))
            for name, number in versions
        },
        **{f"OldestVersion.{number}": _oldest(number) for number in sorted(oldest)},
        **{f"LaterVersion.{number}": _later(number) for number in sorted(later)},
    }


def form_of_tracks(events: Events) -> Document:
    """By the event's name. A consent is whole whatever the registry says of it."""
    named: Events = {CONSENT_EVENT: {}, **events}
    forms = [
        {**form, "properties": {"event": {"const": name}, **form["properties"]}}
        for name, versions in sorted(named.items())
        for form in _forms(versions, name, consent=name == CONSENT_EVENT)
    ]
    known = sorted(named)
    other = {"properties": {"event": {"not": {"enum": known}}}}
    return {
        "oneOf": [*({**each, "required": ["event", *each["required"]]} for each in forms), other]
    }


def form_of_views(kind: str, events: Events) -> Document:
    """Of a page's or a screen's call, which are events of one name; their `name` and `category` are
    properties too.
    """
    name = {"page": PAGE_EVENT, "screen": SCREEN_EVENT}.get(kind, "")
    versions = events.get(name, {})
    forms = []
    for number, form in zip(sorted(versions), _forms(versions, name), strict=True):
        own = {
            each: _own(each, versions[number], _named(name, number))
            for each in ("name", "category")
        }
        forms.append({**form, "properties": {**form["properties"], **own}})
    return {"oneOf": forms} if forms else {}


def _forms(
    versions: Mapping[int, Schema], name: str, *, consent: bool = False
) -> Iterator[Document]:
    whole = {"$ref": f"{REF}Consent"}
    if consent and not versions:
        yield {"properties": {"properties": whole}, "required": ["properties"]}
    for number in sorted(versions):
        is_oldest = number == default_version(versions)
        held: Document = {"$ref": REF + _named(name, number)}
        context = f"{'Oldest' if is_oldest else 'Later'}Version.{number}"
        needed = consent or not validator_of(versions[number]).is_valid({})
        yield {
            "properties": {
                "properties": {"allOf": [whole, held]} if consent else held,
                "context": {"$ref": REF + context},
            },
            "required": [
                *(["properties"] if needed else []),
                *([] if is_oldest else ["context"]),
            ],
        }


def _own(member: str, schema: Schema, component: str) -> Document:
    """A call's own `name` or `category`, which counts as a property when it says something."""
    nothing: Document = {"enum": [None, ""]}
    if member in schema["properties"]:
        return {"anyOf": [nothing, {"$ref": f"{REF}{component}/properties/{member}"}]}
    return {} if schema.get("additionalProperties", True) is True else nothing


def _oldest(number: int) -> Document:
    named = {"properties": {"event_version": {"enum": [None, "", number, str(number)]}}}
    return {
        "description": f"`protocols.event_version` is {number}, which counts without it too.",
        "properties": {"protocols": named},
    }


def _later(number: int) -> Document:
    named = {
        "type": "object",
        "required": ["event_version"],
        "properties": {"event_version": {"enum": [number, str(number)]}},
    }
    return {
        "description": f"`protocols.event_version` is {number}.",
        "type": "object",
        "required": ["protocols"],
        "properties": {"protocols": named},
    }


def _named(name: str, number: int) -> str:
    return f"{file_stem(name)}.{number}"


def _moved(schema: Schema, component: str) -> Any:
    """A schema as a part of the description, where what it refers to lies deeper."""

    def moved(part: Any) -> Any:
        if isinstance(part, list):
            return [moved(each) for each in part]
        if not isinstance(part, dict):
            return part
        made = {name: moved(each) for name, each in part.items()}
        target = made.get("$ref")
        if isinstance(target, str):
            made["$ref"] = f"{REF}{component}{target.removeprefix('#')}"
        return made

    kept = {name: each for name, each in schema.items() if name not in {"$schema", "title"}}
    return moved(kept) | {"title": schema.get("title", component)}
