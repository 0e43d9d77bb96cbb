"""What the API's description says of the paths that customers themselves come to."""

from __future__ import annotations

from stepwell.cli.api_events import REF
from stepwell.cli.api_examples import Document
from stepwell.messages.inbox import LARGEST_PAGE, PAGE, Mark
from stepwell.messages.inbox_token import LONGEST
from stepwell.messages.unsubscribing import PATH as UNSUBSCRIBE

INBOX = "/v1/inbox"
MARK = "/v1/inbox/{id}/{what}"
SECURITY: Document = {
    "inboxToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made by the app's backend: `sub` is the user id, `exp` when it ends, at "
        f"most {LONGEST.days} days ahead; signed by HS256 with the stage's inbox key.",
    }
}
TOKEN = {
    "name": "t",
    "in": "query",
    "required": True,
    "schema": {"type": "string"},
    "description": "What the link in the message has: signed, and good for one purpose.",
}


def people_paths() -> Document:
    form = {
        "type": "object",
        "properties": {"List-Unsubscribe": {"const": "One-Click"}},
        "description": "What mail programs send (RFC 8058); another body counts as well.",
    }
    types = ("application/x-www-form-urlencoded", "multipart/form-data")
    return {
        UNSUBSCRIBE: {
            "get": _page_operation("The page behind a message's unsubscribe link; changes nothing"),
            "post": _page_operation("End the messages of one purpose to one address")
            | {
                "operationId": "unsubscribe",
                "requestBody": {"content": {each: {"schema": form} for each in types}},
            },
        },
        INBOX: {"get": _show()},
        MARK: {"post": _mark()},
    }


def people_schemas() -> Document:
    text, moment = {"type": "string"}, {"$ref": f"{REF}Moment"}
    shown = {
        "id": text,
        "title": text,
        "body": text,
        "url": {"type": ["string", "null"]},
        "sent_at": text,
        "seen_at": moment,
        "clicked_at": moment,
    }
    page = {
        "messages": {"type": "array", "items": {"$ref": f"{REF}InboxMessage"}},
        "next": {"type": ["string", "null"], "description": "`after` of the next page."},
    }
    return {"InboxMessage": _whole(shown), "InboxPage": _whole(page)}


def _whole(properties: Document) -> Document:
    return {"type": "object", "required": list(properties), "properties": properties}


def _show() -> Document:
    limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE}
    return {
        "operationId": "inbox",
        "summary": "A user's messages in the app, the newest first",
        "parameters": [
            {"name": "limit", "in": "query", "schema": limit},
            {"name": "after", "in": "query", "schema": {"type": "string"}},
        ],
        **_of_the_app("Those that have not expired and were not put away.", "InboxPage", 400),
    }


def _mark() -> Document:
    return {
        "operationId": "mark",
        "summary": "Tell that the user has seen, clicked or dismissed a message",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "what", "in": "path", "required": True, "schema": {"enum": list(Mark)}},
        ],
        **_of_the_app("Recorded, now or before, and told to the journeys.", "Taken", 404),
    }


def _of_the_app(done: str, schema: str, refusal: int) -> Document:
    said = {
        200: (done, schema),
        400: ("A parameter is wrong.", "Refusal"),
        401: ("The token is missing, has ended, or is signed with another key.", "Refusal"),
        404: ("This user has no such message.", "Refusal"),
        503: ("The table or the queue is away: try again.", "Refusal"),
    }
    answered = {
        str(status): {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": REF + name}}},
        }
        for status, (text, name) in said.items()
        if status in {200, 401, refusal, 503}
    }
    throttled = {"429": {"$ref": "#/components/responses/Throttled"}}
    return {
        "tags": ["customers"],
        "security": [{"inboxToken": []}],
        "responses": answered | throttled,
    }


def _page_operation(summary: str) -> Document:
    page = {"content": {"text/html": {"schema": {"type": "string"}}}}
    again = "Not done: try again."
    return {
        "summary": summary,
        "tags": ["customers"],
        "security": [],
        "parameters": [TOKEN],
        "responses": {
            "200": {"description": "A page for people.", **page},
            "400": {"description": "The link is not complete, or not one of ours.", **page},
            "429": {"$ref": "#/components/responses/Throttled"},
            "503": {"description": again, **page},
        },
    }
