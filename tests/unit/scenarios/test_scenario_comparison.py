"""What differs is found: nothing may be missing, nothing may come besides, nothing may be other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stepwell.journeys.compiler.problems import Place
from stepwell.simulation.scenarios.comparison import Difference, compare
from stepwell.simulation.scenarios.model import Expected, Fact, Kind
from tests.support.scenario_projects import run_text

AT = datetime(2026, 11, 24, 21, 59, tzinfo=UTC)
SENT = Fact(Kind.SENT, AT, "ada", "cart", "Hello", by="sms", says=("Hello Ada",))
LATER = replace(SENT, at=AT + timedelta(hours=1))
ENDED = Fact(Kind.ENROLLMENT, AT, "ada", "cart", "exited", because="Left")
ACTIVE = Fact(Kind.ENROLLMENT, None, "ada", "cart", "active", step="Wait")


def expect(*facts: Fact) -> list[Expected]:
    return [Expected(fact, Place("scenarios.yaml", number)) for number, fact in enumerate(facts, 1)]


def differences(expected: list[Expected], *happened: Fact) -> list[tuple[Fact | None, Fact | None]]:
    return [
        (each.expected.fact if each.expected else None, each.happened)
        for each in compare(expected, happened)
    ]


def test_the_same_in_any_order_is_no_difference() -> None:
    assert compare(expect(SENT, LATER, ENDED, ACTIVE), [ACTIVE, ENDED, LATER, SENT]) == []


def test_what_is_missing_and_what_comes_besides() -> None:
    assert differences(expect(SENT)) == [(SENT, None)]
    assert differences(expect(), SENT) == [(None, SENT)]
    assert differences(expect(SENT), SENT, SENT) == [(None, SENT)]
    assert differences(expect(SENT, SENT), SENT) == [(SENT, None)]


def test_the_same_thing_otherwise_is_shown_as_a_pair() -> None:
    for other in (
        LATER,
        replace(SENT, by="push"),
        replace(SENT, kind=Kind.SUPPRESSED, because="capped"),
    ):
        assert differences(expect(SENT), other) == [(SENT, other)]
    replaced = replace(ENDED, because="Other")
    assert differences(expect(ENDED), replaced) == [(ENDED, replaced)]


def test_other_messages_journeys_and_customers_are_no_pair() -> None:
    for other in (
        replace(SENT, subject="Bye"),
        replace(SENT, journey="other"),
        replace(SENT, user="bob"),
        ENDED,
    ):
        assert sorted(differences(expect(SENT), other), key=str) == sorted(
            [(SENT, None), (None, other)], key=str
        )


def test_what_is_left_open_is_not_compared() -> None:
    open_ended = replace(SENT, by=None, says=())
    assert compare(expect(open_ended), [SENT]) == []
    assert compare(expect(replace(ACTIVE, step=None)), [ACTIVE]) == []
    assert compare(expect(replace(ACTIVE, step="Other")), [ACTIVE]) != []


def test_says_looks_into_the_text() -> None:
    assert compare(expect(replace(SENT, says=("Ada", "Hello"))), [SENT]) == []
    assert compare(expect(replace(SENT, says=("Bob",))), [SENT]) != []


def test_an_open_line_does_not_take_the_only_counterpart_of_a_strict_one() -> None:
    loose, push = replace(SENT, by=None), replace(SENT, by="push")
    assert compare(expect(loose, SENT), [SENT, push]) == []
    assert compare(expect(loose, push), [push, SENT]) == []


def test_differences_come_by_time() -> None:
    found = compare(expect(LATER, ACTIVE), [ENDED])
    assert found == [
        Difference(Expected(ACTIVE, Place("scenarios.yaml", 2)), ENDED),
        Difference(Expected(LATER, Place("scenarios.yaml", 1)), None),
    ]


WRONG = """\
scenarios:
  - name: Wrong in every way
    given:
      events: {Product Added: {cart_id: cart-1, cart_value: 280}}
    when:
      - {at: Tue 14:00, event: Product Added}
    expect:
      - {at: Tue 14:46, sent: Stylist suggestion, by: sms}
      - {at: Wed 09:00, sent: Complete outfit, by: email, says: outfit}
      - {at: Wed 09:00, conversion: Order Completed}
"""


def test_a_failing_scenario_shows_lines_as_they_are_written(tmp_path: Path) -> None:
    (result,) = run_text(WRONG, tmp_path, "cart_abandonment")
    assert not result.passed
    lines = list(result.lines())
    assert [(sign, number) for sign, _, number in lines] == [
        ("-", 8), ("+", None), ("-", 9), ("+", None), ("-", 10), ("+", None),
    ]  # fmt: skip
    assert [text for _, text, _ in lines[:3]] == [
        "{at: Tue 14:46, sent: Stylist suggestion, by: sms}",
        "{at: Tue 14:45, sent: Stylist suggestion, by: sms}",
        "{at: Wed 09:00, sent: Complete outfit, by: email, says: outfit}",
    ]
    assert lines[3][1].startswith("{at: Wed 09:00, sent: Complete outfit, by: push, says: [")
    assert lines[4][1] == "{at: Wed 09:00, conversion: Order Completed}"
    assert lines[5][1] == "{at: Wed 09:00, enrollment: completed}"


def test_what_happened_can_be_taken_over_into_the_file(tmp_path: Path) -> None:
    """The shown lines, pasted, make the scenario pass: also over clock changes and for others."""
    begun = """\
scenarios:
  - name: "To be filled in"
    given:
      date: 2026-10-19
      zone: America/New_York
      journeys: post_purchase
      customers: {"bob: the 2nd": {zone: Europe/London, addresses: [email]}}
      events: {Product Added: {cart_id: cart-1, cart_value: 280}}
    when:
      - {at: Sun 00:30, user: "bob: the 2nd", event: Product Added}
      - {at: Sun 20:30, event: Product Added}
      - {at: week 2 Mon 07:00, event: Order Completed, properties: {order_id: "7", revenue: 0.5}}
    expect:
"""
    (result,) = run_text(begun.replace("expect:\n", "expect: []\n"), tmp_path, "cart_abandonment")
    pasted = "".join(f"      - {text}\n" for _, text, _ in result.lines())
    assert "Sun 01:15 +01:00" in pasted
    (again,) = run_text(begun + pasted, tmp_path, "cart_abandonment")
    assert list(again.lines()) == []
    assert len(again.happened) >= 7
