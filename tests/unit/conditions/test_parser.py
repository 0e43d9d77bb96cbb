"""Reading conditions: the tree's form, its stability, and where errors are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stepwell.conditions.tree import source
from stepwell.journeys.compiler.cel.parser import ConditionSyntaxError, parse
from stepwell.journeys.compiler.profile.assembling import read_declarations
from stepwell.journeys.compiler.registry import load_registry

SHIPPED = Path(__file__).parents[3] / "events/schemas"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("null", ["null"]),
        ("true", ["bool", True]),
        ("3", ["int", 3]),
        ("0x1F", ["int", 31]),
        ("-5", ["int", -5]),
        ("3.50", ["double", 3.5]),
        ("1e3", ["double", 1000.0]),
        (r"'a\n\'\x41é\101'", ["string", "a\n'AéA"]),
        (r'r"\d"', ["string", r"\d"]),
        ('"""a\nb"""', ["string", "a\nb"]),
        ("[1, 'a']", ["list", [["int", 1], ["string", "a"]]]),
        ("[]", ["list", []]),
        ("{'a': 1}", ["map", [["a", ["int", 1]]]]),
        ("a.b['c']", ["index", ["select", ["name", "a"], "b"], ["string", "c"]]),
        ("has(a.b)", ["has", ["name", "a"], "b"]),
        ("a && b && c", ["&&", ["name", "a"], ["name", "b"], ["name", "c"]]),
        ("a || b && c", ["||", ["name", "a"], ["&&", ["name", "b"], ["name", "c"]]]),
        ("!a", ["!", ["name", "a"]]),
        ("a - -b", ["-", ["name", "a"], ["negate", ["name", "b"]]]),
        ("a ? b : c", ["?:", ["name", "a"], ["name", "b"], ["name", "c"]]),
        ("a in b", ["in", ["name", "a"], ["name", "b"]]),
        ("a.size()", ["call", "size", [["name", "a"]]]),
        ("a.startsWith('b')", ["call", "startsWith", [["name", "a"], ["string", "b"]]]),
        (
            "a.exists(x, x > 1)",
            ["loop", "exists", ["name", "a"], "x", [[">", ["name", "x"], ["int", 1]]]],
        ),
    ],
)
def test_tree_of_a_condition(text: str, tree: Any) -> None:
    assert parse(text) == tree
    assert json.loads(json.dumps(parse(text))) == tree


def test_same_meaning_gives_the_same_tree() -> None:
    texts = ["a.b >= 50.0 && c", "((a.b)>=50.00)&&c", "a . b >= 5e1 // what is large\n && c"]
    assert len({json.dumps(parse(text)) for text in texts}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "(a + b) * c - (d - e)",
        "!(a && b) || (c ? d : e) == f",
        "(a ? b : c) ? d : e ? f : g",
        "-(a + b) < -c.d[0].e",
        "(a in b) == (c != d)",
        "[a, {'k': b.map(x, x > 1, x + 1)}].size() % 2",
        "now.getHours('Asia/Tokyo') - int(a) >= size('x')",
        "(a || b) && (c || d) && has(e.f)",
    ],
)
def test_source_of_a_tree_reads_as_the_same_tree(text: str) -> None:
    tree = parse(text)
    assert parse(source(tree)) == tree


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the condition is empty"),
        ("a ==", 1, 5, "the condition ends too early"),
        ("a b", 1, 3, "not expected here: b"),
        ("a &&\n && b", 2, 2, "not expected here: &&"),
        ("a @ b", 1, 3, "not expected here: @"),
        ("(a || b", 1, 1, "this ( is never closed"),
        ("a)", 1, 2, "this ) closes nothing"),
        ("a[1)", 1, 4, "this ) closes nothing"),
        ("a ==\n  'b", 2, 3, "this text is never closed with '"),
        (r"a == 'b\q'", 1, 6, r"CEL has no escape \q"),
        (r"'\ud800'", 1, 1, r"\ud800 is no character"),
        ("a == 5u", 1, 6, "Stepwell has neither bytes nor unsigned numbers, like JSON"),
        ("b'x' == a", 1, 1, "Stepwell has neither bytes nor unsigned numbers, like JSON"),
        ("99999999999999999999 > a", 1, 1, "an int has 64 bits; write a double, with a point"),
        ("1e400", 1, 1, "the number is too large"),
        ("Order{id: 1}", 1, 1, 'conditions cannot make messages; a map is written {"key": value}'),
        (".a", 1, 1, "a name does not begin with a point"),
        ("a == while", 1, 6, "while is a reserved word of CEL"),
        ("{1: 2}", 1, 2, "a key of a map has to be a text, as in JSON"),
        ("{'a': 1, 'a': 2}", 1, 10, 'the key "a" is there twice'),
        ("has(a)", 1, 1, "has() takes one field, as in has(event.properties.total)"),
        ("a.map(1, 2)", 1, 7, "the first argument of map() is a variable's name"),
        ("a.all(x)", 1, 3, "all() takes a variable and a condition, as in all(x, x > 1)"),
        ("startsWith(a, 'b')", 1, 1, "startsWith is written x.startsWith(…)"),
        ("a.timestamp()", 1, 3, "timestamp is written timestamp(x)"),
        ("size(a, b)", 1, 1, "size() does not take that many arguments"),
        ("a.startWith('b')", 1, 3, 'there is no function startWith(). Did you mean "startsWith"?'),
        (
            "count('Pricing Viewed', duration('24h')) >= 3",
            1,
            1,
            (
                "count() is not available: declare a computed trait in profile.yaml, "
                "`count_pricing_viewed_24h: {kind: count, event: Pricing Viewed, within: 24h}`, "
                "and read customer.computed.count_pricing_viewed_24h"
            ),
        ),
        (
            "distance_km(a, b) < 5",
            1,
            1,
            "distance_km() does not take that many arguments",
        ),
        ("a.distance_km(1.0, 2.0) < 5", 1, 3, "distance_km is written distance_km(x)"),
        (
            "a.matches('(x+)+y')",
            1,
            3,
            (
                "matches() is not available: Python has no regular expressions in linear time. "
                "Use startsWith, endsWith or contains"
            ),
        ),
        ("[" * 33 + "]" * 33, 1, 33, "brackets are nested deeper than 32 levels"),
        ("!" * 40 + "a", 1, 33, "the condition is nested deeper than 32 levels"),
        ("a" * 4097, 1, 1, "a condition has at most 4096 characters"),
    ],
)
def test_error_has_its_place_and_reason(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)


@pytest.mark.parametrize(
    "call",
    [
        "count('Order Completed', duration('24h'))",
        "count('Order Completed')",
        "sum('Order Completed', event.properties.revenue, duration('180d'))",
        "last('Order Completed')",
        "distinct('Order Completed')",
    ],
)
def test_what_stands_for_a_function_of_the_history_can_be_declared(
    call: str, tmp_path: Path
) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        parse(f"{call} > 3.0")
    line, read = re.findall(r"`(.*)`, and read (.*)", caught.value.message)[0]
    declared = tmp_path / "statemachines/profile.yaml"
    declared.parent.mkdir()
    declared.write_text("computed:\n  " + line.replace("…", "total") + "\n")
    found = read_declarations(tmp_path, load_registry(SHIPPED))
    assert found.problems == ()
    (trait,) = found.document["computed"]
    assert read == f"customer.computed.{trait['name']}"
    assert trait.get("within") == (
        86_400 if "24h" in call else 15_552_000 if "180d" in call else None
    )


def test_condition_with_too_many_parts_is_refused() -> None:
    with pytest.raises(ConditionSyntaxError, match="more than 500 parts"):
        parse(" + ".join(["[1,2,3,4,5,6,7,8]"] * 20 + ["[" + "1," * 400 + "1]"]))


def test_text_that_never_ends_is_found_at_once() -> None:
    with pytest.raises(ConditionSyntaxError, match="never closed"):
        parse('"' + "\\\\" * 1500)


def test_brackets_in_texts_and_comments_do_not_count() -> None:
    assert parse("a == '((' // ]]") == ["==", ["name", "a"], ["string", "(("]]
