"""Every mistake in `scenarios.yaml` is reported with its line, what is wrong and what to do."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from stepwell.simulation.scenarios.reading import Surroundings
from tests.support.scenario_projects import read_text, shipped_surroundings

SOUND = """\
given:
  events:
    Product Added: {cart_id: cart-1, cart_value: 280}
scenarios:
  - name: One
    given: {}
    when:
      - {at: Tue 14:00, event: Product Added}
    expect:
      - {at: Tue 14:45, sent: Stylist suggestion, by: sms}
      - {at: Wed 09:00, enrollment: completed}
"""
WHEN = "{at: Tue 14:00, event: Product Added}"
SENT = "{at: Tue 14:45, sent: Stylist suggestion, by: sms}"
ENDED = "{at: Wed 09:00, enrollment: completed}"
GIVEN = "given: {}"

MISTAKES = [
    # events
    (WHEN, "{at: Tue 14:00, event: Product Aded}", 8, "SW501", "Product Aded", '"Product Added"'),
    (WHEN, "{at: Tue 14:00, event: Product Added, usr: x}", 8, "SW101", "`usr`", '"user"'),
    (WHEN, "{event: Product Added}", 8, "SW102", "`at` is missing", "Add `at:`"),
    (WHEN, "Product Added", 8, "SW103", "mapping", "Correct"),
    (
        WHEN,
        f"{WHEN}\n      - {{at: Tue 13:59, event: Product Added}}",
        9,
        "SW704",
        "Tue 13:59 is before the event above it, at Tue 14:00",
        "in their order",
    ),
    (
        WHEN,
        "{at: Tue 14:00, event: Product Added, happened: Tue 15:00}",
        8,
        "SW704",
        "only after it was sent",
        "at or before `at`",
    ),
    (
        WHEN,
        "{at: Tue 14:00, event: Product Added, properties: {cart_vale: 3}}",
        8,
        "SW710",
        "no property 'cart_vale'",
        '"cart_value"',
    ),
    (
        WHEN,
        "{at: Tue 14:00, event: Product Added, properties: {cart_value: '3'}}",
        8,
        "SW709",
        "has a number",
        "Write a number",
    ),
    (
        WHEN,
        "{at: Tue 14:00, event: Product Added, properties: {cart_id: 3}}",
        8,
        "SW709",
        "has text",
        'Write "3", in quotes',
    ),
    (
        WHEN,
        "{at: Tue 14:00, event: Order Completed, properties: {products: [{pric: 1}]}}",
        8,
        "SW710",
        "'pric'",
        '"price"',
    ),
    (
        WHEN,
        "{at: Tue 14:00, event: Consent Updated, properties: {purpose: marketing}}",
        8,
        "SW711",
        "properties.channel",
        "the API would refuse",
    ),
    ("cart_value: 280", "cart_val: 280", 3, "SW710", "'cart_val'", '"cart_value"'),
    ("    Product Added:", "    Product Aded:", 3, "SW501", "Product Aded", '"Product Added"'),
    # times
    (WHEN, "{at: Tus 14:00, event: Product Added}", 8, "SW701", "'Tus' is no weekday", "Tue"),
    (WHEN, "{at: 14:00, event: Product Added}", 8, "SW701", "'14:00' is no time", "Tue 21:14"),
    (WHEN, "{at: 5, event: Product Added}", 8, "SW701", "5 is no time", "Tue 21:14"),
    (WHEN, "{at: Tue 25:00, event: Product Added}", 8, "SW701", "25:00", "Tue 21:14"),
    (WHEN, "{at: 2026-02-30 10:00, event: Product Added}", 8, "SW701", "no day", "2026-11-24"),
    (WHEN, "{at: +45m, event: Product Added}", 8, "SW701", "follows on nothing", "a time"),
    (WHEN, "{at: +4x, event: Product Added}", 8, "SW105", "'4x' is not a duration", "+45m"),
    (WHEN, "{at: Tue 14:00 Europe/Lodon, event: Product Added}", 8, "SW701", "Lodon", "London"),
    (WHEN, "{at: 9999-12-31 10:00, event: Product Added}", 8, "SW701", "years", "one that is"),
    (ENDED, ENDED.replace("Wed 09:00", "+99999999d"), 11, "SW701", "years", "one that is"),
    (WHEN, "{at: 2026-03-29 01:30, event: Product Added}", 8, "SW702", "not exist", "02:30"),
    (WHEN, "{at: 2026-10-25 01:30, event: Product Added}", 8, "SW703", "twice", "01:30 +00:00"),
    (SENT, SENT.replace("14:45", "14:45:61"), 10, "SW701", "no time of a day", "Tue 21:14"),
    ("    when:", "    until: Tue 13:59\n    when:", 7, "SW704", "last event is later", "after it"),
    ("    when:", "    until: Tue 15:00\n    when:", 7, "SW704", "line 12 expects", "later"),
    (GIVEN, "given: {date: 9999-12-31}", 6, "SW701", "years", "one that is"),
    (GIVEN, "given: {date: 2026-11-31}", 6, "SW701", "'2026-11-31' is no day", "2026-11-23"),
    # what is expected
    (SENT, SENT.replace("Stylist", "Stilist"), 10, "SW706", "message", '"Stylist suggestion"'),
    (SENT, SENT.replace(", by: sms", ""), 10, "SW102", "`by` is missing", "Add `by:`"),
    (SENT, SENT.replace("sms", "smss"), 10, "SW103", "'smss'", "sms, push, email"),
    (SENT, SENT.replace("}", ", variant: a}"), 10, "SW104", "not supported yet", "Remove"),
    (SENT, SENT.replace("sent", "sennt"), 10, "SW101", "`sennt`", '"sent"'),
    (SENT, SENT.replace("}", ", failed: x}"), 10, "SW103", "sent and failed", "a line for each"),
    (SENT, "{at: Tue 14:45, sent: Complete outfit, by: sms}", 10, "SW708", "never", "push, email"),
    (SENT, SENT.replace("}", ", user: bob}"), 10, "SW712", "'bob'", "There are: customer"),
    (SENT, SENT.replace("}", ", journey: onboarding}"), 10, "SW707", "onboarding", "There are"),
    (
        SENT,
        "{at: Tue 14:45, suppressed: Stylist suggestion, because: caped}",
        10,
        "SW714",
        "'caped'",
        '"capped"',
    ),
    (
        SENT,
        "{at: Tue 14:45, deferred: Stylist suggestion, because: capped}",
        10,
        "SW102",
        "`until`",
        "Add `until:`",
    ),
    (ENDED, ENDED.replace("completed", "done"), 11, "SW103", "'done'", "completed, exited"),
    (ENDED, ENDED.replace("completed", "exited"), 11, "SW102", "why exited?", "Name the event"),
    (ENDED, "{enrollment: completed}", 11, "SW102", "`at` is missing", "when it ended"),
    (ENDED, ENDED.replace("completed", "active"), 11, "SW103", "has not ended", "Remove `at`"),
    (ENDED, "{enrollment: active, in: Morning}", 11, "SW706", "step 'Morning'", "There are"),
    (ENDED, ENDED.replace("}", ", because: x}"), 11, "SW103", "no reason", "Remove `because`"),
    (ENDED, "{at: Wed 09:00, conversion: First Action}", 11, "SW713", "goal", "Order Completed"),
    (ENDED, "{at: Wed 09:00}", 11, "SW102", "does not say what happens", "sent, deferred"),
    (ENDED, "nothing", 11, "SW103", "'nothing' is no expectation", "`at`"),
    # given
    (GIVEN, "given: {zone: Europe/Lodon}", 6, "SW103", "no time zone", "Correct `zone`"),
    (GIVEN, "given: {consents: {marketin: sms}}", 6, "SW708", "'marketin'", '"marketing"'),
    (GIVEN, "given: {customers: {bob: {refused: {x: sms}}}}", 6, "SW708", "'x'", "marketing"),
    (GIVEN, "given: {consents: {marketing: fax}}", 6, "SW103", "'fax'", "sms, push, email"),
    (GIVEN, "given: {addresses: [letter]}", 6, "SW103", "'letter'", "sms, push or email"),
    (GIVEN, "given: {devices: 0}", 6, "SW103", "0 is no number of devices", "leave push out of"),
    (GIVEN, "given: {devices: many}", 6, "SW103", "whole number", "Correct `devices`"),
    (GIVEN, "given: {providers: {push: refusd}}", 6, "SW103", "'refusd'", "refused, pushed_back"),
    (GIVEN, "given: {journeys: post_purchas}", 6, "SW707", "post_purchas", '"post_purchase"'),
    (GIVEN, "given: {customers: {bob: {zon: x}}}", 6, "SW101", "`zon`", '"zone"'),
    (GIVEN, "given: {policies: {quiet_hour: []}}", 6, "SW406", "quiet_hour", '"quiet_hours"'),
    (
        GIVEN,
        "given: {policies: {caps: [\n{name: x, purposes: [marketing], at_most: 0, per: 1d}]}}",
        7,
        "SW406",
        "a whole number, 1 or more",
        "this part of the policies",
    ),
    # the file
    ("    expect:", "    expct:", 9, "SW101", "`expct`", '"expect"'),
    ("name: One", "name: 5", 5, "SW103", "5 where text belongs", "Correct `name`"),
    (SOUND, "", 1, "SW102", "the file is empty", "docs/scenarios.md"),
    (SOUND, "[]", 1, "SW103", "a list where a mapping", "Correct the file"),
    (SOUND, "given: {}", 1, "SW102", "`scenarios` is missing", "Add `scenarios:` to the file"),
    (SOUND, "a: b: c", 1, "SW100", "no YAML", "Check indentation"),
]


@functools.cache
def around() -> Surroundings:
    return shipped_surroundings()


@pytest.mark.parametrize(
    ("right", "wrong", "line", "code", "said", "remedy"),
    MISTAKES,
    ids=[f"{code} {wrong[:40]}" for _, wrong, _, code, _, _ in MISTAKES],
)
def test_a_mistake_is_reported(
    right: str, wrong: str, line: int, code: str, said: str, remedy: str, tmp_path: Path
) -> None:
    assert right in SOUND
    text = SOUND.replace(right, wrong, 1)
    _, problems = read_text(text, tmp_path, "cart_abandonment", around())
    found = [each for each in problems if (each.place.line, each.code) == (line, code)]
    assert [each for each in found if said in each.message and remedy in each.remedy], problems
    assert {each.place.file for each in problems} == {"scenarios.yaml"}


def test_the_sound_file_has_no_problems(tmp_path: Path) -> None:
    scenarios, problems = read_text(SOUND, tmp_path, "cart_abandonment", around())
    assert problems == []
    assert [each.name for each in scenarios] == ["One"]


def test_one_mistake_does_not_hide_another(tmp_path: Path) -> None:
    text = SOUND.replace(SENT, SENT.replace("Stylist", "Stilist")).replace("Tue 14:00", "Tu 14:00")
    _, problems = read_text(text, tmp_path, "cart_abandonment", around())
    assert {(each.place.line, each.code) for each in problems} == {(8, "SW701"), (10, "SW706")}


def test_two_scenarios_of_one_name(tmp_path: Path) -> None:
    twice = SOUND + SOUND.split("scenarios:\n")[1]
    _, (problem,) = read_text(twice, tmp_path, "cart_abandonment", around())
    assert (problem.place.line, problem.code) == (12, "SW705")
    assert "in line 5" in problem.message


def test_a_journey_without_a_goal_converts_nothing(tmp_path: Path) -> None:
    text = (
        "scenarios: [{name: x, when: [{at: Mon 10:00, event: Trial Started}],"
        " expect: [{at: Mon 10:00, conversion: Trial Started}]}]"
    )
    _, (problem,) = read_text(text, tmp_path, "onboarding", around())
    assert problem.code == "SW713"
    assert "First Action" in problem.remedy
