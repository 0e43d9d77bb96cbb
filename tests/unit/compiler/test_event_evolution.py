"""How published events may change: each rule, and that no change is harmless which is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepwell.events.registry import validator_of
from stepwell.journeys.compiler.evolution import narrowings

Json = dict[str, Any]


def event(price: Any, **more: Any) -> Json:
    return {"type": "object", "properties": {"price": price}, **more}


NUMBER = {"type": "number"}
TEXT = {"type": "string"}
MONEY = {"$defs": {"money": {"type": "number"}}}


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        (event(NUMBER), event(TEXT), "properties.price", "type"),
        (event(NUMBER), event({"type": "integer"}), "properties.price", "type"),
        (event({"type": ["string", "null"]}), event(TEXT), "properties.price", "type"),
        (event({}), event(TEXT), "properties.price", "type"),
        (event({"enum": [1, 2]}), event({"enum": [1]}), "properties.price", "enum"),
        (event(TEXT), event({**TEXT, "enum": ["a"]}), "properties.price", "enum"),
        (event({"const": 1}), event({"const": True}), "properties.price", "enum"),
        (event(NUMBER), event({**NUMBER, "minimum": 0}), "properties.price", "minimum"),
        (
            event({**NUMBER, "minimum": 0}),
            event({**NUMBER, "exclusiveMinimum": 0}),
            "properties.price",
            "minimum",
        ),
        (
            event({**NUMBER, "maximum": 9}),
            event({**NUMBER, "maximum": 8}),
            "properties.price",
            "maximum",
        ),
        (event(TEXT), event({**TEXT, "maxLength": 3}), "properties.price", "maxLength"),
        (event(TEXT), event({**TEXT, "minLength": 1}), "properties.price", "minLength"),
        (event(TEXT), event({**TEXT, "pattern": "^a"}), "properties.price", "pattern"),
        (event(TEXT), event({**TEXT, "format": "date"}), "properties.price", "format"),
        (
            event({**NUMBER, "multipleOf": 2}),
            event({**NUMBER, "multipleOf": 4}),
            "properties.price",
            "multipleOf",
        ),
        (event({}), event({"uniqueItems": True}), "properties.price", "uniqueItems"),
        (event(NUMBER), event(NUMBER, required=["price"]), "properties.price", "required"),
        (event(NUMBER), event(NUMBER, required=["new"]), "properties.new", "required"),
        (event(NUMBER), event(NUMBER, additionalProperties=False), "properties.*", "closed"),
        (
            event(NUMBER, additionalProperties=False),
            {"type": "object", "properties": {}, "additionalProperties": False},
            "properties.price",
            "closed",
        ),
        (
            event({"type": "array", "items": event(NUMBER)}),
            event({"type": "array", "items": event(TEXT)}),
            "properties.price[].price",
            "type",
        ),
        (
            event({"prefixItems": [NUMBER]}),
            event({"prefixItems": [NUMBER, TEXT]}),
            "properties.price[1]",
            "type",
        ),
        (
            event({"type": "object", "additionalProperties": NUMBER}),
            event({"type": "object", "properties": {"a": TEXT}, "additionalProperties": NUMBER}),
            "properties.price.a",
            "type",
        ),
        (event({"anyOf": [NUMBER, TEXT]}), event({"anyOf": [NUMBER]}), "properties.price", "anyOf"),
        (event(NUMBER), event({**NUMBER, "allOf": [{"minimum": 0}]}), "properties.price", "allOf"),
        (event({"not": TEXT}), event({"not": NUMBER}), "properties.price", "not"),
        (
            event({"$ref": "#/$defs/money"}, **MONEY),
            event({"$ref": "#/$defs/money"}, **{"$defs": {"money": {"type": "integer"}}}),
            "properties.price",
            "type",
        ),
        (
            event({"not": {"$ref": "#/$defs/money"}}, **MONEY),
            event({"not": {"$ref": "#/$defs/money"}}, **{"$defs": {"money": {"type": "string"}}}),
            "properties.price",
            "not",
        ),
        (event({}), event({"madeUp": 1}), "properties.price", "madeUp"),
    ],
)
def test_a_change_that_refuses_what_was_accepted_is_named(
    old: Json, new: Json, path: str, rule: str
) -> None:
    assert (path, rule) in {(each.path, each.rule) for each in narrowings(old, new)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (event(NUMBER), {**event({**NUMBER, "description": "More"}), "title": "Another"}),
        (event(NUMBER), event({"type": ["number", "null"]})),
        (event({"type": "integer"}), event(NUMBER)),
        (event(NUMBER), {"type": "object", "properties": {"price": NUMBER, "new": TEXT}}),
        (event(NUMBER), {"type": "object", "properties": {}}),
        (event(NUMBER, required=["price"]), event(NUMBER)),
        (event({"enum": [1, 2]}), event({"enum": [3, 2.0, 1]})),
        (event({**NUMBER, "exclusiveMinimum": 0}), event({**NUMBER, "minimum": 0})),
        (event({**NUMBER, "maximum": 8}), event({**NUMBER, "exclusiveMaximum": 9})),
        (event({**TEXT, "pattern": "^a", "format": "date"}), event(TEXT)),
        (event({**NUMBER, "multipleOf": 4}), event({**NUMBER, "multipleOf": 2})),
        (event(NUMBER, additionalProperties=False), event(NUMBER)),
        (event({"anyOf": [NUMBER]}), event({"anyOf": [TEXT, NUMBER]})),
        (event({"allOf": [NUMBER, {"minimum": 0}]}), event({"allOf": [NUMBER]})),
        (event({"$ref": "#/$defs/money"}, **MONEY), event(NUMBER)),
        (event({"properties": {"title": TEXT}}), event({"properties": {"title": TEXT}})),
    ],
)
def test_a_change_that_accepts_all_that_was_accepted_is_free(old: Json, new: Json) -> None:
    assert narrowings(old, new) == []


def test_annotations_are_not_mistaken_for_properties_of_the_same_name() -> None:
    old, new = ({"type": "object", "properties": {"title": each}} for each in (NUMBER, TEXT))
    assert [each.path for each in narrowings(old, new)] == ["properties.title"]


# ---------------------------------------------------------------- generated

NAMES = ("a", "b", "c")
small = st.integers(-1, 3)
values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 0, 1, 2, 0.5, -1, 3, "", "a", "ab", "abc", "2026-11-24"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "z"]), inner)
    ),
    max_leaves=6,
)


def bounded(low: str, high: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional={low: small, high: small})


texts = st.builds(
    lambda sizes, more: {"type": "string", **sizes, **more},
    st.fixed_dictionaries(
        {}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(0, 3)}
    ),
    st.fixed_dictionaries(
        {}, optional={"pattern": st.sampled_from(["^a", "b"]), "format": st.just("date")}
    ),
)
numbers = st.builds(
    lambda kind, some, more, step: {"type": kind, **some, **more, **step},
    st.sampled_from(["number", "integer"]),
    bounded("minimum", "maximum"),
    bounded("exclusiveMinimum", "exclusiveMaximum"),
    st.fixed_dictionaries({}, optional={"multipleOf": st.integers(1, 4)}),
)
leaves = st.one_of(
    texts,
    numbers,
    st.booleans(),
    st.builds(
        lambda kinds: {"type": kinds},
        st.lists(st.sampled_from(["string", "number", "null", "boolean"]), min_size=1, unique=True),
    ),
    st.builds(
        lambda some: {"enum": some},
        st.lists(st.sampled_from([None, True, 1, 2, "a", ""]), min_size=1, max_size=3),
    ),
)


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 3),
            "uniqueItems": st.booleans(),
        },
    )
    combined = st.one_of(
        *(
            st.builds(
                lambda some, keyword=keyword: {keyword: some},
                st.lists(inner, min_size=1, max_size=2),
            )
            for keyword in ("anyOf", "allOf", "oneOf")
        ),
        st.builds(lambda one: {"not": one}, inner),
    )
    return arrays | objects(inner) | combined


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(NAMES), inner)},
        optional={
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            "additionalProperties": inner,
            "minProperties": st.integers(0, 2),
        },
    )


schemas = objects(st.recursive(leaves, grown, max_leaves=4))


def only_promised(schema: Any) -> Any:
    """The schema that takes no property without a name in it, but for one that no schema names."""
    if isinstance(schema, list):
        return [only_promised(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        keyword: {name: only_promised(each) for name, each in value.items()}
        if keyword == "properties"
        else value
        if keyword in ("enum", "required")
        else only_promised(value)
        for keyword, value in schema.items()
    }
    if schema.get("additionalProperties", True) is True:
        closed["additionalProperties"] = False
        closed["patternProperties"] = {"^z$": True}
    return closed


@st.composite
def changes(draw: st.DrawFn) -> tuple[Json, Json]:
    """An event's schema and another one, which is often only a little different."""
    old = draw(schemas)
    if draw(st.booleans()):
        return old, draw(schemas)
    new = {**old, "properties": dict(old["properties"])}
    for name in NAMES:
        if draw(st.booleans()):
            new["properties"][name] = draw(st.recursive(leaves, grown, max_leaves=3))
    if draw(st.booleans()):
        new.pop("additionalProperties", None)
    if draw(st.booleans()):
        new.pop("required", None)
    return old, new


