"""S11 as scenarios of a project: a frustrated chat pauses promotions, and a human is asked; "Let me
think about it" suppresses the automatic push.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from stepwell.cli import main
from stepwell.events.model import Event, to_message
from stepwell.journeys.compiler.project import read_project
from stepwell.simulation.defining import define
from stepwell.simulation.engine import Simulation
from stepwell.simulation.scenarios.comparison import compare
from stepwell.simulation.scenarios.facts import facts_of
from stepwell.simulation.scenarios.model import Expected
from stepwell.simulation.scenarios.reader import read_scenarios, surroundings
from stepwell.simulation.scenarios.running import Runner, introduction
from tests.integration.scenarios.test_scenarios_on_moto import plain
from tests.support.scenario_projects import copy_shipped
from tests.support.stage import Stage

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
# Who is frustrated hears at once that somebody takes care; a human is asked, and they are called
# back unless answered.
journey: rescue
purpose: service
entry:
  event: Signal Detected
  where: event.properties.signal == "urgency" && event.properties.value == "high"
  reentry: {after: 1d}
steps:
  - message: {name: We are on it, channels: [push], template: rescue}
  - hand_over:
      name: Ask a human
      to: helpdesk
      reason: A customer waits for help
      otherwise: continue
  - hold:
      name: Wait for an answer of the team
      for: 30m
      until: [{event: Message Answered, then: exit}]
  - message: {name: We call you, channels: [push], template: rescue}
"""
DESTINATIONS = "destinations: {helpdesk: {event_bus: {}}}"
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
      - {{at: Tue 14:20, handed_over: Ask a human, to: helpdesk, journey: rescue}}
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
      - {at: Tue 14:20, handed_over: Ask a human, to: helpdesk, journey: rescue}
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
      - {at: Mon 14:20, handed_over: Ask a human, to: helpdesk, journey: rescue}
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
    (tmp_path / "statemachines" / "destinations.yaml").write_text(DESTINATIONS, encoding="utf-8")
    path = tmp_path / "statemachines" / "journeys" / "rescue" / "scenarios.yaml"
    path.write_text(SCENARIOS + chats + OTHERS, encoding="utf-8")
    return tmp_path


def test_the_scenarios_of_a_frustrated_chat_hold(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["test", "--root", str(project)]) == 0, capsys.readouterr()
    assert f"{len(FRUSTRATED) + 5} " in capsys.readouterr().out


def test_the_same_happens_on_moto(project: Path) -> None:
    read = read_project(project)
    scenarios, problems = read_scenarios(project, ["rescue"], surroundings(read, project))
    assert not problems
    [scenario] = [each for each in scenarios if each.name.startswith("A message that")]
    start = scenario.calls[0].at - timedelta(minutes=1)
    with Stage(start, json.loads(scenario.policies), project=project) as stage:
        for person in scenario.people.values():
            for event in introduction(person, start):
                take(stage, event)
        for call in scenario.calls:
            stage.engine.run_until(call.at)
            take(stage, call.event)
        stage.engine.run_until_idle()
        definitions = Runner(define(read, project)).definitions_of(scenario)
        seen = Simulation(definitions, scenario.calls[0].at, store=stage.store)
        for user in scenario.people:
            seen.trace.customers[stage.customer(user)] = None
        happened = [plain(fact) for fact in facts_of(seen)]
    expected = [Expected(plain(each.fact), each.place) for each in scenario.expected]
    assert compare(expected, happened) == []


def take(stage: Stage, event: Event) -> None:
    """The event reaches the router, and so does what the router tells because of it."""
    assert stage.route([to_message(event)]) == {"batchItemFailures": []}
    stage.deliver()
    stage.engine.settle()
