"""The API as an OpenAPI 3.1 document, made from what ingest reads: its models, names and limits.

Every call may be sent to a long and a short path, each with and without `/v1`. What cannot be said
in a schema (sizes, depth) is said in words. The examples of answers are real answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from stepwell.cli.api_examples import BATCH, CALLS_OF, REFUSED_BY_GATEWAY, answers
from stepwell.events.body import MAX_BATCH_BYTES
from stepwell.events.calls import CALLS, Consent, Id, MaybeId, Moment, Properties
from stepwell.events.envelope import MAX_BATCH_EVENTS, MAX_EVENT_BYTES, MAX_LEVELS, names_of
from stepwell.events.intake import MAX_ERRORS
from stepwell.events.model import CONSENT_EVENT
from stepwell.events.nobody import FILLED, WORDS

Document = dict[str, Any]

PATH = "/v1/openapi.json"
"""Where the API serves it."""

_REF = "#/components/schemas/"
_SAYS = {
    "track": "What somebody did",
    "identify": "Who somebody is",
    "alias": "That somebody had another id before",
    "group": "What somebody belongs to",
    "page": "Which page somebody looked at",
    "screen": "Which screen somebody looked at",
    "batch": "Several calls, in their order",
}
_REFUSALS = {
    400: ("Invalid", "Nothing of the call counts; `errors` names each field."),
    401: ("Unauthorized", "The write key is missing, unknown or revoked."),
    403: ("Forbidden", "The write key may not send calls of this type."),
    413: ("TooLarge", "An event, the call as a whole, or their number is past its limit."),
    415: ("NotPacked", "The body is not packed as `Content-Encoding` says."),
    429: ("Throttled", "Too many calls just now: send it again."),
    503: ("Unavailable", "Events cannot be taken just now: send the call again."),
}
_AGAIN = {429, 503}
"""Answers that may say in `Retry-After` when to come again."""


def describe() -> Document:
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
                "named are ignored. Another path below `/v1` is a 404."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The API's address, with its stage if it has one"}],
        "paths": {path: {"post": operation} for path, operation in _tracking()} | _own_path(),
        "components": {
            "schemas": _schemas(),
            "requestBodies": {kind.capitalize(): _body(kind) for kind in _SAYS},
            "responses": _responses(),
            "securitySchemes": {
                "writeKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The write key as the user, without a password. Without this "
                    "header, `writeKey` of the body counts.",
                }
            },
        },
    }


def text() -> str:
    """As it is committed."""
    return json.dumps(describe(), indent=2, ensure_ascii=False) + "\n"


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
                for status, (name, _) in _REFUSALS.items()
            },
        },
    }


def _body(kind: str) -> Document:
    examples = BATCH if kind == "batch" else CALLS_OF[kind]
    content = {
        "schema": {"$ref": _REF + kind.capitalize()},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"required": True, "content": {"application/json": content}}


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


def _schemas() -> Document:
    models = [(model, "validation") for model in (*CALLS.values(), Consent)]
    made: Document = models_json_schema(models, ref_template=_REF + "{model}")[1]["$defs"]  # type: ignore[arg-type]
    calls = {model.__name__: _call(made[model.__name__]) for model in CALLS.values()}
    calls["Track"] |= {
        "if": {"properties": {"event": {"const": CONSENT_EVENT}}, "required": ["event"]},
        "then": {
            "properties": {"properties": {"$ref": _REF + "Consent"}},
            "required": ["properties"],
        },
    }
    return {
        **calls,
        **_parts(),
        "Consent": _plain(made["Consent"]) | {"description": "Properties of a consent's event."},
        "BatchCall": {
            "description": "A call, with its type.",
            "oneOf": [_typed(kind, model.__name__) for kind, model in CALLS.items()],
        },
        "Batch": _batch(),
        **_answer_schemas(),
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
    return {"$ref": _REF + named} if named else schema


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
    return {"allOf": [{"$ref": _REF + model}, typed]}


def _batch() -> Document:
    return {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array",
                "maxItems": MAX_BATCH_EVENTS,
                "items": {"$ref": _REF + "BatchCall"},
            },
            "sentAt": {"$ref": _REF + "Moment"},
            "context": {"$ref": _REF + "Properties"},
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


def _answer_schemas() -> Document:
    counts = {name: {"type": "integer", "minimum": 0} for name in ("accepted", "rejected")}
    errors = {
        "type": "array",
        "maxItems": MAX_ERRORS,
        "items": _object(
            {
                "field": {"type": "string", "description": "Its path; empty for the whole body."},
                "message": {"type": "string"},
            }
        ),
    }
    refused = {
        "success": {"const": False},
        "code": {"type": "string"},
        "message": {"type": "string"},
    }
    return {
        "Taken": _object({"success": {"const": True}}),
        "BatchTaken": _object({"success": {"const": True}, **counts}, {"errors": errors}),
        "Refusal": _object(refused, {"errors": errors, **counts}),
    }


def _object(required: Document, optional: Document | None = None) -> Document:
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


# ------------------------------------------------------------------------- answers


def _responses() -> Document:
    real = answers()
    made = {
        "Taken": _response("The event is queued and will not be lost.", "Taken", [real["Taken"]]),
        "BatchTaken": _response(
            "Every good event is queued and will not be lost; the others are named.",
            "BatchTaken",
            [real["BatchTaken"]],
        ),
    }
    for status, (name, said) in _REFUSALS.items():
        example = real.get(name) or REFUSED_BY_GATEWAY[status]
        made[name] = _response(said, "Refusal", [example])
        if status in _AGAIN:
            seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait, if known."}
            made[name]["headers"] = {"Retry-After": seconds}
    return made


def _response(said: str, schema: str, examples: Sequence[Document]) -> Document:
    content = {"schema": {"$ref": _REF + schema}, "example": examples[0]}
    return {"description": said, "content": {"application/json": content}}