@given(
    changes(),
    st.lists(st.dictionaries(st.sampled_from([*NAMES, "z"]), values), min_size=1, max_size=20),
)
def test_after_a_free_change_every_event_that_was_good_is_good(
    change: tuple[Json, Json], events: list[Json]
) -> None:
    old, new = change
    if narrowings(old, new):
        return
    before, after = validator_of(only_promised(old)), validator_of(new)
    for each in events:
        assert not before.is_valid(each) or after.is_valid(each), (old, new, each)


enums = st.builds(
    lambda some: {"enum": some},
    st.lists(st.sampled_from([None, True, 1, 2, "a", ""]), min_size=1, max_size=4),
)
short = st.sampled_from([{"type": "string"}, {"type": "number"}, {"enum": [1, "a"]}, True])
lists = st.fixed_dictionaries(
    {"type": st.just("array")},
    optional={
        "items": short,
        "uniqueItems": st.booleans(),
        "minItems": st.integers(0, 1),
        "prefixItems": st.lists(short, min_size=1, max_size=1),
    },
)
forms = st.builds(
    lambda keyword, some: {keyword: some},
    st.sampled_from(["anyOf", "allOf"]),
    st.lists(short, min_size=1, max_size=2),
)
pairs = st.one_of(*(st.tuples(each, each) for each in (texts, numbers, enums, lists, forms)))
WORDS: list[Any] = [None, True, 0, 1, 2, 0.5, -1, 3, "", "a", "ab", "abc", "2026-11-24"]
ALL_SHORT = [*WORDS, [], *([one] for one in WORDS), *([one, two] for one in WORDS for two in WORDS)]


@settings(max_examples=settings().max_examples * 5)
@given(pairs)
def test_after_a_free_change_of_a_property_every_value_of_it_is_good(pair: tuple[Any, Any]) -> None:
    old, new = pair
    if narrowings(event(old), event(new)):
        return
    before, after = validator_of({"allOf": [old]}), validator_of({"allOf": [new]})
    for value in ALL_SHORT:
        assert not before.is_valid(value) or after.is_valid(value), (old, new, value)


@given(schemas)
@example({"type": "object", "properties": {}})
def test_no_change_is_a_free_one(schema: Json) -> None:
    assert narrowings(schema, {**schema, "description": "The same."}) == []
