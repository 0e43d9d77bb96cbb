"""Each thing that can be wrong with computed traits and segments: its code, and where it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stepwell.journeys.compiler.project import read_project
from tests.support.journey_projects import HELLO, found_in, write_project

PROFILE = """\
computed:
  begun: {kind: count, event: Began}
  paid: {kind: sum, event: Began, value: event.properties.amount}
  seen: {kind: last, event: Acted}
"""
SIGNALS = "signals: {urgency: [{name: x, value: high, phrases: [help]}]}"
GREETING = """\
journey: greeting
purpose: marketing
entry: {event: Began, reentry: never}
steps:
  - message: {name: Greet, channels: [email], template: hello}
"""
SEGMENTS = """\
lists: [beta]
segments:
  active: {when: customer.computed.begun >= 1.0}
"""


def project(root: Path, profile: str = "", segments: str = "") -> Path:
    """The sound declarations, and behind them these lines."""
    write_project(root, {})
    for name, text in (("profile", PROFILE + profile), ("segments", SEGMENTS + segments)):
        (root / "statemachines" / f"{name}.yaml").write_text(text)
    return root


def codes(root: Path) -> list[tuple[str, str, int]]:
    """(code, file, line)."""
    return [
        (each.code, each.place.file.removeprefix("statemachines/").partition(".")[0], line)
        for each in found_in(root)
        if (line := each.place.line)
    ]


def test_sound_declarations_have_no_problems(tmp_path: Path) -> None:
    assert codes(project(tmp_path)) == []


COMPUTED = {
    "name": ("Orders: {kind: count, event: Began}", "SW1001"),
    "name_is_too_long": (f"{'x' * 65}: {{kind: count, event: Began}}", "SW1001"),
    "unknown_kind": ("x: {kind: counts, event: Began}", "SW103"),
    "no_kind": ("x: {event: Began}", "SW102"),
    "unknown_key": ("x: {kind: count, event: Began, whre: true}", "SW101"),
    "not_a_mapping": ("x: count", "SW103"),
    "no_event": ("x: {kind: count}", "SW1003"),
    "event_is_no_text": ("x: {kind: count, event: [Began]}", "SW103"),
    "value_is_no_text": ("x: {kind: sum, event: Began, value: 5}", "SW103"),
    "value_is_empty": ("x: {kind: sum, event: Began, value: }", "SW1003"),
    "no_value": ("x: {kind: sum, event: Began}", "SW1003"),
    "count_of_a_value": (
        "x: {kind: count, event: Began, value: event.properties.amount}",
        "SW1003",
    ),
    "since_of_a_sum": (
        "x: {kind: sum, event: Began, value: event.properties.amount, since: Acted}",
        "SW1003",
    ),
    "window_of_the_first": ("x: {kind: first, event: Began, within: 7d}", "SW1003"),
    "ratio_without_to": ("x: {kind: ratio, of: begun}", "SW1003"),
    "ratio_of_events": ("x: {kind: ratio, of: begun, to: paid, event: Began}", "SW1003"),
    "ratio_of_the_unknown": ("x: {kind: ratio, of: begin, to: paid}", "SW1004"),
    "ratio_of_a_moment": ("x: {kind: ratio, of: begun, to: seen}", "SW1004"),
    "ratio_of_itself": ("x: {kind: ratio, of: x, to: begun}", "SW1004"),
    "window_is_too_long": ("x: {kind: count, event: Began, within: 401d}", "SW1005"),
    "window_is_no_duration": ("x: {kind: count, event: Began, within: 3 weeks}", "SW105"),
    "too_many_values": (
        "x: {kind: distinct, event: Began, value: event.properties.word, at_most: 201}",
        "SW103",
    ),
    "unknown_event": ("x: {kind: count, event: Begun}", "SW501"),
    "since_an_unknown_event": ("x: {kind: count, event: Began, since: Lfet}", "SW501"),
    "no_condition": ('x: {kind: count, event: Began, where: "event.("}', "SW502"),
    "condition_that_decides_nothing": (
        "x: {kind: count, event: Began, where: event.properties.amount}",
        "SW522",
    ),
    "unknown_property": (
        "x: {kind: count, event: Began, where: event.properties.amuont > 1.0}",
        "SW521",
    ),
    "sees_the_customer": (
        "x: {kind: count, event: Began, where: customer.traits.vip == true}",
        "SW520",
    ),
    "sees_the_time": (
        "x: {kind: count, event: Began, where: event.timestamp < now}",
        "SW520",
    ),
    "sum_of_texts": ("x: {kind: sum, event: Began, value: event.properties.word}", "SW1007"),
    "most_frequent_of_everything": (
        "x: {kind: most_frequent, event: Began, value: event.properties}",
        "SW1007",
    ),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_problems_of_computed_traits(name: str, tmp_path: Path) -> None:
    line, code = COMPUTED[name]
    assert codes(project(tmp_path, f"  {line}\n")) == [(code, "profile", 5)]


SEGMENT_LINES = {
    "name": ("VIP: {when: customer.computed.begun > 9.0}", [("SW1010", 4)]),
    "no_condition": ("x: {about: Everybody}", [("SW102", 4)]),
    "unknown_key": ("x: {when: customer.lists.beta, wen: 1}", [("SW101", 4)]),
    "unreadable": ('x: {when: "customer.("}', [("SW502", 4)]),
    "decides_nothing": ("x: {when: customer.computed.begun}", [("SW522", 4)]),
    "unknown_trait": ("x: {when: customer.computed.begn > 1.0}", [("SW521", 4)]),
    "unknown_list": ("x: {when: customer.lists.alpha}", [("SW521", 4)]),
    "unknown_segment": ("x: {when: customer.segments.activ}", [("SW521", 4)]),
    "wrong_type": ('x: {when: customer.computed.seen == "today"}', [("SW522", 4)]),
    "names_itself": ("x: {when: customer.segments.x || customer.lists.beta}", [("SW1011", 4)]),
    "circle": (
        "x: {when: customer.segments.y}\n  y: {when: customer.segments.x}",
        [("SW1011", 4)],
    ),
    "hour_of_the_day": ("x: {when: now.getHours() > 8.0}", [("SW1013", 4)]),
    "double_speed": (
        "x: {when: now + (now - customer.computed.seen) > customer.computed.seen}",
        [],
    ),
    "chosen_clock": (
        "x: {when: '(customer.lists.beta ? now : timestamp(0)) > customer.computed.seen'}",
        [("SW1013", 4)],
    ),
    "everybody": ("x: {when: customer.computed.begun < 5.0}", [("SW1014", 4)]),
    "everybody_by_a_segment": ("x: {when: '!customer.segments.active'}", [("SW1014", 4)]),
    "everybody_from_a_day_on": (
        "x: {when: 'now > timestamp(\"2030-01-01T00:00:00Z\")'}",
        [("SW1014", 4)],
    ),
    "everybody_until_a_day": (
        "x: {when: 'now < timestamp(\"2020-01-01T00:00:00Z\")'}",
        [("SW1014", 4)],
    ),
    "everybody_for_a_day": (
        (
            'x: {when: \'now > timestamp("2030-01-01T00:00:00Z") && '
            'now <= timestamp("2030-01-02T00:00:00Z")\'}'
        ),
        [("SW1014", 4)],
    ),
    "some_from_a_day_on": (
        "x: {when: 'now > timestamp(\"2030-01-01T00:00:00Z\") && customer.segments.active'}",
        [],
    ),
    "everybody_is_meant": ("x: {when: customer.computed.begun < 5.0, everybody: true}", []),
}


@pytest.mark.parametrize("name", SEGMENT_LINES)
def test_problems_of_segments(name: str, tmp_path: Path) -> None:
    line, expected = SEGMENT_LINES[name]
    found = codes(project(tmp_path, segments=f"  {line}\n"))
    assert found == [(code, "segments", line) for code, line in expected]


@pytest.mark.parametrize("lists", ["[beta, beta]", "[Beta]", "[beta, 'a b']"])
def test_problems_of_lists(lists: str, tmp_path: Path) -> None:
    root = project(tmp_path)
    path = root / "statemachines" / "segments.yaml"
    path.write_text(f"lists: {lists}\n")
    assert codes(root) == [("SW1010", "segments", 1)]


def test_too_many_segments_are_refused(tmp_path: Path) -> None:
    many = "".join(f"  s{n}: {{when: customer.lists.beta}}\n" for n in range(500))
    (problem,) = found_in(project(tmp_path, segments=many))
    assert (problem.code, problem.message) == ("SW1010", "there are 501 segments; 500 is the most")


def test_what_may_grow_too_large_together_is_refused_with_the_largest(tmp_path: Path) -> None:
    word = "event: Began, value: event.properties.word"
    many = "".join(
        f"  words_{n}: {{kind: distinct, {word}, at_most: {100 + n}}}\n" for n in range(12)
    )
    (problem,) = found_in(project(tmp_path, many))
    assert (problem.code, problem.place.line) == ("SW1006", 1)
    assert "words_11 (" in problem.remedy
    assert "words_0 (" not in problem.remedy


def test_a_circle_is_shown_as_it_goes_round(tmp_path: Path) -> None:
    lines = (
        "  x: {when: customer.segments.y}\n"
        "  y: {when: customer.segments.z}\n"
        "  z: {when: customer.segments.x}\n"
    )
    (problem,) = found_in(project(tmp_path, segments=lines))
    assert problem.message == "these segments name each other: x → y → z → x"


def test_all_problems_of_both_files_come_at_once(tmp_path: Path) -> None:
    profile = "  x: {kind: sum, event: Begun}\n  y: {kind: count, event: Began, within: 500d}\n"
    segments = "  VIP: {when: customer.lists.beta}\n  x: {when: customer.lists.gamma}\n"
    assert codes(project(tmp_path, profile, segments)) == [
        ("SW1003", "profile", 5),
        ("SW1005", "profile", 6),
        ("SW1010", "segments", 4),
        ("SW521", "segments", 5),
    ]


def second_version(root: Path, **properties: str) -> None:
    """Another version of `Began` with these types instead."""
    schemas = root / "events" / "schemas"
    second = json.loads((schemas / "began.json").read_text())
    second["properties"] |= {name: {"type": kind} for name, kind in properties.items()}
    (schemas / "began.2.json").write_text(json.dumps(second))


def test_a_type_that_changed_in_one_version_of_the_event_is_a_problem(tmp_path: Path) -> None:
    root = project(tmp_path)
    second_version(root, amount="string")
    (problem,) = found_in(root)
    assert (problem.code, problem.place.line) == ("SW1007", 3)
    assert problem.message == 'sum takes numbers, and this is string in version 2 of "Began"'


@pytest.mark.parametrize("kind", ["where", "value"])
def test_a_fault_of_one_version_names_it(tmp_path: Path, kind: str) -> None:
    trait = {"where": 'event.properties.word == "x"', "value": "event.properties.word + 1.0"}
    line = {"kind": "sum", "event": "Began", "value": "event.properties.amount", kind: trait[kind]}
    root = project(tmp_path, f"  x: {json.dumps(line)}\n")
    second_version(root, word="number")
    (first, *_) = found_in(root)
    version = 'version 2 of "Began"' if kind == "where" else 'version 1 of "Began"'
    assert version in first.message


def test_a_condition_that_decides_nothing_in_one_version_is_a_problem(tmp_path: Path) -> None:
    root = project(tmp_path, "  x: {kind: count, event: Began, where: event.properties.ok}\n")
    second_version(root, ok="boolean")
    (problem,) = found_in(root)
    assert (problem.code, problem.place.line) == ("SW521", 5)
    first = root / "events" / "schemas" / "began.json"
    schema = json.loads(first.read_text())
    schema["properties"]["ok"] = {"type": "string"}
    first.write_text(json.dumps(schema))
    (problem,) = found_in(root)
    assert (problem.code, problem.place.line) == ("SW522", 5)


def test_a_trait_of_either_type_may_be_read_with_care(tmp_path: Path) -> None:
    """The last value is a number or a text: conditions have to bear both."""
    last = "  x: {kind: last, event: Began, value: event.properties.amount}\n"
    root = project(tmp_path, last, "  rich: {when: customer.computed.x == 'much'}\n")
    profile = root / "statemachines" / "profile.yaml"
    profile.write_text(profile.read_text().replace("  paid:", "  # paid:"))
    assert [each.code for each in found_in(root)] == ["SW522"]
    second_version(root, amount="string")
    assert found_in(root) == []


def test_files_that_cannot_be_read_are_told_and_journeys_are_still_looked_at(
    tmp_path: Path,
) -> None:
    root = project(tmp_path, "  - x\n", "  [\n")
    assert {each.place.file for each in found_in(root)} == {
        "statemachines/profile.yaml",
        "statemachines/segments.yaml",
    }


def test_empty_files_declare_nothing(tmp_path: Path) -> None:
    root = project(tmp_path)
    for name in ("profile", "segments"):
        (root / "statemachines" / f"{name}.yaml").write_text("# nothing yet\n")
    found = read_project(root)
    assert found.problems == ()
    assert found.profile == {}


BROKEN = {
    "profile": ("computed: [0", "SW100"),
    "segments": ("segments: {a: 1, a: 2}", "SW100"),
    "signals": ("signals: {urgency: [{name: x, value: high, phrases: help}]}", "SW103"),
}
READER = """\
journey: reader
purpose: marketing
entry: {segment: active}
steps:
  - split:
      name: Which
      branches:
        - id: a
          name: A
          when: >-
            customer.computed.begun > 1.0 && customer.segments.active && customer.lists.beta
            && customer.signals.urgency.value == "high"
          then: continue
      otherwise: continue
  - message: {name: Greet, channels: [email], template: hello}
