"""signals.yaml: what is read of it, and each thing that may be wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.journeys.compiler.profile.signals import FILE, read_signals
from stepwell.profile.signal_rules import Repetition, SentimentIs, load_signals
from tests.support.journey_projects import found_in, write_project

U = "signals.urgency"
FRUSTRATED = """\
segments:
  frustrated:
    when: >-
      has(customer.signals.urgency) && customer.signals.urgency.value == "high"
      && now - customer.signals.urgency.at < duration("24h")
"""
GOOD = """\
negations: [not]
signals:
  urgency:
    - {name: help, value: high, phrases: [help, not working], unless: [great help]}
    - {name: again, value: high, repetition: {messages: 3, within: 15m}}
    - {name: sounds, value: high, sentiment: {is: negative, at_least: 0.7}}
  intent:
    - {name: thinks, value: thinking, phrases: [think about it]}
"""


def read(folder: Path, text: str) -> tuple[object, list[tuple[str, int, str]]]:
    path = folder / FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    document, problems = read_signals(folder)
    return document, [(each.code, each.place.line, each.place.path) for each in problems]


def test_without_the_file_there_are_no_signals(tmp_path: Path) -> None:
    assert read_signals(tmp_path) == (None, [])


def test_the_rules_are_those_of_the_file_in_its_order(tmp_path: Path) -> None:
    document, problems = read(tmp_path, GOOD)
    assert problems == []
    assert isinstance(document, dict)
    rules = load_signals(document)
    assert [each.name for each in rules.of("urgency")] == ["help", "again", "sounds"]
    assert [each.repetition for each in rules.of("urgency")][1] == Repetition(3, 900)
    assert [each.sentiment for each in rules.of("urgency")][2] == SentimentIs("negative", 0.7)
    assert rules.of("sentiment") == ()
    assert rules.said("Not working. Great help!") == {("urgency", "help")}


def test_the_shipped_rules_have_no_problem_and_know_the_words_of_a_frustrated_chat() -> None:
    document, problems = read_signals(Path())
    assert problems == []
    assert document is not None
    rules = load_signals(document)
    for text in ("I need this ASAP", "Help!", "it's NOT working"):
        assert ("urgency", "asks_for_help") in rules.said(text)
    assert ("intent", "thinks_about_it") in rules.said("Let me think about it.")
    assert not rules.said("Thanks, it is not urgent. What about helpers?") - {
        ("sentiment", "says_thanks")
    }


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ("signals:", "signal:", ("SW101", 2, "signal")),
        ("  intent:", "  intents:", ("SW101", 7, "signals.intents")),
        ("[not]", "[not yet]", ("SW1022", 1, "negations[0]")),
        ("name: help", "name: Help!", ("SW1021", 4, f"{U}[0].name")),
        ("name: again", "name: help", ("SW1021", 5, f"{U}[1].name")),
        ("name: thinks", "name: help", ("SW1021", 8, "signals.intent[0].name")),
        ("name: thinks, ", "", ("SW102", 8, "signals.intent[0].name")),
        ("value: high, phrases", "value: top, phrases", ("SW1023", 4, f"{U}[0].value")),
        ("value: thinking", "value: Thinks!", ("SW1023", 8, "signals.intent[0].value")),
        (", phrases: [think about it]", "", ("SW1020", 8, "signals.intent[0]")),
        ("high, repet", "high, phrases: [x], repet", ("SW1020", 5, f"{U}[1]")),
        ("high, repet", "high, unless: [x], repet", ("SW1020", 5, f"{U}[1].unless")),
        ("[help, not", '["!?", not', ("SW1022", 4, f"{U}[0].phrases[0]")),
        ("[help, ", "[a a a a a a a a a a a a a, ", ("SW1022", 4, f"{U}[0].phrases[0]")),
        ("[great help]", '["..."]', ("SW1022", 4, f"{U}[0].unless[0]")),
        ("within: 15m", "within: 8d", ("SW103", 5, f"{U}[1].repetition.within")),
        ("within: 15m", "within: soon", ("SW105", 5, f"{U}[1].repetition.within")),
        ("messages: 3", "messages: 1", ("SW103", 5, f"{U}[1].repetition.messages")),
        ("is: negative", "is: bad", ("SW103", 6, f"{U}[2].sentiment.is")),
        ("at_least: 0.7", "at_least: 7", ("SW103", 6, f"{U}[2].sentiment.at_least")),
        ("at_least: 0.7", "atleast: 0.7", ("SW101", 6, f"{U}[2].sentiment.atleast")),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(
    tmp_path: Path, written: str, instead: str, problem: tuple[str, int, str]
) -> None:
    assert written in GOOD
    _, problems = read(tmp_path, GOOD.replace(written, instead, 1))
    assert problems == [problem]


def test_a_phrase_of_an_earlier_rule_could_never_win(tmp_path: Path) -> None:
    late = "    - {name: late, value: low, phrases: [HELP!]}\n  intent:"
    _, problems = read(tmp_path, GOOD.replace("  intent:", late))
    assert problems == [("SW1022", 7, f"{U}[3].phrases[0]")]


@pytest.mark.parametrize("text", ["", "signals:\n", "signals: {}\n", "signals: {urgency: []}\n"])
def test_a_file_without_rules_makes_no_signals(tmp_path: Path, text: str) -> None:
    document, problems = read(tmp_path, text)
    assert document is None
    assert [code for code, *_ in problems] == (["SW103"] if not text else [])


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("value: high", "value: top").replace("[not]", "[not yet]")
    _, problems = read(tmp_path, text)
    assert [code for code, *_ in problems] == ["SW1022", "SW1023", "SW1023", "SW1023"]


def test_a_promotion_hold_names_segments_that_there_are(tmp_path: Path) -> None:
    root = write_project(tmp_path, {})
    path = root / "statemachines" / "policies.yaml"
    hold = "promotion_hold:\n  purposes: [marketing]\n  segments: [frustrated, frustated]\n"
    path.write_text(path.read_text() + hold)
    (root / "statemachines" / "signals.yaml").write_text(GOOD)
    (root / "statemachines" / "segments.yaml").write_text(FRUSTRATED)
    [problem] = found_in(root)
    assert (problem.code, problem.place.path) == ("SW1024", "promotion_hold.segments[1]")
    assert problem.place.file == "statemachines/policies.yaml"
    assert problem.place.line == path.read_text().splitlines().index(hold.splitlines()[2]) + 1
    assert 'Did you mean "frustrated"?' in problem.remedy


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("signals.urgency.value", "signals.urgncy.value"),
        ("urgency.value", "urgency.valu"),
        ("urgency.at", "urgency.value"),
    ],
)
def test_conditions_on_signals_are_checked(tmp_path: Path, written: str, instead: str) -> None:
    root = write_project(tmp_path, {})
    (root / "statemachines" / "signals.yaml").write_text(GOOD)
    path = root / "statemachines" / "segments.yaml"
    path.write_text(FRUSTRATED)
    assert found_in(root) == []
    path.write_text(FRUSTRATED.replace(written, instead))
    assert {each.place.file for each in found_in(root)} == {"statemachines/segments.yaml"}


def test_without_rules_there_are_no_signals_in_conditions(tmp_path: Path) -> None:
    root = write_project(tmp_path, {})
    (root / "statemachines" / "segments.yaml").write_text(FRUSTRATED)
    assert found_in(root) != []
