"""Where hand-overs go, as the function reads it: declared destinations, one target for each stage.

The compiler writes `statemachines/destinations.yaml` as a JSON document, which was validated when
it was written, so it is trusted:

    {"helpdesk": {"include": ["user_id", "traits.first_name"],
                  "target": {"kind": "webhook", "url": "https://…", "timeout_seconds": 5},
                  "stages": {"dev": {"kind": "event_bus", "bus": "default", …}}}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.values import value

EVENT_BUS = "event_bus"
CONNECT_TASK = "connect_task"
WEBHOOK = "webhook"

Documents = Mapping[str, Mapping[str, Any]]
"""By the destination's name."""


@value
class EventBus:
    """An event bus of the stage's account and Region."""

    bus: str
    source: str
    detail_type: str


@value
class ConnectTask:
    """A task of Amazon Connect. `references`: what agents see of it, name -> text or URL, in which
    `{customer}` stands for the customer's id.
    """

    instance: str
    flow: str
    task: str
    references: Mapping[str, str]


@value
class Webhook:
    url: str
    timeout_seconds: int


Target = EventBus | ConnectTask | Webhook
_KINDS: Mapping[str, type[Target]] = {
    EVENT_BUS: EventBus,
    CONNECT_TASK: ConnectTask,
    WEBHOOK: Webhook,
}


@value
class Destination:
    """`include`: what of the customer is told besides ids, such as `traits.first_name`."""

    name: str
    target: Target
    include: tuple[str, ...]


def load_destinations(text: str, stage: str) -> dict[str, Destination]:
    """The destinations of one stage, from the JSON text of the document."""
    documents: Documents = json.loads(text)
    return {
        name: Destination(name, _target(target), tuple(documents[name]["include"]))
        for name, target in targets_of(documents, stage)
    }


def targets_of(documents: Documents, stage: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each destination's name, and the document of its target in a stage."""
    for name, document in documents.items():
        yield name, document["stages"].get(stage, document["target"])


def _target(document: Mapping[str, Any]) -> Target:
    fields = dict(document)
    return _KINDS[fields.pop("kind")](**fields)
