"""Hand-overs in scenarios: destinations that take, refuse or are away, and what is expected."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from stepwell.cli.main import main
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.simulation.engine import Simulation
from stepwell.simulation.scenarios.facts import facts_of
from stepwell.simulation.scenarios.model import Kind
from tests.support.handovers import write_care
from tests.support.scenario_projects import write_scenarios
from tests.support.simulations import MONDAY, Person

GOOD = """\
scenarios:
  - name: Somebody is asked and answers
    when:
      - {at: Tue 14:00, event: Began}
      - {at: Tue 15:00, event: Acted}
    expect:
      - {at: Tue 14:00, handed_over: Ask a human, to: helpdesk}
      - {at: Tue 15:00, enrollment: completed}
  - name: Nobody takes it
    given:
      destinations: {helpdesk: refused}
    when:
      - {at: Tue 14:00, event: Began}
      - {at: Tue 15:00, event: Left}
    expect:
      - {at: Tue 14:00, not_handed_over: ask_a_human, to: helpdesk, because: refused}
      - {at: Tue 14:00, sent: Sorry, by: sms}
      - {at: Tue 15:00, enrollment: exited, because: Left}
  - name: It comes back at the third try
    given:
      destinations: {helpdesk: [away, away, accepted]}
    when:
      - {at: Tue 14:00, event: Began}
    until: Tue 16:00
    expect:
      - {at: Tue 14:00, handed_over: Ask a human}
      - {enrollment: active, in: Wait for an answer}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_care(tmp_path)


def run(root: Path, text: str) -> int:
    write_scenarios(root, "care", text)
    return main(["test", "--root", str(root)])


def test_they_hold(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, GOOD) == 0, capsys.readouterr().out


def test_what_is_not_expected_is_told_with_its_story_and_a_line_to_take_over(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, GOOD.replace("helpdesk: refused", "helpdesk: accepted")) == 1
    said = capsys.readouterr().out
    assert "handed over  Ask a human to helpdesk" in said
    assert "+ {at: Tue 14:00, handed_over: Ask a human, to: helpdesk}" in said
    line = "- {at: Tue 14:00, not_handed_over: Ask a human, to: helpdesk, because: refused}"
    assert line in said
    assert run(root, GOOD.replace("accepted]", "away]")) == 1
    said = capsys.readouterr().out
    assert "nobody asked  Ask a human to helpdesk because away" in said
    assert "hand_over failed: DestinationAwayError('away')" in said


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("{helpdesk: refused}", "{helpdisk: refused}"), "SW1036", "no destination 'helpdisk'"),
        (("{helpdesk: refused}", "{helpdesk: broken}"), "SW103", "'broken' is none of"),
        (("because: refused}", "because: bored}"), "SW714", "reason for not_handed_over"),
        (("handed_over: Ask a human, to", "handed_over: Ask, to"), "SW706", "no hand-over 'Ask'"),
        (("human, to: helpdesk", "human, to: desk"), "SW1036", "no way of 'Ask a human' to 'desk'"),
        ((", because: refused", ""), "SW102", "`because` is missing"),
    ],
)
def test_what_is_written_wrong_is_said(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    code: str,
    said: str,
) -> None:
    assert run(root, GOOD.replace(*change, 1)) == 2
    errors = capsys.readouterr().err
    assert code in errors
    assert said in errors


def test_without_being_told_destinations_take_everything(root: Path) -> None:
    simulation = Simulation(read_definitions(root), MONDAY)
    ada = Person()
    simulation.send(ada.identify(first_name="Ada"))
    simulation.send(ada.track("Began"))
    simulation.run(MONDAY + timedelta(minutes=1))
    assert isinstance(simulation.destinations, SimulatedDestinations)
    (told,) = simulation.destinations.told
    assert told.document["customer"]["traits"] == {"first_name": "Ada"}
    assert [each.kind for each in facts_of(simulation)] == [Kind.HANDED_OVER, Kind.ENROLLMENT]
    assert simulation.trace.calls["hand_over"] == 1


def test_a_simulation_of_many_counts_the_ways(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = root / "events.jsonl"
    calls = [
        {"type": "track", "event": "Began", "userId": f"u{number}", "messageId": f"m{number}"}
        | {"timestamp": "2026-11-24T14:00:00Z"}
        for number in range(20)
    ]
    events.write_text("\n".join(map(json.dumps, calls)))
    code = main(["simulate", "--root", str(root), "--events", str(events), "--json", "-"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    (journey,) = json.loads(printed.out)["journeys"]
    (step,) = (each for each in journey["steps"] if each["name"] == "Ask a human")
    assert (step["kind"], step["detail"]) == ("hand_over", "hand over to helpdesk")
    ways = {
        (each["target"], each["label"]): each["share"]
        for each in journey["ways"]
        if each["source"] == "Ask a human"
    }
    assert ways == {("Wait for an answer", "handed over"): 1.0, ("Sorry", "nobody took it"): 0.0}


AT_ONE_MOMENT = """\
scenarios:
  - name: It leaves at the moment at which it began
    given:
      destinations: {helpdesk: refused}
    when:
      - {at: Tue 14:00, event: Began}
      - {at: Tue 14:00, event: Left}
      - {at: Tue 14:00, event: Began}
    until: Tue 14:00
    expect:
      - {at: Tue 14:00, not_handed_over: ask_a_human, to: helpdesk, because: refused}
      - {at: Tue 14:00, sent: Sorry, by: sms}
      - {at: Tue 14:00, enrollment: exited, because: Left}
      - {at: Tue 14:00, not_handed_over: ask_a_human, to: helpdesk, because: refused}
      - {at: Tue 14:00, sent: Sorry, by: sms}
      - {enrollment: active, in: Wait for an answer}
"""


def test_the_story_of_one_moment_stands_in_the_order_of_cause(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scenarios(root, "care", AT_ONE_MOMENT)
    assert main(["test", "--root", str(root), "--json"]) == 0
    (scenario,) = json.loads(capsys.readouterr().out)["scenarios"]
    assert {each["local"] for each in scenario["timeline"]} == {"Tue 14:00"}
    run = ["event", "enters", "warning", "nobody asked", "sent", "waits"]
    assert [each["kind"] for each in scenario["timeline"]] == [*run, "event", "exits", *run]


def test_a_destination_that_comes_back_has_taken_it_before_the_journey_waits(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scenarios(root, "care", GOOD)
    assert main(["test", "--root", str(root), "-k", "third", "--timeline"]) == 0
    said = capsys.readouterr().out
    assert 0 < said.index("handed over  Ask a human") < said.index("waits        Wait for")
