"""What the hand-over function may tell follows from what is declared for its stage."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.names import Names
from infra.reaching_out import destinations
from infra.settings import SettingsError, Stage
from tests.support.stage_parts import told_by

INSTANCE = "11111111-2222-3333-4444-555555555555"
FLOW = "66666666-7777-8888-9999-000000000000"
BUS = {"kind": "event_bus", "bus": "care", "source": "stepwell", "detail_type": "Hand-over"}
TASK = {"kind": "connect_task", "instance": INSTANCE, "flow": FLOW, "task": "T", "references": {}}
WEBHOOK = {"kind": "webhook", "url": "https://a.example/", "timeout_seconds": 5}


def declared(target: dict[str, Any], **stages: dict[str, Any]) -> dict[str, Any]:
    return {"include": [], "target": target, "stages": stages}


def allowed(documents: dict[str, Any], stage: Stage = Stage.LOCAL) -> dict[str, set[str]]:
    """Action -> resources, without account and Region."""
    return {
        action: {re.sub(r"\$\{Token[^}]*\}", "", each) for each in permission.resources}
        for permission in destinations(documents, Names(stage))
        for action in permission.actions
    }


def test_without_destinations_nothing_is_told() -> None:
    assert allowed({}) == {}


def test_each_kind_needs_its_own_and_nothing_else() -> None:
    assert allowed({"a": declared(BUS)}) == {"events:PutEvents": {"arn::events:::event-bus/care"}}
    assert allowed({"a": declared(TASK)}) == {
        "connect:StartTaskContact": {
            f"arn::connect:::instance/{INSTANCE}/contact/*",
            f"arn::connect:::instance/{INSTANCE}/contact-flow/{FLOW}",
        }
    }
    assert allowed({"a": declared(WEBHOOK), "b": declared(WEBHOOK)}) == {
        "secretsmanager:GetSecretValue": {
            "arn::secretsmanager:::secret:stepwell-local-webhook-key-??????"
        }
    }


def test_a_stage_may_tell_what_is_declared_for_it_alone() -> None:
    documents = {"a": declared(TASK, dev=BUS)}
    assert allowed(documents, Stage.DEV).keys() == {"events:PutEvents"}
    assert allowed(documents, Stage.PROD).keys() == {"connect:StartTaskContact"}


def test_a_stage_that_there_is_not_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"destinations.yaml has stages .*: production"):
        destinations({"a": declared(BUS, production=BUS)}, Names(Stage.PROD))


@pytest.mark.parametrize("target", [BUS, TASK, WEBHOOK])
def test_stages_of_tests_hold_handlers_to_the_same(target: dict[str, Any]) -> None:
    documents = {"a": declared(target)}
    assert {action for action, _ in told_by(documents)} == allowed(documents).keys()
