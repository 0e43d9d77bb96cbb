"""What the type checker finds, in the words in which it says so."""

from __future__ import annotations

import pytest

from stepwell.journeys.compiler.cel.kinds import BOOL, DOUBLE, DURATION, INT, STRING, Type
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.journeys.compiler.cel.types import check_condition, check_types
from stepwell.journeys.compiler.registry import EventRegistry

REGISTRY = EventRegistry(
    {
        "Product Added": {
            1: {
                "title": "Product Added",
                "properties": {
                    "cart_id": {"type": "string"},
                    "cart_value": {"type": "number"},
                    "quantity": {"type": "integer"},
                    "coupon": {"type": ["string", "null"]},
                    "added_at": {"type": "string", "format": "date-time"},
                    "products": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"price": {"type": "number"}}},
                    },
                },
                "type": "object",
            }
        },
        "Trial Started": {1: {"type": "object", "properties": {"plan": {"type": "string"}}}},
    }
)
ENVIRONMENT = REGISTRY.environment(event="Product Added", entry_event="Trial Started")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("event.properties.cart_value >= 50", BOOL),
        ("event.properties.cart_id", STRING),
        ("event.properties['cart_value'] * 2.0", DOUBLE),
        ("int(event.properties.quantity) % 2", INT),
        ("now - event.timestamp", DURATION),
        ("now - enrollment.entered_at > duration('1h')", BOOL),
        ("timestamp(event.properties.added_at) < now", BOOL),
        ("enrollment.event.properties.plan == 'pro' && event.name != ''", BOOL),
        ("event.properties.coupon == null || event.properties.coupon == 'X'", BOOL),
        ("event.properties.products.exists(p, p.price > 20)", BOOL),
        ("event.properties.products.map(p, p.price)[0]", DOUBLE),
        ("has(customer.traits.vip) && customer.traits.vip == true", BOOL),
        ("customer.traits.anything.at.all > 3", BOOL),
        ('has(customer.group.plan) && customer.group.plan == "pro"', BOOL),
        ("customer.traits.score * 2.0 + 1.0", DOUBLE),
        ("customer.consents.marketing.sms", BOOL),
        ("'marketing' in customer.consents && customer.id != ''", BOOL),
        ("customer.consents.all(p, customer.consents[p].sms)", BOOL),
        ("'vip' in customer.traits.tags", BOOL),
        ("size(event.properties.cart_id) + size(event.properties.products)", INT),
        ("now.getHours('Europe/Berlin') < 12 ? 'am' : 'pm'", STRING),
        ("-event.properties.cart_value", DOUBLE),
        ("{'a': 1}.a", INT),
    ],
)
def test_type_of_a_condition_without_problems(text: str, found: Type) -> None:
    assert check_types(parse(text), ENVIRONMENT) == (found, [])


