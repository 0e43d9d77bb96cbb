"""The API as an OpenAPI 3.1 document, made from what ingest reads: its models, names and limits,
and the event registry.

Every call may be sent to a long and a short path, each with and without `/v1`. What cannot be said
in a schema (sizes, depth) is said in words. The examples of answers are real answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from stepwell.cli.api_answers import REFUSALS, answer_schemas, responses
from stepwell.cli.api_events import (
    REF,
    Events,
    described,
    event_schemas,
    form_of_tracks,
    form_of_views,
)
from stepwell.cli.api_examples import (
    BATCH,
    CALLS_OF,
    Document,
)
from stepwell.cli.api_people import SECURITY, people_paths, people_schemas
from stepwell.events.body import MAX_BATCH_BYTES
from stepwell.events.calls import CALLS, Consent, Id, MaybeId, Moment, Properties
from stepwell.events.envelope import MAX_BATCH_EVENTS, MAX_EVENT_BYTES, MAX_LEVELS, names_of
from stepwell.events.nobody import FILLED, WORDS

PATH = "/v1/openapi.json"
"""Where the API serves it."""

SETTINGS = "/v1/projects/{write_key}/settings"
"""What the SDK for browsers loads first."""

_SAYS = {
    "track": "What somebody did",
    "identify": "Who somebody is",
    "alias": "That somebody had another id before",
    "group": "What somebody belongs to",
    "page": "Which page somebody looked at",
    "screen": "Which screen somebody looked at",
    "batch": "Several calls, in their order",
}


def describe(events: Events) -> Document:
    """`events` are those of the registry: name -> version -> schema of the properties."""
    events = described(events)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stepwell: sending events",
            "version": "1",
            "summary": "Segment's HTTP tracking API, as Stepwell takes it",
            "description": (
                "Each call has short names too, and all go without `/v1` as well. Bodies are "
                "JSON whatever their `Content-Type`, as they are or with `Content-Encoding: "
                f"gzip`, at most {MAX_BATCH_BYTES // 1024} KB unpacked; an event has at most "
                f"{MAX_EVENT_BYTES // 1024} KB and {MAX_LEVELS} levels, a batch at most "
                f"{MAX_BATCH_EVENTS} events. Fields that are not "
                "named are ignored. Another path below `/v1` is a 404.\n\n"
                "Track, page and screen calls are held to the event registry "
                "(docs/event-registry.md): the properties of an event that it has fit the schema "
                "of the version that `context.protocols.event_version` names, or of the oldest. A "
                "property that is `null` is as good as left out. An event that the registry does "
                "not have is taken, unless the stage is set to refuse it. What is refused of a "
                "known write key is kept in quarantine, where operators correct and replay it, "
                "unless it is too large."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The API's address, with its stage if it has one"}],
        "paths": {path: {"post": operation} for path, operation in _tracking()}
        | _settings_path()
        | people_paths()
        | _own_path(),
        "components": {
            "schemas": _schemas(events),
            "requestBodies": {kind.capitalize(): _body(kind) for kind in _SAYS},
            "responses": responses(),
            "securitySchemes": {
                "writeKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The write key as the user, without a password. Without this "
                    "header, `writeKey` of the body counts.",
                },
                **SECURITY,
            },
        },
    }


def text(events: Events) -> str:
    """As it is committed."""
    return json.dumps(describe(events), indent=2, ensure_ascii=False) + "\n"


# ------------------------------------------------------------------------- paths


def _tracking() -> Iterator[tuple[str, Document]]:
    for kind, said in _SAYS.items():
        for name in names_of(kind):
            yield (
                f"/v1/{name}",
                _operation(kind, said) | ({"operationId": kind} if name == kind else {}),
            )
            yield f"/{name}", _operation(kind, said)


def _operation(kind: str, said: str) -> Document:
    taken = "BatchTaken" if kind == "batch" else "Taken"
    return {
        "summary": said,
        "tags": ["events"],
        "security": [{"writeKey": []}, {}],
        "requestBody": {"$ref": f"#/components/requestBodies/{kind.capitalize()}"},
        "responses": {
            "200": {"$ref": f"#/components/responses/{taken}"},
            **{
                str(status): {"$ref": f"#/components/responses/{name}"}
                for status, (name, _) in REFUSALS.items()
            },
        },
    }


def _body(kind: str) -> Document:
    examples = BATCH if kind == "batch" else CALLS_OF[kind]
    content = {
        "schema": {"$ref": REF + kind.capitalize()},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"required": True, "content": {"application/json": content}}


def _settings_path() -> Document:
    key = {"name": "write_key", "in": "path", "required": True, "schema": {"type": "string"}}
    answered = {"200": "Settings", "400": "NoAddress", "404": "NoSettings", "429": "Throttled"}
    return {
        SETTINGS: {
            "get": {
                "operationId": "settings",
                "summary": "Where and how a browser sends, which Segment's SDK loads first",
                "tags": ["browsers"],
                "security": [],
                "parameters": [key],
                "responses": {
                    status: {"$ref": f"#/components/responses/{name}"}
                    for status, name in answered.items()
                },
            }
        }
    }


def _own_path() -> Document:
    content = {"application/json": {"schema": {"type": "object", "required": ["openapi"]}}}
    return {
        PATH: {
            "get": {
                "operationId": "describe",
                "summary": "This description",
                "tags": ["description"],
                "security": [],
                "responses": {"200": {"description": "This description.", "content": content}},
            }
        }
    }


# ------------------------------------------------------------------------- schemas


def _schemas(events: Events) -> Document:
    models = [(model, "validation") for model in (*CALLS.values(), Consent)]
    made: Document = models_json_schema(models, ref_template=REF + "{model}")[1]["$defs"]  # type: ignore[arg-type]
    calls = {
        model.__name__: _call(made[model.__name__]) | form_of_views(kind, events)
        for kind, model in CALLS.items()
    }
    calls["Track"] |= form_of_tracks(events)
    return {
        **calls,
        **_parts(),
        "Consent": _plain(made["Consent"]) | {"description": "Properties of a consent's event."},
        **event_schemas(events),
        "BatchCall": {
            "description": "A call, with its type.",
            "oneOf": [_typed(kind, model.__name__) for kind, model in CALLS.items()],
        },
        "Batch": _batch(),
        **answer_schemas(),
        **people_schemas(),
    }


def _call(schema: Document) -> Document:
    """A call's own schema: its type is said by the path, or beside it in a batch."""
    made = _plain(schema)
    properties = {name: _short(each) for name, each in made["properties"].items() if name != "type"}
    properties["writeKey"] = _WRITE_KEY
    required = [name for name in made.get("required", ()) if name != "type"]
    rest = {name: each for name, each in made.items() if name != "required"}
    return {
        **rest,
        "properties": properties,
        **({"required": required} if required else {}),
        "anyOf": [_has("userId"), _has("anonymousId")],
    }


