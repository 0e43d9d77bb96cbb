"""A hand-over as a task of Amazon Connect, which its flow gives to an agent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.aws.destinations.errors import told_errors
from stepwell.handover.destinations import ConnectTask
from stepwell.handover.telling import HandOver

_LONGEST_DESCRIPTION = 4096
_ATTRIBUTES = ("journey", "version", "execution", "step")


@dataclass(frozen=True)
class ConnectTeller:
    """The hand-over's id is the client token: Connect makes one task of however many tries."""

    client: Any

    def tell(self, task: ConnectTask, hand_over: HandOver) -> str:
        with told_errors():
            answer = self.client.start_task_contact(**request(task, hand_over))
        return str(answer["ContactId"])


def request(task: ConnectTask, hand_over: HandOver) -> dict[str, Any]:
    """What is asked of Connect. Agents see name, description and references; flows attributes."""
    told = hand_over.document
    attributes = {"hand_over": hand_over.id, "customer": told["customer"]["id"]}
    return {
        "InstanceId": task.instance,
        "ContactFlowId": task.flow,
        "Name": task.task,
        "Description": "\n".join(_description(told))[:_LONGEST_DESCRIPTION],
        "References": dict(_references(task, told["customer"])),
        "Attributes": attributes | {name: told[name] for name in _ATTRIBUTES},
        "ClientToken": hand_over.id,
    }


def _description(told: Mapping[str, Any]) -> Iterator[str]:
    yield str(told["reason"])
    for name, signal in told.get("signals", {}).items():
        yield f"{name}: {_text(signal.get('value'))} ({_text(signal.get('rule'))})"


def _references(
    task: ConnectTask, customer: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, str]]]:
    known = {name: each for name, each in customer.items() if name not in {"id", "traits"}}
    for name, given in {"customer": customer["id"], **known, **customer.get("traits", {})}.items():
        yield name, {"Type": "STRING", "Value": _text(given)}
    for name, text in task.references.items():
        kind = "URL" if text.startswith("https://") else "STRING"
        yield name, {"Type": kind, "Value": text.replace("{customer}", str(customer["id"]))}


def _text(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
