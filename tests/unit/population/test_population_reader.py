"""A population file: what it says is read as it says, and what is wrong is told where."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from ruamel.yaml import YAML

from stepwell.journeys.compiler.problems import CompileError
from stepwell.simulation.population.model import Carried, Delay, Response, Same
from stepwell.simulation.population.people import randomness
from stepwell.simulation.population.reader import DEFAULT_FILE, parse_population
from stepwell.simulation.population.values import draw_all, read_value
from tests.support.populations import ROOT, population, shipped_population, shop

WRONG = """\
start: soon
days: 0
zones:
  - {zone: Europe/Londn, weight: 3}
  - {zone: Europe/London, weight: 0}
unknown_zone: 4
addresses: {fax: 3%}
consents:
  marketing: {email: {granted: 70%, revoked: 40%}}
  spam: {email: {granted: 1%}}
  service: [email]
traits:
  colour: {choices: []}
  cart: {carried: cart_id}
behaviours:
  - name: adds
    event: Product Aded
    rate: 3 a day
  - name: orders
    event: Order Completed
    rate: 1 per 30d
    hours: {25-26: 1}
    properties: {order_id: 7, totl: 3, total: {between: [9, 3]}, revenue: {same: price}}
    then:
      - event: Order Cancelled
        after: 2h to 1h
        chance: 120%
      - event: Order Cancelled
        after: 1h
        chance: 12%
        properties: {order_id: {carried: oder_id}}
responses:
  - to: {journey: win_bak}
    event: Order Completed
    chance: 1%
    after: 1h
    properties: {order_id: {fresh: o}}
  - to: {journey: win_back, step: We mis you}
    event: Order Completed
    chance: 1%
    after: 1h
    properties: {order_id: {fresh: o}}
  - to: {step: We miss you}
    event: Order Completed
    chance: 1%
    after: 1h
    properties: {order_id: {fresh: o, carried: p}}
colours: 3
"""

EXPECTED = [
    (1, "a date"),
    (2, "0 where at least 1 belongs"),
    (4, "an IANA time zone"),
    (5, "0 where more than 0 belongs"),
    (6, "a share; write one like 40%"),
    (7, "there is no channel fax"),
    (9, "over 100% together"),
    (10, "there is no purpose spam"),
    (11, "channels are missing"),
    (13, "choices need values"),
    (14, "a trait has no event to come from"),
    (18, "a rate; write one like"),
    (22, "hours with weights"),
    (23, "number where the schema has string"),
    (23, "no property totl"),
    (23, "two numbers are expected"),
    (23, "there is no price above it"),
    (26, "ends after it begins"),
    (27, "a share"),
    (31, "has no property oder_id"),
    (33, "there is no journey win_bak"),
    (38, "win_back has no message 'We mis you'"),
    (43, "a step needs its journey"),
    (47, "says no way to make a value"),
    (48, "unknown key `colours`"),
]


def test_everything_wrong_is_told_with_its_line() -> None:
    with pytest.raises(CompileError) as raised:
        parse_population(WRONG, "mine.yaml", shop())
    told = [(each.place.line, each.message) for each in raised.value.problems]
    missing = [
        (line, text)
        for line, text in EXPECTED
        if not any(at == line and text in said for at, said in told)
    ]
    assert missing == [], "\n".join(f"{line}: {said}" for line, said in told)
    assert all(each.remedy for each in raised.value.problems)
    assert str(raised.value).startswith("mine.yaml:1: SW801 at start: 'soon' is not a date")


def test_unknown_event_is_told_with_what_was_meant() -> None:
    with pytest.raises(CompileError, match='Did you mean "Product Added"'):
        population("behaviours: [{name: adds, event: Product Aded, rate: 3 per 1d}]")


def test_required_property_that_is_missing_is_told() -> None:
    with pytest.raises(CompileError, match="`order_id` is missing"):
        population("behaviours: [{name: a, event: Order Completed, rate: 3 per 1d}]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zones: [{zone: Europe/London, weight: .inf}]", "zones[0].weight"),
        ("traits: {age: {between: [.nan, .nan]}}", "two numbers are expected"),
        ("traits: {age: {choices: {young: .inf}}}", "choices need values"),
        (
            "behaviours: [{name: a, event: Order Completed, rate: 3 per 1d, hours: {3: .inf}}]",
            "hours with weights",
        ),
        (
            "responses: [{event: Order Completed, chance: 1%, after: about 9999999d}]",
            "'about 9999999d' is not a time of 3,660 days at most",
        ),
    ],
)
def test_what_no_number_or_time_can_be_made_of_is_refused(text: str, said: str) -> None:
    with pytest.raises(CompileError) as raised:
        parse_population(text, "p", shop())
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zones: [", "p:1: SW100"),
        ("", "nobody lives anywhere"),
        ("days: 3", "nobody lives anywhere"),
        ("- zones", "a list where a mapping"),
    ],
)
def test_a_file_that_is_no_population_is_refused(text: str, said: str) -> None:
    with pytest.raises(CompileError) as raised:
        parse_population(text, "p", shop())
    assert said in str(raised.value)


def test_what_an_answer_carries_is_checked_against_the_journeys_entry() -> None:
    with pytest.raises(CompileError, match="the event before has no property cart_ident"):
        population("""\
