"""Conditions reach data and nothing else, and cost no more than they may."""

from __future__ import annotations

import time
from typing import Any

import pytest

from stepwell.conditions.errors import ConditionError, TreeError
from stepwell.conditions.evaluator import compile_tree, to_cel
from stepwell.journeys.compiler.cel.parser import ConditionSyntaxError, parse

CONTEXT = {
    "event": to_cel({"name": "x", "properties": {"list": [1, 2], "text": "abc"}}),
    "big": to_cel(list(range(5000))),
    "text": "a" * 60_000,
}


def value_of(text: str) -> Any:
    return compile_tree(parse(text))(CONTEXT)


@pytest.mark.parametrize(
    "text",
    [
        "event.__class__",
        "event['__class__']",
        "event.name.__class__.__mro__",
        "event.name.format",
        "event.properties.list.append",
        "event.properties.list['__len__']",
        "event.keys",
        "event.get",
        "event.name['upper']",
        "now",
        "__builtins__",
        "self",
        "[].__class__",
        "''.__doc__",
        "{}.items",
    ],
)
def test_no_way_to_an_attribute(text: str) -> None:
    with pytest.raises(ConditionError):
        value_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "event.get('name')",
        "event.name.upper()",
        "eval('1')",
        "event.name.format()",
    ],
)
def test_no_way_to_a_python_function(text: str) -> None:
    with pytest.raises(ConditionSyntaxError, match="there is no function"):
        parse(text)


def test_the_budget_of_loops_has_no_name() -> None:
    with pytest.raises(ConditionSyntaxError):
        parse("[1].map(x, (budget))[0] == (budget")
    with pytest.raises(ConditionError, match="budget: not known here"):
        value_of("[1].map(x, budget)")


@pytest.mark.parametrize(
    "text",
    [
        "big.exists(x, big.exists(y, x + y < 0.0))",
        "big.all(x, big.exists(y, x == y))",
        "big.all(x, x in big)",
        "big.all(x, big == big)",
        "big.map(x, big.map(y, y)) == []",
        "big.map(x, big + big) == []",
        "big.map(x, text + text) == []",
        "big.all(x, !text.contains('b'))",
        "[big].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x) == []",
        "[text].map(x, x + x).map(x, x + x) == []",
        "[[1]]" + ".map(x, [x, x])" * 20 + " == [[1]]" + ".map(x, [x, x])" * 20,
    ],
)
def test_expensive_condition_is_stopped(text: str) -> None:
    try:
        expression = compile_tree(parse(text))
    except ConditionSyntaxError as problem:
        assert "nested deeper" in problem.message  # noqa: PT017 -- as good a stop as the other
        return
    began = time.perf_counter()
    with pytest.raises(ConditionError, match=r"steps|longer"):
        expression(CONTEXT)
    assert time.perf_counter() - began < 5  # without limits it would be hours, not a slow machine


def test_values_that_double_in_size_are_stopped_when_compared() -> None:
    doubling = "[1]" + ".map(x, [x, x])" * 14
    with pytest.raises(ConditionError, match="steps"):
        value_of(f"{doubling} == {doubling}")


def test_data_nested_too_deep_is_refused() -> None:
    data: Any = []
    for _ in range(1000):
        data = [data]
    with pytest.raises(ConditionError, match="nested deeper than 64"):
        to_cel(data)
    for _ in range(100):
        data = data[0]
    with pytest.raises(ConditionError, match="nested deeper"):
        compile_tree(parse("a == a"))({"a": data})


def test_tree_nested_too_deep_or_too_wide_is_refused() -> None:
    deep: Any = ["bool", True]
    for _ in range(100_000):
        deep = ["!", deep]
    wide = ["&&", *[["bool", True]] * 10_000]
    for tree in (deep, wide):
        with pytest.raises(TreeError, match="too large"):
            compile_tree(tree)


def test_widest_and_deepest_condition_that_parses_also_compiles() -> None:
    chain = " && ".join(["a.b == 1"] * 120)
    assert compile_tree(parse(chain))({"a": {"b": 1.0}}) is True
    nested = "[" * 30 + "1" + "]" * 30 + "[0]"
    assert compile_tree(parse(nested))({}) is not None
