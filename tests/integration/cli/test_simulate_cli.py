"""`stepwell simulate` as it is called: what it prints, writes and answers."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stepwell.cli import main
from stepwell.simulation.never import Broken, Rule
from stepwell.simulation.report import files, tally
from tests.support.reports import copied_project

FEW = ("onboarding", "--customers", "60", "--days", "10")
POLICIES = Path("statemachines/policies.yaml")
NO_CAPS = """\
purposes:
  marketing: {consent: required, capped: true, after_unknown_outcome: drop}
  service: {consent: required, capped: false, after_unknown_outcome: drop}
  transactional: {consent: assumed, capped: false, after_unknown_outcome: resend}
"""


def simulate(*words: object) -> int:
    try:
        return main.main(["simulate", *map(str, words)])
    except SystemExit as ended:  # argparse
        return int(ended.code or 0)


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_prints_a_report_and_writes_page_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    assert simulate(*FEW, "--html", page, "--json", data) == 0
    shown = capsys.readouterr()
    assert "Simulation of onboarding" in shown.out
    assert "60 customers of statemachines/population.yaml" in shown.out
    assert shown.err.splitlines() == ["Simulating 60 customers of statemachines/population.yaml …"]
    assert json.loads(data.read_text())["customers"] == 60
    assert page.read_text().startswith("<!doctype html>")
    assert written(tmp_path) == ["report.html", "report.json"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert simulate(*FEW, "--seed", seed, "--html", tmp_path / name) == 0
    texts = [(tmp_path / name).read_bytes() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]
    outputs = capsys.readouterr().out.split("Simulation of ")[1:]
    assert outputs[0] == outputs[1] != outputs[2]


def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    for workers in (1, 2):
        words = ("onboarding", "--customers", "1200", "--days", "8", "--workers", workers)
        assert simulate(*words, "--json", tmp_path / f"{workers}.json") == 0
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_json_to_standard_output_is_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(*FEW, "--start", "2026-03-01", "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["start"] == "2026-03-01T00:00:00.000Z"
    assert document["settings"]["until"] == "2026-03-11T00:00:00.000Z"
    assert document["settings"]["seed"] == 1


def test_without_names_all_journeys_are_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--customers", "10", "--json", "-") == 0
    names = [each["journey"] for each in json.loads(capsys.readouterr().out)["journeys"]]
    assert names == sorted(path.name for path in Path("statemachines/journeys").iterdir())


def test_events_are_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[dict[str, object]] = [
        {"type": "identify", "userId": "ada", "traits": {"email": "ada@example.com"}},
        {"type": "track", "userId": "ada", "event": "Trial Started"},
    ]
    times = ["2026-11-02T09:00:00Z", "2026-11-03T09:00:00Z"]
    lines = [json.dumps(call | {"timestamp": at}) for call, at in zip(calls, times, strict=True)]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(lines) + "\n")
    assert simulate("onboarding", "--events", file, "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["customers"], document["events"]) == (1, 2)
    assert document["journeys"][0]["endings"] == [
        {"outcome": "completed", "reason": "", "count": 1}
    ]
    assert simulate("onboarding", "--events", file, "--cut", "--json", "-") == 0
    (leaving,) = json.loads(capsys.readouterr().out)["journeys"][0]["leavings"]
    assert leaving["outcome"] == "running"


# ---------------------------------------------------------------- what must never happen


def test_what_must_never_happen_is_listed_and_answers_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Broken(
        Rule.QUIET_HOURS, "c7", "onboarding", "Nudge", datetime(2026, 11, 3, tzinfo=UTC), "at 23:00"
    )
    monkeypatch.setattr(tally, "find_broken", lambda _: [broken] * 150)
    page = tmp_path / "report.html"
    assert simulate(*FEW, "--html", page) == 1
    shown = capsys.readouterr().out
    assert "150 things happened that must never happen" in shown
    assert str(broken) in shown
    assert "at 23:00" in page.read_text()


# ---------------------------------------------------------------- bad input


def _broken_line(folder: Path) -> list[object]:
    file = folder / "events.jsonl"
    good = '{"type": "track", "userId": "a", "event": "X", "timestamp": "2026-11-02T09:00:00Z"}'
    file.write_text(f"{good}\n{{broken\n")
    return ["onboarding", "--events", file]


def _out_of_order(folder: Path) -> list[object]:
    file = folder / "events.jsonl"
    line = '{"type": "track", "userId": "a", "event": "X", "timestamp": "2026-11-0%sT09:00:00Z"}\n'
    file.write_text(line % 3 + line % 2)
    return ["onboarding", "--events", file]


def _refused_later(folder: Path) -> list[object]:
    """What only the second reading finds, when the first part has been played."""
    file = folder / "events.jsonl"
    line = {"type": "track", "userId": "a", "timestamp": "2026-11-02T09:00:00Z"}
    file.write_text(json.dumps(line) + "\n")
    return ["onboarding", "--events", file]


def _wrong_policies(folder: Path) -> list[object]:
    file = folder / "policies.yaml"
    file.write_text("purposes:\n  marketing: {consent: maybe}\n")
    return [*FEW, "--policies", file]


def _wrong_version(folder: Path) -> list[object]:
    shutil.copytree("statemachines/journeys/onboarding", folder / "version")
    file = folder / "version" / "journey.yaml"
    file.write_text(file.read_text().replace("for: 3d", "for: 3x"))
    return [*FEW, "--compare", file]


def _wrong_template(folder: Path) -> list[object]:
    shutil.copytree("statemachines/journeys/onboarding", folder / "version")
    template = folder / "version" / "templates" / "first_nudge.yaml"
    template.write_text(template.read_text() + "fax: {body: Hello}\n")
    return [*FEW, "--compare", folder / "version" / "journey.yaml"]


BAD: dict[str, tuple[Any, str]] = {
    "unknown journey": (lambda _: ["onbording"], 'Did you mean "onboarding"?'),
    "two sources": (lambda _: ["--customers", "5", "--events", "x"], "not allowed with"),
    "no customers": (lambda _: ["--customers", "0"], "no whole number above 0"),
    "no date": (lambda _: ["--start", "soon"], "not a date; write one like 2026-11-02"),
    "no year": (lambda _: ["--start", "9999-12-20"], "not in the years 1970 to 2200"),
    "too long": (lambda _: ["--days", "9999999"], "9999999 are too many; 3,660 are the most"),
    "no events file": (lambda f: ["--events", f / "none.jsonl"], "none.jsonl: cannot be read"),
    "broken line": (_broken_line, "events.jsonl:2: "),
    "out of order": (_out_of_order, "events.jsonl:2: its timestamp is before"),
    "refused by the API": (_refused_later, "events.jsonl:1: event"),
    "start of real events": (
        lambda f: [*_out_of_order(f), "--start", "2026-01-01"],
        "--start is about made-up customers",
    ),
    "wrong policies": (_wrong_policies, "policies.yaml:2: purposes.marketing.consent"),
    "no policies": (lambda f: [*FEW, "--policies", f / "none.yaml"], "none.yaml: cannot be read"),
    "no population": (lambda f: [*FEW, "--population", f / "none.yaml"], "none.yaml:1"),
    "no prices": (lambda f: [*FEW, "--prices", f / "none.yaml"], "none.yaml:1"),
    "no plan": (lambda _: [*FEW, "--plan", "email=gold"], "email has no plan gold"),
    "half a plan": (lambda _: [*FEW, "--plan", "email"], "write channel=plan"),
    "nothing to compare with": (lambda f: [*FEW, "--compare", f / "none"], "there is no"),
    "a folder that is no project": (lambda f: [*FEW, "--compare", f], "it is no project"),
    "neither of both": (
        lambda _: [*FEW, "--compare", "statemachines/population.yaml"],
        "neither policies",
    ),
    "another journey": (
        lambda _: [*FEW, "--compare", "statemachines/journeys/win_back/journey.yaml"],
        "which is not simulated; simulated are: onboarding",
    ),
    "wrong version": (_wrong_version, "version/journey.yaml:19: SW105"),
    "wrong template": (_wrong_template, "version/templates/first_nudge.yaml:"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_says_what_is_wrong_and_leaves_nothing_behind(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, said = BAD[case]
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    outputs.mkdir()
    kept = outputs / "report.html"
    kept.write_text("the report of yesterday")
    words = make(inputs)
    assert simulate(*words, "--html", kept, "--json", outputs / "report.json") == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert written(outputs) == ["report.html"]
    assert kept.read_text() == "the report of yesterday"


@pytest.mark.parametrize(
    ("place", "said"), [("none/report.html", "there is no folder"), (".", "is a folder")]
)
def test_places_are_checked_before_the_work(
    place: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(*FEW, "--html", tmp_path / place) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "Simulating" not in shown


def test_when_one_file_cannot_be_written_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    page.write_text("old")
    write = files._write_beside

    def full(file: Path, text: str) -> Path:
        if file == data:
            raise OSError(28, "No space left on device", str(file))
        return write(file, text)

    monkeypatch.setattr(files, "_write_beside", full)
    assert simulate(*FEW, "--html", page, "--json", data) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert written(tmp_path) == ["report.html"]
    assert page.read_text() == "old"


def test_an_interrupt_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> list[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(tally, "find_broken", interrupt)
    assert simulate(*FEW, "--html", tmp_path / "report.html") == 130
    assert written(tmp_path) == []


# ---------------------------------------------------------------- comparing


def compared(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert simulate(*words, "--json", "-") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_same_policies_make_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    document = compared(capsys, *FEW, "--compare", POLICIES)
    assert document["differences"] == []
    assert document["compared"] > 20
    assert document["second"]["settings"]["label"] == str(POLICIES)


def test_a_journey_compared_with_itself_makes_no_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = "statemachines/journeys/onboarding/journey.yaml"
    assert compared(capsys, *FEW, "--compare", file)["differences"] == []


def test_without_caps_more_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "loose.yaml"
    file.write_text(NO_CAPS)
    words = ("cart_abandonment", "--customers", "120", "--compare", file)
    document = compared(capsys, *words)
    found = {(each["section"], each["name"]): each for each in document["differences"]}
    sent = found["all", "messages sent"]
    assert sent["second"] > sent["first"] > 0
    assert found["cart_abandonment", "Stylist suggestion: deferred, quiet hours"]["second"] == 0
    assert ("cart_abandonment", "entries") not in found


def test_another_version_is_compiled_in_the_place_of_its_namesake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("statemachines/journeys/onboarding/journey.yaml").read_text()
    file = tmp_path / "sooner.yaml"
    file.write_text(text.replace("for: 3d", "for: 2d"))
    document = compared(capsys, "onboarding", "--customers", "200", "--compare", file)
    found = {each["name"]: each for each in document["differences"]}
    times = found["Wait for the first action → First nudge, median time"]
    assert (times["first"], times["second"]) == (3 * 86_400, 2 * 86_400)
    versions = [document[side]["settings"]["journeys"] for side in ("first", "second")]
    assert versions[0] != versions[1]


def test_another_project_brings_its_journeys_and_its_policies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied_project(
        tmp_path,
        {
            "journeys/onboarding/journey.yaml": ("for: 3d", "for: 1d"),
            "policies.yaml": ("max_asks: 12", "max_asks: 11"),
        },
    )
    document = compared(capsys, *FEW, "--compare", root)
    sides = [document[side]["settings"] for side in ("first", "second")]
    assert sides[0]["policies"] != sides[1]["policies"]
    assert sides[0]["journeys"] != sides[1]["journeys"]


def test_the_page_of_a_comparison_shows_both(tmp_path: Path) -> None:
    file, page = tmp_path / "loose.yaml", tmp_path / "page.html"
    file.write_text(NO_CAPS)
    words = ("cart_abandonment", "--customers", "60", "--compare", file, "--html", page)
    assert simulate(*words) == 0
    text = page.read_text()
    assert text.count("The way through cart_abandonment") >= 2
    assert "What differs" in text
