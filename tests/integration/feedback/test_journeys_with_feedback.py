"""Journeys that react to what became of a message: branches on it, and channels one after another.

On moto, with the real handlers; and the branch once more in the simulator, by scenarios.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.project import Project, read_project
from stepwell.simulation.defining import define
from stepwell.simulation.scenarios.model import Scenario
from stepwell.simulation.scenarios.reader import surroundings
from stepwell.simulation.scenarios.suite import run_scenarios
from tests.support.feedback_stage import about, fallbacks, messages
from tests.support.journey_projects import write_project
from tests.support.scenario_projects import read_text
from tests.support.stage import Stage

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SHIPPED = Path(__file__).parents[3]
BRANCH = """\
journey: news
purpose: service
entry: {event: Began, reentry: always}
steps:
  - message: {name: News, channels: [email], template: hello}
  - hold:
      name: A day for the email
      for: 24h
      until:
        - {message: News, is: clicked, then: exit}
        - message: News
          is: opened
          then:
            - hold:
                name: The rest of the day
                for: 12h
                until: [{message: News, is: clicked, then: exit}]
            - message: {name: Shorter, channels: [push], template: hello}
            - exit
  - message: {name: Another way, channels: [sms], template: hello}
"""
CHANNELS = """\
journey: ladder
purpose: marketing
entry: {event: Began}
steps:
  - message: {name: Hello, channels: [push, sms, email], template: hello}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_project(tmp_path_factory.mktemp("news"), {"news": BRANCH, "ladder": CHANNELS})
    machine = "statemachines/send_message.asl.json"
    (root / machine).write_text((SHIPPED / machine).read_text())
    return root


@pytest.fixture
def stage(project: Path) -> Iterator[Stage]:
    with Stage(NOON, project=project) as stage:
        stage.identify(
            email="ada@example.com", phone="+447700900123", push="t", timezone="Europe/London"
        )
        stage.grant("push", "sms", "email")
        stage.track("Began", word="x")
        yield stage


def of(stage: Stage, journey: str) -> list[tuple[str, str | None, str]]:
    steps = {"news": {"news", "shorter", "another_way"}, "ladder": {"hello"}}[journey]
    decided = [each[1:] for each in stage.decisions()]
    return [(step, channel, outcome) for step, channel, outcome in decided if step in steps]


def told_of_news(stage: Stage, name: str) -> None:
    (news,) = (each for each in messages(stage) if each["step"] == "news")
    stage.tell(about(stage, name, news))


def test_who_opens_and_does_not_click_gets_the_shorter_way(stage: Stage) -> None:
    told_of_news(stage, "email_opened_by_machine")
    stage.engine.run_until(NOON + timedelta(hours=1))
    told_of_news(stage, "email_opened")
    stage.engine.run_until_idle()
    assert of(stage, "news") == [("news", "email", "sent"), ("shorter", "push", "sent")]
    assert stage.engine.clock.now() == NOON + timedelta(hours=13)


def test_who_clicks_gets_nothing_more(stage: Stage) -> None:
    told_of_news(stage, "email_opened")
    told_of_news(stage, "email_clicked")
    stage.engine.run_until_idle()
    assert of(stage, "news") == [("news", "email", "sent")]
    assert stage.enrollment("news")["outcome"] == "completed"


def test_who_does_neither_is_asked_another_way(stage: Stage) -> None:
    told_of_news(stage, "email_opened_by_machine")
    stage.engine.run_until_idle()
    assert of(stage, "news") == [("news", "email", "sent"), ("another_way", "sms", "sent")]


def test_a_disabled_token_a_failed_text_and_then_the_email_are_one_message(project: Path) -> None:
    with Stage(NOON, project=project) as stage:
        sns = stage.engine.client("sns")
        application = sns.list_platform_applications()["PlatformApplications"][0]
        arn = sns.create_platform_endpoint(
            PlatformApplicationArn=application["PlatformApplicationArn"], Token="t"
        )["EndpointArn"]
        sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
        stage.identify(
            email="ada@example.com", phone="+447700900123", push="t", timezone="Europe/London"
        )
        stage.grant("push", "sms", "email")
        stage.track("Began", word="x")
        (message,) = (each for each in messages(stage) if each["step"] == "hello")
        assert of(stage, "ladder") == [("hello", "sms", "sent")]
        failed = about(stage, "sms_unreachable", message)
        stage.tell(failed, times=2)
        stage.engine.run_until(NOON + timedelta(hours=1))
        stage.tell(failed)
        assert of(stage, "ladder") == [("hello", "sms", "sent"), ("hello", "email", "sent")]
        assert len(fallbacks(stage)) == 1
        units = (stage.snapshot().caps or {})["units"]
        assert [(each["channel"], each["state"]) for each in units] == [("email", "confirmed")]


SCENARIOS = """\
scenarios:
  - name: Opened and not clicked
    when:
      - {at: "2026-11-24 12:00", event: Began, properties: {word: x}}
      - {at: "2026-11-24 13:00", message: News, is: opened}
    expect:
      - {at: "2026-11-24 12:00", sent: News, by: email}
      - {at: "2026-11-25 01:00", sent: Shorter, by: push}
      - {at: "2026-11-25 01:00", enrollment: completed}
  - name: Clicked
    when:
      - {at: "2026-11-24 12:00", event: Began, properties: {word: x}}
      - {at: "2026-11-24 13:00", message: News, is: opened}
      - {at: "2026-11-24 13:01", message: News, is: clicked}
    expect:
      - {at: "2026-11-24 12:00", sent: News, by: email}
      - {at: "2026-11-24 13:01", enrollment: completed}
  - name: Neither
    when:
      - {at: "2026-11-24 12:00", event: Began, properties: {word: x}}
      - {at: "2026-11-24 13:00", message: News, is: delivered}
    expect:
      - {at: "2026-11-24 12:00", sent: News, by: email}
      - {at: "2026-11-25 12:00", sent: Another way, by: sms}
      - {at: "2026-11-25 12:00", enrollment: completed}
"""


def read_news(project: Path, text: str) -> tuple[list[Scenario], list[Problem], Project]:
    folder = project / "statemachines" / "journeys" / "news"
    read = read_project(project)
    return *read_text(text, folder, "news", surroundings(read, project)), read


def test_scenarios_say_what_becomes_of_a_message(project: Path) -> None:
    scenarios, problems, read = read_news(project, SCENARIOS)
    assert not problems, "\n".join(map(str, problems))
    results = list(run_scenarios(define(read, project), scenarios))
    assert len(results) == 3
    assert [each.as_json() for each in results if not each.passed] == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{at: Tue 13:00, message: Nws, is: opened}", "SW306"),
        ("{at: Tue 13:00, message: Shorter, is: opened}", "SW307"),
        ("{at: Tue 13:00, message: News, is: read}", "SW103"),
    ],
)
def test_scenarios_that_tell_what_cannot_be_are_refused(
    project: Path, line: str, code: str
) -> None:
    text = SCENARIOS.replace('{at: "2026-11-24 13:00", message: News, is: delivered}', line)
    _, problems, _ = read_news(project, text)
    assert [each.code for each in problems] == [code]
