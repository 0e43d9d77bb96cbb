"""The page about hand-overs: its destinations, its receiver, its scenario."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stepwell.cli.main import main
from stepwell.handover.destinations import ConnectTask, EventBus, Webhook, load_destinations
from stepwell.handover.telling import Reference, told
from stepwell.handover.webhooks import as_text, key_of, signed
from stepwell.journeys.compiler.destinations import read_destinations
from tests.support.scenario_projects import copy_shipped

PAGE = Path("docs/hand-over.md").read_text(encoding="utf-8")


def example(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The page's project."""
    copy_shipped(tmp_path)
    folder = tmp_path / "statemachines" / "journeys" / "recovery"
    (folder / "templates").mkdir(parents=True)
    (tmp_path / "statemachines" / "destinations.yaml").write_text(example("yaml destinations"))
    (folder / "journey.yaml").write_text(example("yaml journey"))
    (folder / "templates" / "hello.yaml").write_text(example("yaml template"))
    return tmp_path


def test_destinations_are_read_for_each_stage(root: Path) -> None:
    document, problems = read_destinations(root)
    assert problems == []
    text = json.dumps(document)
    kinds = {
        stage: {name: type(each.target) for name, each in load_destinations(text, stage).items()}
        for stage in ("prod", "local")
    }
    others = {"agents": ConnectTask, "on_call": EventBus}
    assert kinds == {
        "prod": {"helpdesk": Webhook, **others},
        "local": {"helpdesk": EventBus, **others},
    }


def test_what_is_told_has_the_fields_of_the_example(root: Path) -> None:
    shown = json.loads(example("json"))
    helpdesk = load_destinations(json.dumps(read_destinations(root)[0]), "prod")["helpdesk"]
    made = told(
        Reference(
            customer=shown["customer"]["id"],
            enrollment=shown["enrollment"],
            run=7,
            execution=shown["execution"],
            version=shown["version"],
            step=shown["step"],
        ),
        helpdesk,
        reason=shown["reason"],
        person=shown["customer"]["id"],
        profile={
            "user_id": "ada",
            "traits": json.dumps({"first_name": "Ada", "phone": "+447700900123"}),
            "signals": {"urgency": {"value": "high", "rule": "asap"}},
        },
        asked_at=datetime.fromisoformat(shown["asked_at"]),
    )
    assert made.document == shown


def test_the_receiver_knows_what_is_signed() -> None:
    made: dict[str, Any] = {}
    exec(example("python receiver"), made)  # noqa: S102 - an example of our own
    check, key = made["is_from_stepwell"], key_of("secret", "helpdesk")
    body, now = b'{"id": "x-ask"}', datetime.now(UTC)
    headers = signed([b"newer", key], "x-ask", now, body)
    assert check(headers, body, as_text(key))
    assert not check(headers, body + b" ", as_text(key))
    assert not check(headers, body, as_text(key_of("secret", "agents")))
    assert not check(signed([key], "x-ask", now - timedelta(hours=1), body), body, as_text(key))


def test_the_scenario_holds(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaml = YAML(typ="safe")
    expected = [
        *yaml.load(example("yaml expect")),
        {"at": "Tue 14:00", "sent": "We will call you", "by": "sms"},
        {"enrollment": "active"},
    ]
    scenario = {
        "name": "Nobody takes it",
        **yaml.load(example("yaml given")),
        "when": [{"at": "Tue 14:00", "event": "Trial Started"}],
        "until": "Tue 15:00",
        "expect": expected,
    }
    path = root / "statemachines" / "journeys" / "recovery" / "scenarios.yaml"
    path.write_text(json.dumps({"scenarios": [scenario]}))
    assert main(["test", "--root", str(root)]) == 0, capsys.readouterr().out
