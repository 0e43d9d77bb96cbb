"""The command line: what it prints, and that bad input never ends in a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.cli.main import main
from tests.support.journey_projects import write_project

JOURNEY = """\
journey: greeting
purpose: marketing
entry: {event: Began, where: "event.properties.amount > 1.0"}
exit: [{event: Left}]
goal: {event: Acted, within: 2d}
steps:
  - hold:
      name: Wait a while
      for: 45m
      until: [{event: Began, then: restart}, {event: Acted, then: exit}]
  - message: {name: Hello, channels: [sms, email], template: hello}
  - delay: {name: Until Monday, until: "09:00 local", weekdays: [mon]}
  - delay: {name: Two days, for: 2d}
  - split:
      name: Large?
      branches: [{name: It is, when: enrollment.event.properties.amount > 9.0, then: exit}]
  - message: {name: Bye, channels: [push], template: hello}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path, {"greeting": JOURNEY})


def test_check_sums_up_a_sound_project(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "greeting" in said
    assert "enters on Began, 2 messages" in said
    assert "1 journey, no problems, 1 warning." in said


def test_check_prints_problems_and_fails(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "statemachines" / "journeys" / "greeting" / "journey.yaml"
    path.write_text(JOURNEY.replace("Began,", "Begun,"))
    assert main(["check", "--root", str(root)]) == 1
    said = capsys.readouterr().err
    assert "journey.yaml:3: SW501 at entry.event: there is no event 'Begun'" in said
    assert 'Did you mean "Began"?' in said
    assert main(["check", "--root", str(root), "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)
    assert {(each["code"], each["line"], each["path"]) for each in problems} >= {
        ("SW501", 3, "entry.event")
    }


def test_compile_prints_the_machine_or_the_program(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", "greeting", "--root", str(root)]) == 0
    machine = json.loads(capsys.readouterr().out)
    assert machine["StartAt"] == "Wait a while"
    assert main(["compile", "greeting", "--program", "--root", str(root)]) == 0
    assert json.loads(capsys.readouterr().out)["journey"] == "greeting"


def test_compile_check_fails_until_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--check", "--root", str(root)]) == 1
    assert "stepwell compile --write" in capsys.readouterr().err
    assert main(["compile", "--write", "--root", str(root)]) == 0
    assert main(["compile", "--check", "--root", str(root)]) == 0
    committed = root / "statemachines" / "journeys" / "greeting" / "journey.asl.json"
    committed.write_text(committed.read_text().replace("2700", "2701"))
    assert main(["compile", "--check", "--root", str(root)]) == 1


def test_unknown_journey_lists_those_there_are(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", "greting", "--root", str(root)]) == 2
    said = capsys.readouterr().err
    assert "there is no journey 'greting'" in said
    assert 'Did you mean "greeting"?' in said


def test_folder_without_project_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--root", str(tmp_path)]) == 2
    assert "statemachines/journeys" in capsys.readouterr().err


def test_project_is_found_from_any_of_its_folders(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root / "statemachines" / "journeys" / "greeting" / "templates")
    assert main(["check"]) == 0


def test_graph_reads_like_the_journey(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "greeting", "--root", str(root)]) == 0
    assert capsys.readouterr().out == GRAPH


def test_help_answers_without_the_compiler() -> None:
    code = (
        "import sys\nfrom stepwell.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'pydantic', 'ruamel', 'celpy', 'liquid'} & {*sys.modules}\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


GRAPH = """\
flowchart TD
    enter(["Began, if event.properties.amount &gt; 1.0<br>once"]) --> step_wait_a_while
    step_wait_a_while{{"Wait a while<br>hold, at most 45m"}}
    step_wait_a_while -->|"Began: again"| step_wait_a_while
    step_wait_a_while -->|"Acted"| done
    step_wait_a_while -->|"nothing for 45m"| step_hello
    step_hello["Hello<br>marketing: sms, else email"]
    step_hello --> step_until_monday
    step_until_monday(["Until Monday<br>wait until 09:00 local, Monday"])
    step_until_monday --> step_two_days
    step_two_days(["Two days<br>wait 2d"])
    step_two_days --> step_large
    step_large{"Large?"}
    step_large -->|"It is<br>enrollment.event.properties.amount &gt; 9.0"| done
    step_large -->|"otherwise"| step_bye
    step_bye["Bye<br>marketing: push"]
    step_bye --> done
    done([Completed])
    anywhere[/"In any step: Left"/] --> left([Exited])
    goal{{"Goal: Acted within 2d"}}
"""
