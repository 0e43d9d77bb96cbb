"""What the API's description says of answers: their schemas, and a real one of each."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.cli.api_events import REF
from stepwell.cli.api_examples import REFUSED_BY_GATEWAY, Document, answers
from stepwell.events.intake import MAX_ERRORS

REFUSALS = {
    400: (
        "Invalid",
        "Nothing of the call counts; `errors` names each field. It is kept in quarantine.",
    ),
    401: ("Unauthorized", "The write key is missing, unknown or revoked."),
    403: (
        "Forbidden",
        "The write key may not send calls of this type. The call is kept in quarantine.",
    ),
    413: (
        "TooLarge",
        "An event, the call as a whole, or their number is past its limit. It is not kept.",
    ),
    415: ("NotPacked", "The body is not packed as `Content-Encoding` says."),
    429: ("Throttled", "Too many calls just now: send it again."),
    503: (
        "Unavailable",
        "The queue, the quarantine, the registry or what looks up keys is away: send it again.",
    ),
}
_AGAIN = {429, 503}
"""Answers that may say in `Retry-After` when to come again."""


def answer_schemas() -> Document:
    count = {"type": "integer", "minimum": 0}
    counts = {"accepted": count, "rejected": count}
    kept = {"quarantined": count | {"description": "How many of them are kept in quarantine."}}
    kept_as = {"type": "string", "description": "A single call's own, by which operators find it."}
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
        "BatchTaken": _object({"success": {"const": True}, **counts}, {**kept, "errors": errors}),
        "Refusal": _object(refused, {"errors": errors, **counts, **kept, "quarantine_id": kept_as}),
        "Settings": _settings(),
    }


def _settings() -> Document:
    """Whatever the SDK is told besides, it is told where to send."""
    place = {
        "apiKey": {"type": "string", "description": "The write key."},
        "apiHost": {"type": "string", "description": "The API's address, without a scheme."},
        "protocol": {"enum": ["http", "https"]},
        "deliveryStrategy": {"type": "object"},
    }
    rate = _object({"sampleRate": {"const": 0}})
    integrations = _object({"Segment.io": _object(place)})
    return _object({"integrations": integrations, "metrics": rate})


def _object(required: Document, optional: Document | None = None) -> Document:
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


# ------------------------------------------------------------------------- answers


def responses() -> Document:
    real = answers()
    made = {
        "Taken": _response("The event is queued and will not be lost.", "Taken", [real["Taken"]]),
        "BatchTaken": _response(
            "Every good event is queued and will not be lost; the others are named.",
            "BatchTaken",
            [real["BatchTaken"]],
        ),
        "Settings": _response("Kept by browsers for an hour.", "Settings", [real["Settings"]]),
        "NoSettings": _response(
            "The write key is unknown or revoked.", "Refusal", [real["NoSettings"]]
        ),
        "NoAddress": _response(
            "No SDK can send to the address of this call.", "Refusal", [real["NoAddress"]]
        ),
    }
    for status, (name, said) in REFUSALS.items():
        example = real.get(name) or REFUSED_BY_GATEWAY[status]
        made[name] = _response(said, "Refusal", [example])
        if status in _AGAIN:
            seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait, if known."}
            made[name]["headers"] = {"Retry-After": seconds}
    return made


def _response(said: str, schema: str, examples: Sequence[Document]) -> Document:
    content = {"schema": {"$ref": REF + schema}, "example": examples[0]}
    return {"description": said, "content": {"application/json": content}}
