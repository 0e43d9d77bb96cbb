"""What is restricted of a customer is read for the declared purposes only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.journey_projects import found_in, write_project
from tests.support.scenario_projects import ROOT

PROFILE = """\
context:
  place: {purposes: [service], keep: 30d, precision_km: 1}
  locale: {purposes: [marketing, service], keep: 365d}
"""
SEGMENTS = """\
segments:
  near: {when: "has(customer.place) && distance_km(customer.place, 52.5, 13.4) < 5.0"}
  close_friends: {when: customer.segments.near && customer.traits.friend == true}
  german: {when: "has(customer.locale) && customer.locale.startsWith('de')"}
"""
JOURNEY = """\
journey: nearby
{head}
entry:
  event: Began
  where: >-
    {where}
steps:
  - message: {{name: Hello, channels: [email], template: hello{more}}}
"""
PLAIN = 'email: {subject: Hello, text: "{{ event.properties.word }}", html: <p>Hello</p>}\n'
IN_TOWN = """\
email:
  subject: Hello
  text: |
    Hello
    in {{ customer.place.city | default: "town" }}
  html: <p>Hello</p>
sms: {body: "{{ customer.place.city }}"}
"""
NEAR = "has(customer.place)"
REMEDY = (
    "It may be used for service: `context.place.purposes` in statemachines/profile.yaml. "
    "Do not read it here, or give the journey or message such a purpose."
)


def problems(
    root: Path,
    *,
    head: str = "purpose: marketing",
    where: str = "true",
    more: str = "",
    hello: str = PLAIN,
    profile: str = PROFILE,
) -> list[str]:
    journey = JOURNEY.format(head=head, where=where, more=more)
    write_project(root, {"nearby": journey}, {"hello": hello})
    (root / "statemachines" / "profile.yaml").write_text(profile, encoding="utf-8")
    (root / "statemachines" / "segments.yaml").write_text(SEGMENTS, encoding="utf-8")
    return [
        f"{each.place.file.rpartition('/')[2]}:{each.place.line} {each.code} {each.message}"
        for each in found_in(root)
    ]


REFUSED = "SW1043 `customer.place`, which is read here, may not be used for marketing"


@pytest.mark.parametrize(
    "where",
    [
        NEAR,
        "customer.segments.near",
        "customer.segments.close_friends",
        "'near' in customer.segments",
        "customer[event.properties.word] == 1",
    ],
)
def test_condition_of_another_purpose_is_refused(tmp_path: Path, where: str) -> None:
    assert problems(tmp_path, where=where) == [f"journey.yaml:6 {REFUSED}"]
    assert [each.remedy for each in found_in(tmp_path)] == [REMEDY]


@pytest.mark.parametrize("where", [NEAR, "customer.segments.close_friends"])
def test_condition_of_the_declared_purpose_is_taken(tmp_path: Path, where: str) -> None:
    assert problems(tmp_path, head="purpose: service", where=where) == []


@pytest.mark.parametrize("where", ["has(customer.locale)", "customer.segments.german", "true"])
def test_what_is_for_all_purposes_or_not_read_is_taken(tmp_path: Path, where: str) -> None:
    assert problems(tmp_path, where=where) == []


CROSSING = """\
journey: nearby
purpose: marketing
entry: {{{entry}}}
exit:
  - {exit}
steps:
  - message: {{name: Hello, channels: [email], template: hello}}
"""
ON_NEAR = 'event.properties.segment == "near" && event.id != ""'


@pytest.mark.parametrize(
    ("entry", "leaving", "line"),
    [
        ("segment: near", "{event: Left}", 3),
        ("segment: close_friends, on: leaving", "{event: Left}", 3),
        ("segment: near, where: 'customer.id != \"\"'", "{event: Left}", 3),
        ("event: Segment Entered", "{event: Left}", 3),
        ("event: Began", "{event: Segment Left}", 5),
        ("event: Began", f"{{event: Segment Left, where: '{ON_NEAR}'}}", 5),
        ("segment: german", "{event: Left}", None),
        (
            "event: Began",
            f"{{event: Segment Left, where: '{ON_NEAR.replace('near', 'german')}'}}",
            None,
        ),
    ],
)
def test_segment_that_is_waited_for_counts_too(
    tmp_path: Path, entry: str, leaving: str, line: int | None
) -> None:
    journey = CROSSING.format(entry=entry, exit=leaving)
    write_project(
        tmp_path, {"nearby": journey}, {"hello": "email: {subject: Hi, text: Hi, html: Hi}\n"}
    )
    for name in ("segment_entered.json", "segment_left.json"):
        shutil.copy(ROOT / "events" / "schemas" / name, tmp_path / "events" / "schemas")
    for file, text in (("profile.yaml", PROFILE), ("segments.yaml", SEGMENTS)):
        (tmp_path / "statemachines" / file).write_text(text, encoding="utf-8")
    found = [(each.code, each.place.line) for each in found_in(tmp_path)]
    assert found == ([("SW1043", line)] if line else [])


def test_purpose_of_a_message_counts_too(tmp_path: Path) -> None:
    found = problems(tmp_path, head="purpose: service", where=NEAR, more=", purpose: marketing")
    assert found == [f"journey.yaml:6 {REFUSED}"]


def test_journey_without_a_purpose_is_refused(tmp_path: Path) -> None:
    without = JOURNEY.partition("  - message")[0].format(head="park_waits_over: 7d", where=NEAR)
    write_project(tmp_path, {"nearby": without + "  - delay: {name: A day, for: 1d}\n"}, {})
    (tmp_path / "statemachines" / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    said = "`customer.place`, which is read here, is used, and nothing says for which purpose"
    assert [(each.code, each.message) for each in found_in(tmp_path)] == [("SW1043", said)]


def test_template_is_for_the_purpose_of_its_message(tmp_path: Path) -> None:
    """The text of a channel that the message does not take is nobody's."""
    assert problems(tmp_path, hello=IN_TOWN) == [f"hello.yaml:5 {REFUSED}"]


