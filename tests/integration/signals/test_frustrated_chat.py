"""S11 as scenarios of a project: a frustrated chat pauses promotions, and a human is asked; "Let me
think about it" suppresses the automatic push.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.cli import main
from tests.support.scenario_projects import copy_shipped

DEMO = """\
# Who has looked at the prices is invited to a demo an hour later.
journey: demo
purpose: marketing
entry: {event: Page Viewed, where: 'event.properties.name == "Pricing"', reentry: always}
steps:
  - delay: {name: An hour later, for: 1h}
  - message: {name: Demo invitation, channels: [push], template: demo}
"""
RESCUE = """\
# Who is frustrated hears at once that somebody takes care, and is called back unless answered.
journey: rescue
purpose: service
entry:
  event: Signal Detected
  where: event.properties.signal == "urgency" && event.properties.value == "high"
  reentry: {after: 1d}
steps:
  - message: {name: We are on it, channels: [push], template: rescue}
  - hold:
      name: Wait for an answer of the team
      for: 30m
      until: [{event: Message Answered, then: exit}]
  - message: {name: We call you, channels: [push], template: rescue}
"""
HOLD = "{purposes: [marketing], segments: [frustrated, open_case, thinking]}"
SCENARIOS = f"""\
given:
  journeys: [demo, rescue]
  policies:
    promotion_hold: {HOLD}
  events:
    Page Viewed: {{name: Pricing}}
    Message Received: {{channel: chat}}

scenarios:
"""
CHATS = """\
  - name: {name}
    when:
      - {{at: Tue 14:00, event: Page Viewed}}
      - {{at: Tue 14:20, event: Message Received, properties: {{text: "{text}"}}}}
      - {{at: Tue 14:30, event: Message Answered}}
    expect:
      - {{at: Tue 14:20, sent: We are on it, by: push, journey: rescue}}
      - {{at: Tue 14:30, enrollment: completed, journey: rescue}}
      - {{at: Tue 15:00, suppressed: Demo invitation, because: promotion_hold, journey: demo}}
      - {{at: Tue 15:00, enrollment: completed, journey: demo}}

"""
OTHERS = """\
  - name: Let me think about it suppresses the automatic push, and calls nobody
    when:
      - {at: Tue 14:00, event: Page Viewed}
      - {at: Tue 14:20, event: Message Received, properties: {text: Let me think about it.}}
    expect:
      - {at: Tue 15:00, suppressed: Demo invitation, because: promotion_hold, journey: demo}
      - {at: Tue 15:00, enrollment: completed, journey: demo}

  - name: A message that sounds bad to a model is as urgent as one that says so
    when:
      - {at: Tue 14:00, event: Page Viewed}
      - {at: Tue 14:20, event: Message Received, properties: {text: It fell apart.}, id: m1}
      - at: Tue 14:20
        event: Sentiment Detected
        properties: {message_event: m1, sentiment: negative, score: 0.93}
      - {at: Tue 14:30, event: Message Answered}
    expect:
      - {at: Tue 14:20, sent: We are on it, by: push, journey: rescue}
      - {at: Tue 14:30, enrollment: completed, journey: rescue}
      - {at: Tue 15:00, suppressed: Demo invitation, because: promotion_hold, journey: demo}
      - {at: Tue 15:00, enrollment: completed, journey: demo}

  - name: Who is not frustrated is invited
    when:
      - {at: Tue 14:00, event: Page Viewed}
      - {at: Tue 14:20, event: Message Received, properties: {text: Thanks for your help!}}
    expect:
      - {at: Tue 15:00, sent: Demo invitation, by: push, journey: demo}
      - {at: Tue 15:00, enrollment: completed, journey: demo}

  - name: A day later promotions go on
    when:
      - {at: Mon 14:20, event: Message Received, properties: {text: Help}}
      - {at: Mon 14:30, event: Message Answered}
      - {at: Tue 13:20, event: Page Viewed}
    expect:
      - {at: Mon 14:20, sent: We are on it, by: push, journey: rescue}
      - {at: Mon 14:30, enrollment: completed, journey: rescue}
      - {at: Tue 14:20, sent: Demo invitation, by: push, journey: demo}
      - {at: Tue 14:20, enrollment: completed, journey: demo}

  - name: An open case holds promotions until it is resolved
    when:
      - {at: Tue 09:00, event: Case Opened, properties: {case_id: one}}
      - {at: Tue 09:30, event: Page Viewed}
      - {at: Tue 11:00, event: Case Resolved, properties: {case_id: one}}
      - {at: Tue 11:30, event: Page Viewed}
    expect:
      - {at: Tue 10:30, suppressed: Demo invitation, because: promotion_hold, journey: demo}
      - {at: Tue 10:30, enrollment: completed, journey: demo}
      - {at: Tue 12:30, sent: Demo invitation, by: push, journey: demo}
      - {at: Tue 12:30, enrollment: completed, journey: demo}
"""
FRUSTRATED = ("I need this ASAP", "please help", "It is not working", "help, ASAP!! NOT WORKING")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy_shipped(tmp_path)
    template = "push: {{title: {0}, body: {0}}}\n"
    for name, text in (("demo", DEMO), ("rescue", RESCUE)):
        folder = tmp_path / "statemachines" / "journeys" / name
        (folder / "templates").mkdir(parents=True)
        (folder / "journey.yaml").write_text(text, encoding="utf-8")
        (folder / "templates" / f"{name}.yaml").write_text(template.format(name), encoding="utf-8")
    chats = "".join(CHATS.format(name=f"Chat {each}", text=each) for each in FRUSTRATED)
    path = tmp_path / "statemachines" / "journeys" / "rescue" / "scenarios.yaml"
    path.write_text(SCENARIOS + chats + OTHERS, encoding="utf-8")
    return tmp_path


def test_the_scenarios_of_a_frustrated_chat_hold(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["test", "--root", str(project)]) == 0, capsys.readouterr()
    assert f"{len(FRUSTRATED) + 5} " in capsys.readouterr().out
