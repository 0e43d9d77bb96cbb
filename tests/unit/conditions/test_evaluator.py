"""What conditions mean: values, comparisons, logic, time and loops, case by case."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stepwell.conditions.errors import ConditionError, TreeError
from stepwell.conditions.evaluator import compile_tree, to_cel
from stepwell.journeys.compiler.cel.parser import parse

CONTEXT = {
    "event": to_cel(
        {
            "name": "Order Completed",
            "timestamp": datetime(2026, 11, 24, 21, 14, tzinfo=UTC),
            "properties": {
                "total": 280,
                "quantity": 2.5,
                "order_id": 1234567,
                "currency": "GBP",
                "gift": True,
                "coupon": None,
                "products": [{"sku": "a", "price": 10}, {"sku": "b", "price": 30}],
            },
        }
    ),
    "customer": to_cel({"traits": {}, "consents": {"marketing": {"sms": True}}}),
    "now": datetime(2026, 11, 24, 21, 59, tzinfo=UTC),
}


def value_of(text: str) -> Any:
    return compile_tree(parse(text))(CONTEXT)


@pytest.mark.parametrize(
    "text",
    [
        # JSON's numbers are doubles, and ints compare with them by value
        "event.properties.total == 280",
        "event.properties.total == 280.0",
        "event.properties.total >= 50 && event.properties.total < 280.5",
        "280 in [event.properties.total]",
        "9007199254740993 != 9007199254740992.0",
        # values of different types are not equal, and that is no error
        "event.properties.currency != 1",
        "event.properties.gift != 1 && true != 1.0 && [true] != [1]",
        "event.properties.coupon == null && event.properties.total != null",
        "event.properties.coupon != false",
        '{"a": [1, 2]} == {"a": [1.0, 2.0]}',
        '{"a": 1} != {"b": 1} && [1] != [1, 2] && [1] != {"a": 1}',
        # texts by code point, false before true
        '"Z" < "a" && "a" < "ab" && "z" < "é"',
        "false < true",
        # ints are rounded towards zero, doubles are not rounded
        "7 / 2 == 3 && -7 / 2 == -3 && 7 / -2 == -3",
        "7 % 3 == 1 && -7 % 3 == -1 && 7 % -3 == 1",
        "7.0 / 2.0 == 3.5",
        "1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308",
        "0.0 / 0.0 != 0.0 / 0.0",
        "2 + 3 * 4 == 14 && (2 + 3) * 4 == 20 && 10 - 4 - 3 == 3",
        "-event.properties.total == -280.0 && - -1 == 1",
        # fields, keys, elements
        'event.properties["currency"] == "GBP"',
        "event.properties.products[1].price == 30.0",
        "event.properties.products[1.0].sku == 'b'",
        "has(event.properties.coupon) && !has(event.properties.colour)",
        "!has(customer.traits.vip)",
        "customer.consents.marketing.sms",
        '"sms" in customer.consents.marketing && !("push" in customer.consents.marketing)',
        '!(1 in {"1": true})',
        # texts
        '"GBP".startsWith("G") && "GBP".endsWith("BP") && "GBP".contains("B")',
        '!"GBP".contains("gbp") && "".startsWith("")',
        'size("né😀") == 3 && "né😀".size() == 3',
        'size([1, 2]) == 2 && size({"a": 1}) == 1',
        '"a" + "b" == "ab" && [1] + [2] == [1, 2]',
        # conversions
        'string(event.properties.order_id) == "1234567" && string(2.5) == "2.5"',
        'string(1e21) == "1e+21" && string(-3) == "-3" && string(true) == "true"',
        'int(2.9) == 2 && int(-2.9) == -2 && int("-12") == -12',
        'double("2.5") == 2.5 && double(3) == 3.0 && double("1e3") == 1000.0',
        "int(timestamp('1970-01-01T00:01:00Z')) == 60",
        # time
        "now - event.timestamp == duration('45m')",
        "event.timestamp + duration('1h') > now && now < event.timestamp + duration('45m1s')",
        "timestamp('2026-11-24T22:14:00+01:00') == event.timestamp",
        "timestamp('2026-11-24T21:14:00.5Z') - event.timestamp == duration('500ms')",
        "duration('1h30m') == duration('90m') && duration('-1.5h') < duration('0s')",
        "duration('0.1s') == duration('100ms') && duration('1.0000005s') == duration('1s')",
        "string(now) == '2026-11-24T21:59:00Z' && string(duration('90m')) == '5400s'",
        "string(timestamp('2026-11-24T21:59:00.250Z')) == '2026-11-24T21:59:00.25Z'",
        "string(duration('-250ms')) == '-0.25s'",
        "now.getFullYear() == 2026 && now.getMonth() == 10 && now.getDate() == 24",
        "now.getDayOfMonth() == 23 && now.getDayOfWeek() == 2 && now.getDayOfYear() == 327",
        "now.getHours() == 21 && now.getMinutes() == 59 && now.getSeconds() == 0",
        "now.getHours('Asia/Tokyo') == 6 && now.getDate('Asia/Tokyo') == 25",
        "now.getHours('-05:30') == 16 && now.getMinutes('-05:30') == 29",
        "now.getMilliseconds() == 0 && duration('90m').getHours() == 1",
        "duration('-90s').getMinutes() == -1",
        # loops
        "event.properties.products.exists(p, p.price > 20.0)",
        "!event.properties.products.all(p, p.price > 20.0)",
        "event.properties.products.exists_one(p, p.price > 20.0)",
        "event.properties.products.map(p, p.sku) == ['a', 'b']",
        "event.properties.products.map(p, p.price > 20.0, p.sku) == ['b']",
        "event.properties.products.filter(p, p.price > 20.0).size() == 1",
        "[].all(x, false) && ![].exists(x, true)",
        "customer.consents.exists(purpose, customer.consents[purpose].sms)",
        "[1, 2].all(event, event < 3)",  # a loop's variable hides what has its name
        "[[1], [2]].exists(l, l.exists(x, x == 2)) && event.properties.total == 280",
        # a decided answer absorbs what is wrong elsewhere, on either side
        "true || event.properties.colour == 'red'",
        "event.properties.colour == 'red' || true",
        "!(event.properties.colour == 'red' && false)",
        "!(false && 1 / 0 == 1) && (1 / 0 == 1 || true)",
        "[0, 1].exists(x, 1 / x == 1)",
        "![0, 2].all(x, 1 / x == 1)",
        "event.properties.gift ? true : 1 / 0 == 1",
    ],
)
def test_condition_is_true(text: str) -> None:
    assert value_of(text) is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("event.properties.colour == 'red'", "event.properties.colour: no such key"),
        ("event.property.total", "event.property: no such key"),
        ("event.name.first", "event.name: has no fields, it is string"),
        ("has(event.name.first)", "event.name: has no fields, it is string"),
        ("has(event.property.total)", "event.property: no such key"),
        ("colour", "colour: not known here"),
        ("event.properties['colour']", 'event.properties["colour"]: no such key'),
        ("event.properties.products[2]", "event.properties.products[2]: no such element"),
        ("[1, 2][0.5]", "[1, 2][0.5]: no such element"),
        ("[1, 2][-1]", "[1, 2][-1]: no such element"),
        ("[1]['a']", '[1]["a"]: no [] for list and string'),
        (
            "event.properties.total < 'a'",
            'event.properties.total < "a": cannot compare double with string',
        ),
        ("null < 1", "null < 1: cannot compare null with int"),
        ("1 / 0", "1 / 0: division by zero"),
        ("1 % 0", "1 % 0: division by zero"),
        ("event.properties.total * 2", "event.properties.total * 2: no * for double and int"),
        ("5.0 % 2.0", "5.0 % 2.0: no % for double and double"),
        ("true + true", "true + true: no + for bool and bool"),
        ("9223372036854775807 + 1", "9223372036854775807 + 1: int overflow"),
        ("-9223372036854775808 / -1", "-9223372036854775808 / -1: int overflow"),
        ("-(-9223372036854775808)", "--9223372036854775808: int overflow"),
        ("-event.name", "-event.name: cannot negate string"),
        ("event.name && true", "event.name: is string, not bool"),
        ("!event.name", "event.name: is string, not bool"),
        ("event.name ? 1 : 2", "event.name: is string, not bool"),
        (
            "event.name in event.name",
            "event.name in event.name: cannot look for something in string",
        ),
        ("size(1)", "size(1): size() does not take (int)"),
        ("event.properties.total.startsWith('2')", None),
        ("int(1e19)", "int(1e+19): int overflow"),
        ("int(0.0 / 0.0)", "int(0.0 / 0.0): int overflow"),
        ("int('12a')", 'int("12a"): not a whole number'),
        ("double('1_000')", 'double("1_000"): not a number'),
        ("double('nan')", 'double("nan"): not a number'),
        ("string([1])", "string([1]): string() does not take (list)"),
        ("timestamp('2026-11-24')", None),
        ("timestamp('2026-02-30T00:00:00Z')", None),
        ("timestamp('0001-01-01T00:00:00+01:00')", None),
        ("now + duration('80000000h')", 'now + duration("80000000h"): time out of range'),
        ("duration('7d')", 'duration("7d"): not a duration like "36h" or "1h30m"'),
        ("duration('100000000h')", 'duration("100000000h"): duration out of range'),
        ("now.getHours('Mars/Base')", 'now.getHours("Mars/Base"): not a known time zone'),
        ("now.getHours('../../etc/passwd')", None),
        ("now.getHours('')", 'now.getHours(""): not a known time zone'),
        ("duration('1h').getDate()", None),
        ("event.name.exists(x, true)", None),
        ("[0, 2].exists(x, 1 / x == 1)", "1 / x: division by zero"),
        ("[0, 1].exists_one(x, 1 / x == 1)", "1 / x: division by zero"),
        ("[1].filter(x, x)", "[1].filter(x, x): the condition is int, not bool"),
        ("[1].all(x, x)", "[1].all(x, x): the condition is int, not bool"),
    ],
)
def test_condition_without_a_value_names_the_place(text: str, message: str | None) -> None:
    with pytest.raises(ConditionError) as caught:
        value_of(text)
    assert message is None or str(caught.value) == message


def test_error_never_shows_values_of_the_customer() -> None:
    context = {"customer": to_cel({"traits": {"email": "ada@example.com", "age": 36}})}
    for text in ("customer.traits.email < customer.traits.age", "int(customer.traits.email)"):
        with pytest.raises(ConditionError) as caught:
            compile_tree(parse(text))(context)
        assert "ada" not in str(caught.value)
        assert "36" not in str(caught.value)


def test_to_cel_makes_every_number_a_double_and_keeps_the_rest() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"a": 1, "b": [True, None, "x", 2.5, Decimal("3.5")], "c": {"d": 10**400}, "e": moment}
    found = to_cel(given)
    assert found == {"a": 1.0, "b": [True, None, "x", 2.5, 3.5], "c": {"d": math.inf}, "e": moment}
    assert type(found["a"]) is float
    assert found["b"][0] is True


def test_to_cel_brings_moments_to_utc_and_refuses_those_without_a_zone() -> None:
    local = datetime(2026, 3, 29, 3, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert to_cel(local).utcoffset() == timedelta(0)
    with pytest.raises(TypeError, match="time zone"):
        to_cel(datetime(2026, 1, 1))  # noqa: DTZ001 -- that is the case


def test_to_cel_refuses_what_json_does_not_have() -> None:
    with pytest.raises(TypeError, match="object"):
        to_cel({"a": object()})


@pytest.mark.parametrize(
    "tree",
    [
        [],
        "event",
        {"kind": "name"},
        ["eval", "1"],
        ["call", "__import__", [["string", "os"]]],
        ["call", "size", []],
        ["loop", "reduce", ["list", []], "x", [["bool", True]]],
        ["select", ["name", "a"]],
        ["!"],
        ["int", "x"],
    ],
)
def test_tree_that_no_parser_wrote_is_refused(tree: Any) -> None:
    with pytest.raises(TreeError):
        compile_tree(tree)