@cache
def _parts() -> Document:
    """What many fields have in common."""
    types = {"Id": Id, "MaybeId": MaybeId, "Moment": Moment | None, "Properties": Properties}
    return {
        name: _plain(TypeAdapter(each).json_schema())  # type: ignore[arg-type]
        for name, each in types.items()
    }


def _short(schema: Document) -> Document:
    named = next((name for name, each in _parts().items() if each == schema), None)
    return {"$ref": REF + named} if named else schema


_WRITE_KEY = {"description": "Counts when there is no header with a write key."}
"""Of any type: beside a header it is not looked at."""


def _has(name: str) -> Document:
    """Who it is: an id that names somebody."""
    some: list[Document] = [
        {"type": "string", "not": {"pattern": _nobody()}},
        {"type": "integer", "not": {"enum": [0, -1]}},
    ]
    return {"required": [name], "properties": {name: {"anyOf": some}}}


def _nobody() -> str:
    """The values that name nobody, in the regular expressions of JSON Schema, which know no flag
    for capitals.
    """
    words = ("".join(map(_in_any_case, word)) for word in WORDS)
    return rf"^\s*({'|'.join(words)}|{FILLED})\s*$"


def _in_any_case(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter}{letter.upper()}]"
    return letter if letter.isdigit() or letter in "@ /-" else f"\\{letter}"


def _typed(kind: str, model: str) -> Document:
    typed = {"required": ["type"], "properties": {"type": {"const": kind}}}
    return {"allOf": [{"$ref": REF + model}, typed]}


def _batch() -> Document:
    return {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array",
                "maxItems": MAX_BATCH_EVENTS,
                "items": {"$ref": REF + "BatchCall"},
            },
            "sentAt": {"$ref": REF + "Moment"},
            "context": {"$ref": REF + "Properties"},
            "writeKey": _WRITE_KEY,
        },
        "description": "`sentAt` and `context` are for each call that has none of its own.",
    }


def _plain(schema: Any) -> Any:
    """Without titles, which repeat names, and defaults, which only say that a field may be missing.

    What a store cannot count exactly is no id: integers are those that JSON readers agree on.
    """
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    named = {name: _plain(each) for name, each in schema.get("properties", {}).items()}
    kept = {
        name: _plain(each)
        for name, each in schema.items()
        if name not in {"title", "default", "properties"}
    }
    if kept.get("type") == "integer":
        kept |= {"minimum": -(2**53) + 1, "maximum": 2**53 - 1}
    return kept | ({"properties": named} if named else {})
