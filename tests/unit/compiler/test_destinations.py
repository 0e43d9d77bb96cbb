"""`destinations.yaml`: what is read, and everything that is wrong with it, at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.handover.destinations import (
    ConnectTask,
    Destination,
    EventBus,
    Webhook,
    load_destinations,
)
from stepwell.journeys.compiler.destinations import FILE, read_destinations

INSTANCE = "11111111-2222-3333-4444-555555555555"
FLOW = "66666666-7777-8888-9999-000000000000"
GOOD = f"""\
destinations:
  helpdesk:
    webhook: {{url: "https://helpdesk.example.com/hooks/stepwell", timeout: 3s}}
    include: [user_id, traits.first_name]
    stages:
      dev: {{event_bus: {{}}}}
      local: {{webhook: {{url: "http://localhost:9000/"}}}}
  agents:
    connect_task:
      instance: {INSTANCE}
      flow: {FLOW}
      task: Somebody asks for help
      references: {{profile: "https://admin.example.com/customers/{{customer}}"}}
"""


def read(root: Path, text: str) -> tuple[dict[str, object], list[tuple[str, int, str]]]:
    (root / "statemachines").mkdir(exist_ok=True)
    (root / FILE).write_text(text)
    document, problems = read_destinations(root)
    return document, [(each.code, each.place.line, each.message) for each in problems]


def test_without_the_file_there_are_none(tmp_path: Path) -> None:
    assert read_destinations(tmp_path) == ({}, [])


def test_each_stage_has_its_own_target(tmp_path: Path) -> None:
    document, problems = read(tmp_path, GOOD)
    assert problems == []
    text = json.dumps(document)
    included = ("user_id", "traits.first_name")
    helpdesk = {
        stage: load_destinations(text, stage)["helpdesk"] for stage in ("dev", "local", "prod")
    }
    assert helpdesk == {
        "dev": Destination("helpdesk", EventBus("default", "stepwell", "Hand-over"), included),
        "local": Destination("helpdesk", Webhook("http://localhost:9000/", 5), included),
        "prod": Destination(
            "helpdesk", Webhook("https://helpdesk.example.com/hooks/stepwell", 3), included
        ),
    }
    references = {"profile": "https://admin.example.com/customers/{customer}"}
    assert load_destinations(text, "prod")["agents"] == Destination(
        "agents", ConnectTask(INSTANCE, FLOW, "Somebody asks for help", references), ()
    )


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    _, problems = read(
        tmp_path,
        """\
destinations:
  Help Desk:
    event_bus: {source: aws.mine, bus: "arn:aws:events:x"}
  two: {event_bus: {}, webhook: {url: https://a.example}}
  none: {include: [traits.email, password, traits.]}
  agents: {connect_task: {instance: mine, flow: "", task: T, references: {a: "{email}"}}}
  slow: {webhook: {url: "https://a.example/b", timeout: 30s}}
  odd: {event_bus: {}, stages: {Prod!: {event_bus: {}}}}
""",
    )
    assert sorted((line, code) for code, line, _ in problems) == [
        (2, "SW1031"),
        (3, "SW1032"),
        (3, "SW1032"),
        (4, "SW1030"),
        (5, "SW1030"),
        (5, "SW1034"),
        (5, "SW1034"),
        (6, "SW1033"),
        (6, "SW1033"),
        (7, "SW1035"),
        (8, "SW1031"),
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://a.example/hooks", "only https"),
        ("http://localhost:9000/", "only https"),
        ("ftp://a.example", "only https"),
        ("https://user:secret@a.example/", "a user or a password"),
        ("https:///hooks", "names no host"),
        ("https://a.example/#part", "a fragment"),
        ("https://a.example/a b", "no address has"),
        ("https://[::1", "is no address"),
        ("https://a.example/" + "b" * 2000, "over 2000 characters"),
    ],
)
def test_an_address_that_nothing_is_sent_to(tmp_path: Path, url: str, said: str) -> None:
    _, problems = read(tmp_path, f"destinations: {{a: {{webhook: {{url: {json.dumps(url)}}}}}}}")
    assert [code for code, _, _ in problems] == ["SW1035"]
    assert said in problems[0][2]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "SW102"), ("destinations: []", "SW103"), ("a: {", "SW100"), ("goals: {}", "SW101")],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, code: str) -> None:
    _, problems = read(tmp_path, text)
    assert code in [each for each, _, _ in problems]
