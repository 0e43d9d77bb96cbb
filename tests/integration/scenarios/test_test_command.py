"""`stepwell test`: what it prints and writes, its exit codes, and that it always says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stepwell.cli.main import main
from tests.support.scenario_projects import ROOT, copy_shipped, write_scenarios

JOURNEY = "onboarding"
SCENARIOS = """\
scenarios:
  - name: Acts & gets none
    when:
      - {at: Mon 10:00, event: Trial Started}
      - {at: Tue 10:00, event: First Action}
    expect:
      - {at: Tue 10:00, conversion: First Action}
      - {at: Tue 10:00, enrollment: converted, because: First Action}
  - name: 'Sleeps <in "bed">'
    when:
      - {at: Mon 23:00, event: Trial Started}
    expect:
      - {at: Thu 23:00, sent: First nudge, by: push}
      - {at: week 2 Mon 07:00, sent: Second nudge, by: email}
      - {at: week 2 Mon 07:00, enrollment: completed}
"""
DEFERRED = (
    "        Thu 23:00         deferred    First nudge by push because quiet_hours until Fri 07:00"
    "  [time: push quiet until Fri 07:00; first of push, email]"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    copy_shipped(project, JOURNEY)
    write_scenarios(project, JOURNEY, SCENARIOS)
    return project


def run(root: Path, *words: str) -> int:
    return main(["test", *words, "--root", str(root)])


def test_a_failing_scenario_tells_its_story(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root) == 1
    said = capsys.readouterr().out
    assert "ok    onboarding: Acts & gets none\nFAIL  onboarding: Sleeps" in said
    assert "statemachines/journeys/onboarding/scenarios.yaml:9" in said
    for line in (
        "        times of Europe/London",
        "        Mon 23:00         event       Trial Started",
        "        Mon 23:00         waits       Wait for the first action, at most 3d",
        "        Thu 23:00         time is up  Wait for the first action",
        DEFERRED,
        "      - {at: Thu 23:00, sent: First nudge, by: push}  line 13",
        "      + {at: Thu 23:00, deferred: First nudge, because: quiet_hours, until: Fri 07:00}",
        "      + {at: Fri 07:00, sent: First nudge, by: push}",
    ):
        assert f"\n{line}\n" in said
    assert "First Action" not in said  # the passing one is one line
    assert "2 scenarios, 1 failed, in " in said
    assert "\x1b" not in said  # no colours where nobody sees them


def test_passing_scenarios_are_one_line_each_or_a_story_on_demand(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, JOURNEY, "-k", "GETS none") == 0
    said = capsys.readouterr().out
    assert said.startswith("ok    onboarding: Acts & gets none\n\n1 scenario, all as expected, in ")
    assert run(root, "-k", "acts", "--timeline") == 0
    assert "exits     onboarding, converted, because First Action" in capsys.readouterr().out


def test_json_holds_everything(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--json") == 1
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (document["passed"], document["failed"]) == (1, 1)
    passing, failing = document["scenarios"]
    assert passing["passed"]
    assert passing["differences"] == []
    assert passing["expected"] == passing["happened"]
    assert failing["line"] == 9
    later = "{at: Thu 23:00, deferred: First nudge, because: quiet_hours, until: Fri 07:00}"
    assert failing["differences"] == [
        {
            "expected": "{at: Thu 23:00, sent: First nudge, by: push}",
            "line": 13,
            "happened": later,
        },
        {
            "expected": None,
            "line": None,
            "happened": "{at: Fri 07:00, sent: First nudge, by: push}",
        },
    ]
    assert {"kind": "event", "local": "Mon 23:00", "user": "customer"}.items() <= failing[
        "timeline"
    ][0].items()


def test_junit_is_well_formed(root: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert run(root, "--junit", str(report)) == 1
    suites = ET.parse(report).getroot()  # noqa: S314 - our own
    assert (suites.tag, suites.get("tests"), suites.get("failures")) == ("testsuites", "2", "1")
    (suite,) = suites
    assert suite.get("name") == "onboarding"
    passing, failing = suite
    assert (passing.get("name"), list(passing)) == ("Acts & gets none", [])
    assert failing.get("name") == 'Sleeps <in "bed">'
    (failure,) = failing
    assert "- {at: Thu 23:00, sent: First nudge, by: push}" in str(failure.text)
    assert "+ {at: Fri 07:00, sent: First nudge, by: push}" in str(failure.text)
    assert list(tmp_path.glob(".report.xml*")) == []


def test_junit_that_cannot_be_written_is_an_error(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, "--junit", str(tmp_path / "nowhere" / "report.xml")) == 2
    assert "to write report.xml to" in capsys.readouterr().err


def test_nothing_runs_and_nothing_is_written_when_a_file_is_wrong(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scenarios(root, JOURNEY, SCENARIOS.replace("First nudge", "First nuge"))
    report = tmp_path / "report.xml"
    assert run(root, "--junit", str(report), "--json") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert not report.exists()
    assert "scenarios.yaml:13: SW706" in said.err
    assert 'Did you mean "First nudge"?' in said.err


def test_a_journey_that_does_not_compile_is_an_error(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "statemachines" / "journeys" / JOURNEY / "journey.yaml"
    path.write_text(path.read_text().replace("Trial Started", "Trial Begun"))
    assert run(root) == 2
    assert "there is no event 'Trial Begun'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["onbording"], "there is no journey 'onbording'. Did you mean \"onboarding\"?"),
        (["-k", "nobody"], "no scenario's name contains 'nobody'"),
    ],
)
def test_what_is_not_there_is_an_error(
    words: list[str], said: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, *words) == 2
    assert said in capsys.readouterr().err


def test_a_journey_without_scenarios(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "statemachines" / "journeys" / JOURNEY / "scenarios.yaml").unlink()
    assert run(root, JOURNEY) == 2
    assert "onboarding has no scenarios" in capsys.readouterr().err
    assert run(root) == 2
    assert "no journey has scenarios" in capsys.readouterr().err


def test_check_warns_of_a_journey_without_scenarios(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "statemachines" / "journeys" / JOURNEY / "scenarios.yaml").unlink()
    assert main(["check", "--root", str(root)]) == 0
    said = capsys.readouterr()
    assert "1 journey, no problems, 1 warning." in said.out
    assert "warning: statemachines/journeys/onboarding/journey.yaml:1: SW700" in said.err
    assert main(["check", "--root", str(root), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)
    assert (warning["code"], warning["severity"]) == ("SW700", "warning")


def test_check_does_not_ask_for_scenarios_of_a_draining_journey(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "statemachines" / "journeys" / JOURNEY
    (folder / "scenarios.yaml").unlink()
    text = (folder / "journey.yaml").read_text()
    (folder / "journey.yaml").write_text(f"status: draining\n{text}")
    assert main(["check", "--root", str(root)]) == 0
    said = capsys.readouterr()
    assert "1 journey, no problems.\n" in said.out
    assert said.err == ""


def test_check_reports_what_is_wrong_in_scenarios(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--root", str(root)]) == 0  # one that would fail is no problem of check
    write_scenarios(root, JOURNEY, SCENARIOS.replace("Trial Started", "Trial Startd"))
    assert main(["check", "--root", str(root), "--json"]) == 1
    problems = json.loads(capsys.readouterr().out.split("no problems.\n")[1])
    assert {(each["line"], each["code"], each["severity"]) for each in problems} == {
        (4, "SW501", "error"),
        (11, "SW501", "error"),
    }


def test_only_the_journeys_that_are_needed_have_to_compile(tmp_path: Path) -> None:
    copy_shipped(tmp_path, "cart_abandonment", "post_purchase", "onboarding")
    path = tmp_path / "statemachines" / "journeys" / "onboarding" / "journey.yaml"
    path.write_text("journey: [")
    assert run(tmp_path, "cart_abandonment") == 0
    assert run(tmp_path) == 2


def test_the_same_scenarios_give_the_same_text() -> None:
    """Whatever the process's hash seed is."""
    command = [sys.executable, "-m", "stepwell.cli.main", "test", "--json", "--root", str(ROOT)]
    texts = {
        subprocess.run(
            command, check=True, capture_output=True, env={"PYTHONHASHSEED": seed}, cwd=ROOT
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
