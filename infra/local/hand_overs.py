"""Destinations of hand-overs on this machine: what Connect, EventBridge and webhooks would get.

Webhooks that are declared go nowhere from here: the functions are told to send them to this path.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

WEBHOOKS_PATH = "/hand-overs"
CONNECT_PATH = "/contact/task"
EVENTS_TARGET = "AWSEvents.PutEvents"

Answered = tuple[Any, list[tuple[str, str, dict[str, str]]]]
"""The answer; channel, address and content of what was taken."""


def put_events(parameters: dict[str, Any]) -> Answered:
    entries: list[dict[str, Any]] = parameters["Entries"]
    taken = [
        (
            "event_bus",
            each.get("EventBusName", "default"),
            {"event": f"{each['DetailType']} of {each['Source']}", "body": each["Detail"]},
        )
        for each in entries
    ]
    ids = [{"EventId": str(uuid.uuid4())} for _ in entries]
    return {"FailedEntryCount": 0, "Entries": ids}, taken


def start_task_contact(parameters: dict[str, Any]) -> Answered:
    references = parameters.get("References", {})
    content = {"task": parameters["Name"], "body": parameters.get("Description", "")}
    content |= {name: each.get("Value", "") for name, each in references.items()}
    return {"ContactId": str(uuid.uuid4())}, [("connect_task", parameters["InstanceId"], content)]


def webhook(body: bytes) -> Answered:
    """Raises ValueError, KeyError for what is no hand-over."""
    text = body.decode()
    return {}, [("webhook", json.loads(text)["destination"], {"body": text})]