def test_template_of_a_message_of_the_declared_purpose_is_taken(tmp_path: Path) -> None:
    assert problems(tmp_path, hello=IN_TOWN, more=", purpose: service") == []


EVERYWHERE = """\
journey: nearby
purpose: marketing
entry: {event: Began, key: "customer.place.city"}
exit: [{event: Left, where: "customer.place.city == 'Berlin'"}]
goal: {event: Acted, within: 3d, value: "customer.place.latitude"}
steps:
  - hold:
      name: Wait
      for: 1d
      until: [{event: Acted, where: has(customer.place), then: restart}]
  - split:
      name: Where?
      branches:
        - name: Here
          when: has(customer.place)
          then: exit
  - delay:
      name: Until
      until: {date: customer.place.at}
  - message: {name: Hello, channels: [email], template: hello}
"""


def test_every_condition_of_a_journey_is_looked_at(tmp_path: Path) -> None:
    write_project(tmp_path, {"nearby": EVERYWHERE}, {"hello": PLAIN})
    (tmp_path / "statemachines" / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    found = [(each.code, each.place.line) for each in found_in(tmp_path)]
    assert found == [("SW1043", line) for line in (3, 4, 5, 10, 15, 19)]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("has(customer.device)", "SW521 `customer.device` is not kept"),
        ("customer.place.region == 'Berlin'", ""),
        ("customer.place.street == 'x'", "SW521 `customer.place` has no street in a place"),
        ("customer.place.latitude == 'x'", "SW522 "),
        ("customer.locale.country == 'x'", "SW522 `customer.locale` is string and has no field"),
    ],
)
def test_what_is_not_declared_is_not_known(tmp_path: Path, where: str, said: str) -> None:
    found = problems(tmp_path, head="purpose: service", where=where)
    assert len(found) == (1 if said else 0)
    assert all(said in each for each in found)


def test_undeclared_part_says_how_to_declare_it(tmp_path: Path) -> None:
    hello = PLAIN.replace("event.properties.word", "customer.place.city")
    found = problems(tmp_path, where=NEAR, hello=hello, profile="")
    assert found == [
        "journey.yaml:6 SW521 `customer.place` is not kept",
        "hello.yaml:1 SW605 `customer.place` is not kept",
        "segments.yaml:2 SW521 `customer.place` is not kept",
        "segments.yaml:4 SW521 `customer.locale` is not kept",
    ]
    remedy = (
        "Declare it in statemachines/profile.yaml: `context: {place: {purposes: […], keep: 30d}}`."
    )
    assert [each.remedy for each in found_in(tmp_path)][:3] == [remedy] * 3


def test_coordinates_are_known_only_with_a_precision(tmp_path: Path) -> None:
    names_only = PROFILE.replace(", precision_km: 1", ", names: [country]")
    where = "distance_km(customer.place, 52.5, 13.4) < customer.place.latitude"
    journey = JOURNEY.format(head="purpose: service", where=where, more="")
    write_project(tmp_path, {"nearby": journey}, {"hello": PLAIN})
    (tmp_path / "statemachines" / "profile.yaml").write_text(names_only, encoding="utf-8")
    found = found_in(tmp_path)
    assert {each.message for each in found} == {
        "`customer.place.latitude` is not kept",
        "`customer.place.longitude` is not kept",
    }
    assert {each.remedy for each in found} == {
        "Add `precision_km:`, such as 1, to context.place in statemachines/profile.yaml."
    }
