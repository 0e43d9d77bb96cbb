"""A published schema promises what it says about a name in whichever of its parts it says it."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.events.registry import validator_of
from stepwell.journeys.compiler.evolution import narrowings

Json = dict[str, Any]
NAMES = ("a", "b", "c")


def event(price: Any, **more: Any) -> Json:
    return {"type": "object", "properties": {"price": price}, **more}


NUMBER = {"type": "number"}
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
A_TEXT, A_WHOLE = {"properties": {"a": TEXT}}, {"properties": {"a": WHOLE}}
LEFT_OVER = {"unevaluatedProperties": False}
PAIR = {"type": "array", "unevaluatedItems": False}
BY_PATTERN = {"patternProperties": {"^x": NUMBER}}


@pytest.mark.parametrize(
    ("old", "new", "good"),
    [
        pytest.param(
            BY_PATTERN, {"properties": {"x1": TEXT}, **BY_PATTERN}, {"x1": 5}, id="by a pattern"
        ),
        pytest.param(
            {"additionalProperties": False, **BY_PATTERN},
            {"additionalProperties": False, "properties": {"x1": TEXT}, **BY_PATTERN},
            {"x1": 5},
            id="by a pattern, closed",
        ),
        pytest.param({"allOf": [A_TEXT]}, {**A_WHOLE, "allOf": [A_TEXT]}, {"a": ""}, id="allOf"),
        pytest.param(
            {"$ref": "#/$defs/b", "required": ["a"], "$defs": {"b": A_TEXT}},
            {"$ref": "#/$defs/b", "required": ["a"], "$defs": {"b": A_TEXT}, **A_WHOLE},
            {"a": ""},
            id="$ref with siblings",
        ),
        pytest.param(
            {"dependentSchemas": {"k": A_TEXT}},
            {"dependentSchemas": {"k": A_TEXT}, **A_WHOLE},
            {"k": 1, "a": ""},
            id="dependentSchemas",
        ),
        pytest.param({"required": ["a"]}, {"required": ["a"], **A_WHOLE}, {"a": ""}, id="required"),
        pytest.param(
            {"dependentRequired": {"k": ["a"]}},
            {"dependentRequired": {"k": ["a"]}, **A_WHOLE},
            {"k": 1, "a": ""},
            id="dependentRequired",
        ),
        pytest.param(
            {"propertyNames": {"maxLength": 1}},
            {"propertyNames": {"maxLength": 1}, **A_WHOLE},
            {"a": ""},
            id="names that the sender chooses",
        ),
        pytest.param(
            {**A_TEXT, "anyOf": [{"required": ["a"]}]},
            {**A_TEXT, "anyOf": [{"required": ["a"], **A_WHOLE}]},
            {"a": ""},
            id="a form of what is named outside",
        ),
        pytest.param(
            {"additionalProperties": TEXT, "anyOf": [{"minProperties": 1}]},
            {"additionalProperties": TEXT, "anyOf": [{"minProperties": 1, **A_WHOLE}]},
            {"a": ""},
            id="a form of what has any name outside",
        ),
        pytest.param(
            {"allOf": [A_TEXT, {"properties": {"b": TEXT}}]},
            {"allOf": [A_TEXT, {"properties": {"b": TEXT, "a": WHOLE}}]},
            {"a": ""},
            id="one part of what another names",
        ),
        pytest.param(
            {"properties": {"in": {}}, "allOf": [{"properties": {"in": A_TEXT}}]},
            {"properties": {"in": A_WHOLE}, "allOf": [{"properties": {"in": A_TEXT}}]},
            {"in": {"a": ""}},
            id="further down",
        ),
        pytest.param(
            {"properties": {"in": {}}, "allOf": [{"additionalProperties": A_TEXT}]},
            {"properties": {"in": A_WHOLE}, "allOf": [{"additionalProperties": A_TEXT}]},
            {"in": {"a": ""}},
            id="further down, of any name",
        ),
        pytest.param(
            {"additionalProperties": {}, "allOf": [{"properties": {"in": A_TEXT}}]},
            {"additionalProperties": A_WHOLE, "allOf": [{"properties": {"in": A_TEXT}}]},
            {"in": {"a": ""}},
            id="further down, for any name",
        ),
        pytest.param(
            event({"items": {}, "allOf": [{"prefixItems": [A_TEXT]}]}),
            event({"items": A_WHOLE, "allOf": [{"prefixItems": [A_TEXT]}]}),
            {"price": [{"a": ""}]},
            id="in an item",
        ),
        pytest.param(
            {"properties": {"a": TEXT, "b": TEXT}, **LEFT_OVER},
            {**A_TEXT, **LEFT_OVER},
            {"b": ""},
            id="a property gone, which is left over now",
        ),
        pytest.param(
            {"allOf": [A_TEXT], **LEFT_OVER}, LEFT_OVER, {"a": ""}, id="a part gone, left over now"
        ),
        pytest.param(
            {"anyOf": [A_TEXT], **LEFT_OVER},
            LEFT_OVER,
            {"a": ""},
            id="forms gone, left over now",
        ),
        pytest.param(
            event({**PAIR, "prefixItems": [TEXT, TEXT]}),
            event({**PAIR, "prefixItems": [TEXT]}),
            {"price": ["", ""]},
            id="an item gone, which is left over now",
        ),
    ],
)
def test_a_name_is_promised_in_whichever_part_it_is(old: Json, new: Json, good: Json) -> None:
    assert validator_of(old).is_valid(good)
    assert narrowings(old, new) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (BY_PATTERN, {**BY_PATTERN, "properties": {"a": TEXT}}),
        (BY_PATTERN, {**BY_PATTERN, "properties": {"x1": NUMBER}}),
        ({"allOf": [A_TEXT]}, {"allOf": [A_TEXT], "properties": {"b": TEXT}}),
        ({"anyOf": [A_TEXT]}, {"anyOf": [{"properties": {"a": TEXT, "b": TEXT}}]}),
        (
            {"properties": {"a": TEXT, "in": {"properties": {"b": TEXT}}}},
            {"properties": {"a": TEXT, "in": {"properties": {"b": TEXT, "a": WHOLE}}}},
        ),
        (event(TEXT, **LEFT_OVER), event({**TEXT, "title": "Price"}, **LEFT_OVER)),
    ],
)
def test_a_name_that_no_part_has_at_this_place_may_still_come(old: Json, new: Json) -> None:
    assert narrowings(old, new) == []


# ---------------------------------------------------------------- generated, in several parts

leaf = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "number"}, {}])
members = st.dictionaries(st.sampled_from(NAMES), leaf, max_size=2)
rest = leaf | st.just(False)


def parts_of(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    several = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": members,
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=1),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b|c"]), leaf, max_size=1),
            "dependentSchemas": st.dictionaries(st.sampled_from(NAMES), inner, max_size=1),
            "additionalProperties": rest,
            "unevaluatedProperties": rest,
            "allOf": several,
            "anyOf": several,
        },
    )


parts = parts_of(parts_of(st.fixed_dictionaries({}, optional={"properties": members})))


@st.composite
def changed(draw: st.DrawFn, schema: Json) -> Json:
    """Some keywords gone, one here or there another, a property more."""
    fresh, new = draw(parts), {}
    for keyword, value in schema.items():
        fate = draw(st.integers(0, 5))
        if fate == 0 and keyword in fresh:
            new[keyword] = fresh[keyword]
        elif fate == 1 and keyword in ("allOf", "anyOf"):
            new[keyword] = [draw(changed(each)) for each in value]
        elif fate == 1 and keyword == "properties":
            new[keyword] = {**value, **draw(members)}
        elif fate != 2:
            new[keyword] = value
    return {"properties": draw(members), **new} if draw(st.booleans()) else new


def named(schema: Any) -> set[str]:
    """The names of a schema whose members have none in turn; all where it is about any name."""
    if isinstance(schema, list):
        return {name for each in schema for name in named(each)}
    if not isinstance(schema, dict):
        return set()
    if "additionalProperties" in schema or "unevaluatedProperties" in schema:
        return set(NAMES)
    own = {*schema.get("properties", ()), *schema.get("dependentSchemas", ())}
    for pattern in schema.get("patternProperties", ()):
        own |= {name for name in NAMES if re.search(pattern, name)}
    inner = [*schema.get("allOf", ()), *schema.get("anyOf", ())]
    return own | named([*inner, *schema.get("dependentSchemas", {}).values()])


EVENTS = [
    {name: value for name, value in zip(NAMES, row, strict=True) if value is not None}
    for row in itertools.product((None, "", 1, 0.5), repeat=3)
]


@settings(max_examples=settings().max_examples * 5)
@given(parts.flatmap(lambda old: st.tuples(st.just(old), changed(old))))
def test_after_a_free_change_in_any_part_every_event_that_was_good_is_good(
    pair: tuple[Json, Json],
) -> None:
    old, new = pair
    if narrowings(old, new):
        return
    before, after, promised = validator_of(old), validator_of(new), named(old)
    for each in EVENTS:
        if each.keys() <= promised and before.is_valid(each):
            assert after.is_valid(each), (old, new, each)
