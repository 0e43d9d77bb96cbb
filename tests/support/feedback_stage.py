"""Notices about the messages of a whole stage, and the fallbacks that follow from them."""

from __future__ import annotations

from stepwell.customers import keys
from stepwell.storage.operations import Item
from tests.support.feedback import sample, with_id
from tests.support.stage import PREFIX, Stage


def messages(stage: Stage) -> list[Item]:
    return stage.records(keys.MESSAGE_PREFIX)


def about(stage: Stage, name: str, message: Item | None = None) -> str:
    """The sample, about the message that was sent."""
    sent = message or messages(stage)[-1]
    return with_id(sample(name, stage.customer(), sent["message"]), sent["provider_id"])


def fallbacks(stage: Stage) -> list[str]:
    client = stage.engine.client("stepfunctions")
    machine = next(
        each["stateMachineArn"]
        for each in client.list_state_machines()["stateMachines"]
        if each["name"] == f"{PREFIX}fallback"
    )
    found = client.list_executions(stateMachineArn=machine)["executions"]
    return [each["executionArn"] for each in found]
