"""What `stepwell simulate` says of journeys in which something is amiss, and how it groups it."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stepwell.cli import main
from tests.support.journey_projects import HELLO, write_project

RENEWAL = """\
journey: renewal
purpose: service
entry: {event: Began}
exit:
  - event: Left
steps:
  - delay: {name: Renewal day, until: {date: customer.traits.renewal_date}}
"""
NO_SUCH_KEY = "renewal_day: customer.traits.renewal_date: no such key"


def project(folder: Path, journeys: dict[str, str]) -> Path:
    root = write_project(folder / "project", journeys, templates={})
    for name, text in journeys.items():
        if "template: hello" in text:
            file = root / "statemachines" / "journeys" / name / "templates" / "hello.yaml"
            file.write_text(HELLO)
    shutil.copy("statemachines/send_message.asl.json", root / "statemachines")
    return root


def events_file(folder: Path, customers: int = 3, **properties: Any) -> Path:
    """Each customer tells an email address, and begins."""
    calls: list[dict[str, Any]] = []
    for number in range(customers):
        sender = {"userId": f"user-{number}", "timestamp": f"2026-11-02T09:00:{number:02}Z"}
        traits = {"email": f"{number}@example.com"}
        calls.append({"type": "identify", "traits": traits} | sender)
        calls.append({"type": "track", "event": "Began", "properties": properties} | sender)
    file = folder / "events.jsonl"
    file.write_text("".join(f"{json.dumps(call)}\n" for call in calls))
    return file


class Simulated:
    """One call of `stepwell simulate` on events: its exit code, what it printed and wrote."""

    def __init__(self, folder: Path, root: Path, *words: object) -> None:
        self._page, self._data = folder / "page.html", folder / "data.json"
        told: Sequence[object] = ("simulate", "--root", root, *words)
        self.code = main.main(
            [*map(str, told), "--html", str(self._page), "--json", str(self._data)]
        )

    @property
    def page(self) -> str:
        return self._page.read_text()

    @property
    def data(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._data.read_text())
        return document


def test_failed_runs_are_grouped_and_say_what_was_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"renewal": RENEWAL})
    found = Simulated(tmp_path, root, "--events", events_file(tmp_path))
    assert found.code == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 things happened that must never happen" in shown
    assert "3 times, first: failed: 2026-11-02T09:00:00.000Z · user-0 · renewal ·" in shown
    assert NO_SUCH_KEY in shown
    assert "user-1 · renewal" not in shown
    assert "3 times, first: failed" in found.page
    assert f"Renewal day: {NO_SUCH_KEY}" in found.page
    (group,) = found.data["broken_groups"]
    assert group["first"] == found.data["broken"][0]
    assert {name: group[name] for name in ("rule", "journey", "step", "reason", "count")} == {
        "rule": "failed",
        "journey": "renewal",
        "step": "Renewal day",
        "reason": NO_SUCH_KEY,
        "count": 3,
    }
    assert len(found.data["broken"]) == found.data["broken_count"] == 3


GREETING = """\
journey: greeting
purpose: service
entry: {event: Began}
exit:
  - event: Left
goal: {event: Acted, within: 5d}
steps:
  - message: {name: Ask, channels: [email], template: hello}
"""
LONELY = """\
journey: lonely
purpose: service
entry: {event: Began, where: event.properties.amount > 100}
exit:
  - event: Left
steps:
  - delay: {name: A day, for: 1d}