responses:
  - {to: {journey: cart_abandonment}, event: Order Completed, chance: 1%, after: 1h,
     properties: {order_id: {carried: cart_ident}}}
""")


def _told(text: str) -> list[str]:
    with pytest.raises(CompileError) as raised:
        population(text)
    return [f"{each.message} | {each.remedy}" for each in raised.value.problems]


def test_an_unknown_event_that_carries_something_is_one_problem() -> None:
    [told] = _told("""\
behaviours:
  - name: a
    event: First Action
    rate: 1 per 1d
    then:
      - {event: Order Complted, chance: 1%, after: 1h,
         properties: {order_id: {fresh: o}, cart_id: {carried: action}}}
""")
    assert told.startswith('no schema has the event "Order Complted" | Did you mean')


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("price: -3", "-3 is less than the schema's minimum, 0 | Write 0 or more."),
        ("price: {between: [-1.5, 9]}", "-1.5 is less than the schema's minimum, 0"),
        ("price: {choices: [3, -1, 9]}", "-1 is less than the schema's minimum, 0"),
        ("price: {between: [2026-11-20, 2027-01-30]}", "string where the schema has number"),
        ("name: {between: [2, 3]}", "number where the schema has string | Write string"),
        ("name: true", "boolean where the schema has string"),
        ("name: {between: [2027-01-30, 2026-11-20]}", "two numbers are expected, or two dates"),
        ("name: {between: [2026-02-30, 2026-11-20]}", "two numbers are expected, or two dates"),
        (
            "price: {carried: x, plus: [2026-01-30, 2026-11-20]}",
            "two numbers are expected, the lower",
        ),
    ],
)
def test_a_value_that_the_schema_does_not_allow_is_told(properties: str, said: str) -> None:
    ids = "cart_id: {fresh: c}, product_id: p"
    behaviour = (
        f"name: a, event: Product Added, rate: 1 per 1d, properties: {{{ids}, {properties}}}"
    )
    told = _told(f"behaviours: [{{{behaviour}}}]")
    assert len(told) == 1
    assert told[0].startswith(said)


@pytest.mark.parametrize(
    ("known", "value", "said"),
    [
        ({"type": "integer"}, {"between": [1, 2.5]}, "number where the schema has integer"),
        ({"type": "integer"}, {"between": [1, 2]}, None),
        ({"type": "integer"}, 2.0, None),
        ({"type": ["string", "null"]}, "a", None),
        ({"type": ["string", "null"]}, 3, "number where the schema has null or string"),
        ({"type": "number", "maximum": 5}, {"between": [1, 6]}, "6 is more than the schema's max"),
        ({"exclusiveMinimum": 0}, 0, "0 is not more than 0, as the schema asks"),
        ({"exclusiveMaximum": 9}, {"choices": [9, 1]}, "9 is not less than 9, as the schema asks"),
        ({"enum": ["red", "blue"]}, {"choices": ["red", "bleu"]}, "'bleu' is none of the schema's"),
        ({"enum": ["red", "blue"]}, "red", None),
        ({}, {"between": ["2026-11-20", "2026-11-20"]}, None),
    ],
)
def test_a_schemas_type_bounds_and_values_hold(
    known: dict[str, Any], value: object, said: str | None
) -> None:
    schema = {"properties": {"x": known}}
    _, wrong = read_value("x", value, above=(), schema=schema, before=None)
    assert [said and text.startswith(said) for text, _ in wrong] == ([True] if said else [])


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("journey: win_back, step: We miss you, channel: sms", "win_back: we_miss_you goes by sms"),
        ("journey: onboarding, channel: sms", "no message of onboarding goes by sms"),
    ],
)
def test_a_response_to_what_is_never_sent_is_told(to: str, said: str) -> None:
    [told] = _told(f"responses: [{{to: {{{to}}}, event: First Action, chance: 1%, after: 1h}}]")
    assert said in told


def test_dates_are_drawn_from_the_first_to_the_last() -> None:
    read = population("traits: {renewal_date: {between: [2026-12-30, 2027-01-01]}}")
    rng = randomness(1, 7, "dates")
    drawn = {draw_all(read.traits, rng, iter(()), {})["renewal_date"] for _ in range(60)}
    assert drawn == {"2026-12-30", "2026-12-31", "2027-01-01"}


def test_two_behaviours_of_one_name_are_refused() -> None:
    one = "{name: a, event: First Action, rate: 1 per 1d}"
    with pytest.raises(CompileError, match="another behaviour is named a"):
        population(f"behaviours: [{one}, {one}]")


def test_amounts_are_read_as_written() -> None:
    read = population("""\