"""


@pytest.mark.parametrize("file", BROKEN)
def test_what_reads_a_file_that_cannot_be_read_is_not_blamed(tmp_path: Path, file: str) -> None:
    hello = HELLO.replace("event.properties.word", "customer.computed.begun")
    root = write_project(tmp_path, {"reader": READER}, {"hello": hello})
    files = {"profile": PROFILE, "segments": SEGMENTS, "signals": SIGNALS}
    for name, text in files.items():
        (root / f"statemachines/{name}.yaml").write_text(text)
    with (root / "statemachines/policies.yaml").open("a") as policies:
        policies.write("promotion_hold: {purposes: [marketing], segments: [active]}\n")
    shutil.copy("events/schemas/segment_entered.json", root / "events" / "schemas")
    assert found_in(root) == []
    text, code = BROKEN[file]
    (root / f"statemachines/{file}.yaml").write_text(text)
    assert {(each.place.file, each.code) for each in found_in(root)} == {
        (f"statemachines/{file}.yaml", code)
    }


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("customer.consents.marketing.email", ""),
        ("customer.consents.marketing.in_app && 'service' in customer.consents", ""),
        ("customer.consents.exists(p, customer.consents[p].sms)", ""),
        ("customer.consents.marketin.email", "`customer.consents` has no marketin in the purposes"),
        ("customer.consents.marketing.emial", "has no emial in the channels"),
    ],
)
def test_consents_are_those_of_purposes_and_channels(tmp_path: Path, where: str, said: str) -> None:
    root = project(tmp_path, segments=f"  asked: {{when: {json.dumps(where)}}}\n")
    messages = [each.message for each in found_in(root)]
    assert len(messages) == bool(said)
    assert all(said in each for each in messages)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("customer.computed.begun", []),
        ("customer.computed.begn", ["statemachines/profile.yaml has no property 'begn'"]),
        ("customer.computed", ["`customer.computed` is no single value"]),
        ("customer.segments.active", ["`customer.segments.active` does not exist"]),
    ],
)
def test_templates_see_declared_traits(tmp_path: Path, variable: str, said: list[str]) -> None:
    hello = HELLO.replace("event.properties.word", variable)
    write_project(tmp_path, {"greeting": GREETING}, {"hello": hello})
    (tmp_path / "statemachines/profile.yaml").write_text(PROFILE)
    assert [each.message for each in found_in(tmp_path)] == said
