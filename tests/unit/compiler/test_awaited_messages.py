"""A hold that waits for what becomes of a message: compiled to the event, about that message."""

from __future__ import annotations

import json
from pathlib import Path

from stepwell.journeys.compiler.compilation import compile_journey
from stepwell.journeys.compiler.graph import mermaid
from stepwell.journeys.program import Hold, canonical, load_program
from tests.support.journey_projects import only_subject, write_project

JOURNEY = """\
journey: greeting
purpose: service
entry: {event: Began}
steps:
  - message: {name: Hello, channels: [email, sms], template: hello}
  - hold:
      name: A day for the email
      for: 24h
      until:
        - {message: Hello, is: clicked, then: exit}
        - {message: Hello, is: opened}
        - {event: Acted, then: exit}
"""


def test_each_branch_is_an_event_about_the_message(tmp_path: Path) -> None:
    compiled = compile_journey(only_subject(write_project(tmp_path, {"greeting": JOURNEY})))
    hold = load_program(canonical(compiled.program)).steps["a_day_for_the_email"]
    assert isinstance(hold, Hold)
    assert [(each.id, each.event, each.message) for each in hold.branches] == [
        ("hello_clicked", "Message Clicked", "hello"),
        ("hello_opened", "Message Opened", "hello"),
        ("acted", "Acted", None),
    ]


def test_a_branch_of_an_event_is_written_as_before(tmp_path: Path) -> None:
    """Or every journey there is would get a new version."""
    compiled = compile_journey(only_subject(write_project(tmp_path, {"greeting": JOURNEY})))
    branches = compiled.program["steps"][1]["branches"]
    assert ["message" in each for each in branches] == [True, True, False]
    assert json.dumps(compiled.machine).count("hello_clicked") > 0


def test_the_graph_names_the_message(tmp_path: Path) -> None:
    subject = only_subject(write_project(tmp_path, {"greeting": JOURNEY}))
    assert "Hello: Message Opened" in mermaid(subject.journey)