@pytest.mark.parametrize(
    ("text", "code", "message", "remedy"),
    [
        (
            "event.properties.cart_valeu >= 50",
            "SW521",
            '`event.properties` has no cart_valeu in the schema of "Product Added"',
            'Did you mean "cart_value"?',
        ),
        (
            "has(event.properties.cart_valeu)",
            "SW521",
            '`event.properties` has no cart_valeu in the schema of "Product Added"',
            'Did you mean "cart_value"?',
        ),
        (
            "event.properties.products.all(p, p.prize > 1)",
            "SW521",
            '`p` has no prize in the schema of "Product Added"',
            'Did you mean "price"?',
        ),
        (
            "event.__class__ == ''",
            "SW521",
            "`event` has no __class__ in an event",
            "There are: id, name, properties, timestamp, type.",
        ),
        ("evnt.name == ''", "SW520", "evnt is not known here", 'Did you mean "event"?'),
        (
            "event.properties.cart_id > 3",
            "SW522",
            "`event.properties.cart_id > 3` compares string with int",
            "Write the number without quotes, or convert with double(…) or string(…).",
        ),
        (
            "event.properties.cart_value == '50'",
            "SW522",
            (
                '`event.properties.cart_value == "50"` compares double with string, '
                "which are never equal"
            ),
            "Write the number without quotes, or convert with double(…) or string(…).",
        ),
        (
            "customer.traits.renewal_date < now",
            "SW522",
            "`customer.traits.renewal_date < now` compares json with timestamp",
            "Write timestamp(…) around the text.",
        ),
        (
            "now - event.timestamp > '1h'",
            "SW522",
            '`now - event.timestamp > "1h"` compares duration with string',
            "Write duration(…) around the text.",
        ),
        (
            "event.properties.cart_value * 2 > 3",
            "SW522",
            "`event.properties.cart_value * 2`: no * for double and int",
            "Numbers of events and traits are doubles: write 2.0 for 2, or double(…).",
        ),
        (
            "customer.traits.orders + 1 > 3",
            "SW522",
            "`customer.traits.orders + 1`: no + for json and int",
            "Numbers of events and traits are doubles: write 2.0 for 2, or double(…).",
        ),
        (
            "event.properties.quantity % 2 == 0",
            "SW522",
            "`event.properties.quantity % 2`: no % for double and int",
            "% is for ints: write int(…) around the number.",
        ),
        (
            "event.name && true",
            "SW522",
            "`event.name` is string, not bool",
            "Compare it with something.",
        ),
        (
            "event.properties.cart_value",
            "SW522",
            "the condition `event.properties.cart_value` is double, not bool",
            "Compare it with something.",
        ),
        (
            "event.name.first == ''",
            "SW522",
            "`event.name` is string and has no field first",
            "Only maps have fields.",
        ),
        (
            "event.properties.products['a'] == 1",
            "SW522",
            '`event.properties.products["a"]`: no [] for list(map) and string',
            "A list takes a number, a map takes a text.",
        ),
        (
            "size(event.properties.cart_value) > 1",
            "SW522",
            "`size(event.properties.cart_value)`: size() does not take double",
            "It takes list or map or string.",
        ),
        (
            "'a' in event.name",
            "SW522",
            '`"a" in event.name` looks for something in string',
            "Only lists and maps contain; texts have contains().",
        ),
        (
            "1 in ['a']",
            "SW522",
            '`1 in ["a"]` looks for int in list(string), where it can never be',
            "Write the number without quotes, or convert with double(…) or string(…).",
        ),
        (
            "event.name.all(x, true)",
            "SW522",
            "`event.name.all(x, true)` loops over string",
            "Loop over a list or a map.",
        ),
        (
            "now - event.timestamp > duration('7d')",
            "SW523",
            'duration("7d"): not a duration like "36h" or "1h30m"',
            "A week is 168h.",
        ),
        (
            "now > timestamp('2026-02-30T00:00:00Z')",
            "SW523",
            'timestamp("2026-02-30T00:00:00Z"): not a moment like 2026-11-24T21:59:00Z',
            "Correct the text.",
        ),
        ("-event.name == ''", "SW522", "`-event.name` negates string", "Negate a number."),
    ],
)
def test_problem_in_words(text: str, code: str, message: str, remedy: str) -> None:
    (problem,) = check_condition(parse(text), ENVIRONMENT)
    assert (problem.code, problem.message, problem.remedy) == (code, message, remedy)


def test_all_problems_are_found_and_each_is_said_once() -> None:
    text = "event.properties.a == 1 && event.properties.b == 2 && event.properties.a == 3"
    problems = check_condition(parse(text), ENVIRONMENT)
    assert [problem.message.split(" in ")[0] for problem in problems] == [
        "`event.properties` has no a",
        "`event.properties` has no b",
    ]


def test_one_mistake_is_one_problem() -> None:
    assert len(check_condition(parse("evnt.a.b > 3 && size(evnt.c) == 1"), ENVIRONMENT)) == 1


def test_names_depend_on_what_has_happened() -> None:
    before, at_entry = REGISTRY.environment(), REGISTRY.environment(event="Product Added")
    assert check_condition(parse("event.name == ''"), before)[0].code == "SW520"
    assert check_condition(parse("event.name == ''"), at_entry) == []
    assert check_condition(parse("enrollment.event.name == ''"), at_entry)[0].code == "SW520"


def test_properties_of_an_unregistered_event_may_be_anything() -> None:
    environment = REGISTRY.environment(event="Order Complet")
    assert check_condition(parse("event.properties.total > 3"), environment) == []