"""
UNHEARD = LONELY.replace("lonely", "unheard").replace(
    "{event: Began, where: event.properties.amount > 100}", "{event: Acted}"
)


def test_what_is_worth_a_look_stands_at_the_top_and_changes_no_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"greeting": GREETING, "lonely": LONELY, "unheard": UNHEARD})
    found = Simulated(tmp_path, root, "--events", events_file(tmp_path, amount=5))
    assert found.code == 0
    expected = [
        '3 messages of "Ask" in greeting failed: missing variable event.properties.word (in text)',
        'the exit event "Left" of greeting never occurred in the input',
        'the goal event "Acted" of greeting never occurred in the input',
        'nobody entered lonely: its entry event "Began" was applied 3 times; look at its where',
        'the exit event "Left" of lonely never occurred in the input',
        'nobody entered unheard: its entry event "Acted" never occurred',
        'the exit event "Left" of unheard never occurred in the input',
    ]
    notices = found.data["notices"]
    assert [each["said"] for each in notices] == expected
    assert notices[0] == {
        "kind": "messages_failed",
        "journey": "greeting",
        "step": "Ask",
        "event": "",
        "count": 3,
        "said": expected[0],
    }
    head = capsys.readouterr().out.partition("───")[0]
    page = html.unescape(found.page).partition("<section")[0]
    for said in expected:
        assert said in head
        assert said in page


def test_warnings_of_functions_are_told_at_the_top(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"lonely": LONELY})
    found = Simulated(tmp_path, root, "--events", events_file(tmp_path))
    assert found.code == 0
    assert "3 warnings that the functions would log, first: 2026-" in capsys.readouterr().out
    assert [each["kind"] for each in found.data["notices"]][-1] == "warnings"


def test_where_all_is_well_nothing_is_worth_a_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = GREETING.replace("Left", "Began").replace("Acted", "Began")
    root = project(tmp_path, {"greeting": fine})
    found = Simulated(tmp_path, root, "--events", events_file(tmp_path, word="you"))
    assert found.data["notices"] == []
    assert "Worth a look" not in capsys.readouterr().out + found.page


# ---------------------------------------------------------------- a journey that one side lacks


def _branch(folder: Path, journeys: dict[str, str]) -> Path:
    folder.mkdir()
    return project(folder, journeys)


NEW = GREETING.replace("greeting", "newcomer")
DROPPED = UNHEARD.replace("unheard", "dropped")


def test_a_new_journey_is_compared_with_the_branch_that_lacks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"greeting": GREETING, "newcomer": NEW})
    before = _branch(tmp_path / "before", {"greeting": GREETING, "dropped": DROPPED})
    events = events_file(tmp_path, word="you")
    found = Simulated(tmp_path, root, "--events", events, "--compare", before)
    assert found.code == 0
    shown = capsys.readouterr().out
    assert "Comparison of dropped, greeting, newcomer" in shown
    assert "dropped: not there in the first" in shown
    assert "newcomer: not there in the second" in shown
    assert re.search(r"entries +3 +not there +-", shown)
    document = found.data
    assert (document["only_first"], document["only_second"]) == (["newcomer"], ["dropped"])
    sides = {(each["section"], each["name"]): each for each in document["differences"]}
    assert sides["all", "messages sent"]["first"] == 6
    assert sides["all", "messages sent"]["second"] == 3
    assert sides["newcomer", "entries"]["second"] is None
    assert "newcomer: not there in the second" in found.page
    unheard = 'nobody entered dropped: its entry event "Acted" never occurred'
    assert unheard in shown.partition("In the second:")[2].partition("───")[0]
    assert unheard in html.unescape(found.page).partition("second: Worth a look:")[2]
    assert "<h3>second: not there</h3>" in found.page


@pytest.mark.parametrize("named", ["newcomer", "dropped"])
def test_a_named_journey_that_one_side_lacks_takes_part_on_the_other(
    named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"greeting": GREETING, "newcomer": NEW})
    before = _branch(tmp_path / "before", {"greeting": GREETING, "dropped": DROPPED})
    events = events_file(tmp_path, word="you")
    found = Simulated(tmp_path, root, named, "--events", events, "--compare", before)
    assert found.code == 0
    assert {
        each for side in ("first", "second") for each in found.data[side]["settings"]["journeys"]
    } == {named}
    lacking = "second" if named == "newcomer" else "first"
    assert f"{named}: not there in the {lacking}" in capsys.readouterr().out


def test_a_named_journey_that_both_sides_lack_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, {"greeting": GREETING})
    before = _branch(tmp_path / "before", {"greeting": GREETING})
    words = ["simulate", "--root", root, "grating", "--compare", before]
    assert main.main([*map(str, words)]) == 2
    assert "there is no journey 'grating'. Did you mean \"greeting\"?" in capsys.readouterr().err


def test_one_customer_is_no_customers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, {"greeting": GREETING})
    events = events_file(tmp_path, customers=1, word="you")
    Simulated(tmp_path, root, "--events", events)
    assert f"1 customer of {events}" in " ".join(capsys.readouterr().err.split())


def test_days_beyond_the_end_of_a_file_end_with_its_last_call(tmp_path: Path) -> None:
    root = project(tmp_path, {"greeting": GREETING})
    events = events_file(tmp_path, word="you")
    found = Simulated(tmp_path, root, "--events", events, "--days", 400)
    assert found.data["settings"]["until"] == "2026-11-02T09:00:02.000Z"


def test_a_journey_that_lets_nobody_in_any_more_is_not_missed(tmp_path: Path) -> None:
    root = project(tmp_path, {"unheard": UNHEARD + "status: draining\n"})
    found = Simulated(tmp_path, root, "--events", events_file(tmp_path))
    assert [each["kind"] for each in found.data["notices"]] == ["event_never_occurred"]