start: 2026-03-01
days: 7
unknown_zone: 2.5%
behaviours:
  - name: starts
    event: Trial Started
    share: 50%
    rate: 3 per 2d
    hours: {0: 1, 22-24: 2}
    at_most: 1
    then:
      - {event: First Action, chance: 10%, after: about 2h}
      - {event: First Action, chance: 10%, after: 10m to 1h}
      - {event: First Action, chance: 10%, after: 5m}
""")
    assert (read.start, read.days, read.unknown_zone) == (date(2026, 3, 1), 7, 0.025)
    [starts] = read.behaviours
    assert (starts.share, starts.per_day, starts.at_most) == (0.5, 1.5, 1)
    assert starts.hours == (*[1.0] * 22, 3.0, 5.0)
    delays = [each.delay for each in starts.action.then]
    assert delays == [Delay(mean=7_200), Delay(600, 3_600), Delay(300, 300)]


def test_a_response_names_a_step_by_name_or_id() -> None:
    answer = "event: First Action, chance: 1%, after: 1h"
    read = population(f"""\
responses:
  - {{to: {{journey: win_back, step: We miss you}}, {answer}}}
  - {{to: {{journey: win_back, step: we_miss_you}}, {answer}}}
  - {{to: {{channel: sms}}, {answer}}}
""")
    assert [(each.journey, each.step, each.channel) for each in read.responses] == [
        ("win_back", "we_miss_you", None),
        ("win_back", "we_miss_you", None),
        (None, None, "sms"),
    ]
    anything = read.responses[2]
    assert isinstance(anything, Response)
    assert anything.answers("onboarding", "first_nudge", "sms")
    assert not anything.answers("onboarding", "first_nudge", "push")


def test_the_shipped_population_speaks_of_every_shipped_journeys_entry() -> None:
    shipped = shipped_population()
    events = {each.action.event for each in shipped.behaviours}
    journeys = (ROOT / "statemachines" / "journeys").glob("*/journey.yaml")
    entries = [YAML().load(path)["entry"] for path in journeys]
    assert {entry["event"] for entry in entries if "event" in entry} <= events
    cart = shipped.behaviours[0].action.then[0].action
    assert dict(cart.properties)["cart_value"] == Carried("cart_value", Same("price"))
    assert (ROOT / DEFAULT_FILE).is_file()
