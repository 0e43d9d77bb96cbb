"""What the API's description says of the paths that customers themselves come to."""

from __future__ import annotations

from stepwell.cli.api_examples import Document
from stepwell.messages.unsubscribing import PATH as UNSUBSCRIBE

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
        }
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
