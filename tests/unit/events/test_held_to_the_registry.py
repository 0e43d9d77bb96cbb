"""Events held to the registry as ingest holds them: versions, errors with their paths, patience."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from stepwell.events.envelope import Reader
from stepwell.events.model import EventType
from stepwell.events.registry import (
    MAX_PROBLEMS,
    VERSION_FIELD,
    Registry,
    UnknownEvents,
    load_registry,
    validator_of,
)
from stepwell.timestamps import from_text

NOW = from_text("2026-11-24T21:14:00Z")
ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string"},
        "total": {"type": "number", "minimum": 0},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "due": {"type": "string", "format": "date"},
        "products": {
            "type": "array",
            "items": {"type": "object", "properties": {"price": {"type": "number"}}},
        },
    },
    "required": ["order_id"],
}
CLOSED = {**ORDER, "additionalProperties": False, "required": ["order_id", "total"]}
REGISTRY = Registry({"Order Completed": {1: ORDER, 3: CLOSED}}, version="abc")


def problems(properties: dict[str, Any], version: Any = None) -> list[tuple[str, str]]:
    context = {} if version is None else {"protocols": {"event_version": version}}
    return REGISTRY.problems(EventType.TRACK, "Order Completed", properties, context)


def test_every_error_has_its_path_and_no_value() -> None:
    found = problems(
        {
            "order_id": 7,
            "total": -2,
            "currency": "gbp",
            "due": "soon",
            "products": [{"price": 1}, {"price": "9,50"}],
        }
    )
    assert sorted(found) == [
        ("properties.currency", "must match ^[A-Z]{3}$"),
        ("properties.due", "must be a date"),
        ("properties.order_id", "must be a text"),
        ("properties.products[1].price", "must be a number"),
        ("properties.total", "must be at least 0"),
    ]


def test_what_is_missing_or_too_much_is_named_by_its_own_path() -> None:
    assert problems({}) == [("properties.order_id", "is required")]
    assert problems({"order_id": "1", "total": 2, "more": 1, "most": 2}, 3) == [
        ("properties.more", "is a property that the event does not have"),
        ("properties.most", "is a property that the event does not have"),
    ]


@pytest.mark.parametrize(
    ("version", "is_first"), [(None, True), ("", True), (1, True), ("1", True), (3, False)]
)
def test_an_event_is_of_the_version_it_names_and_else_of_the_oldest(
    version: Any, is_first: bool
) -> None:
    assert (problems({"order_id": "1"}, version) == []) is is_first


@pytest.mark.parametrize("version", ["3", 3.0])
def test_a_version_may_be_a_text(version: Any) -> None:
    assert problems({"order_id": "1"}, version) == [("properties.total", "is required")]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (2, "there is no such version of this event; there is 1, 3"),
        ("2", "there is no such version"),
        ("9" * 400, "there is no such version"),
        (1e300, "there is no such version"),
        (1.5, "must be a whole number"),
        ("one", "must be a whole number"),
        (True, "must be a whole number"),
        ([1], "must be a whole number"),
    ],
)
def test_a_version_that_there_is_none_of_is_refused(version: Any, said: str) -> None:
    [(path, text)] = problems({"order_id": "1"}, version)
    assert path == VERSION_FIELD
    assert said in text


@pytest.mark.parametrize("protocols", [None, 3, [], {}, {"event_version": None}])
def test_a_context_that_names_no_version_names_none(protocols: Any) -> None:
    context = {"protocols": protocols}
    assert REGISTRY.problems(EventType.TRACK, "Order Completed", {"order_id": "1"}, context) == []


def test_null_is_as_good_as_left_out() -> None:
    assert problems({"order_id": "1", "total": None, "products": [{"price": None}]}) == []
    assert problems({"order_id": None}) == [("properties.order_id", "is required")]
    assert problems({"order_id": "1", "products": [None]}) == [
        ("properties.products[0]", "must be an object")
    ]


def test_nulls_that_the_schema_takes_stay_beside_those_that_it_does_not() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "string"},
            "c": {
                "type": "array",
                "items": {"type": "object", "properties": {"d": {"type": "number"}}},
            },
        },
        "required": ["a"],
    }
    registry = Registry({"Seen": {1: schema}}, version="abc")
    good = {"a": None, "b": None, "c": [{"d": None}, {"d": 1}]}
    assert registry.problems(EventType.TRACK, "Seen", good, {}) == []
    bad = {"a": None, "b": None, "c": [{"d": "x"}]}
    found = registry.problems(EventType.TRACK, "Seen", bad, {})
    assert found == [("properties.c[0].d", "must be a number")]


def test_null_that_the_schema_asks_for_is_a_value() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}
    registry = Registry({"A": {1: schema}})
    assert registry.problems(EventType.TRACK, "A", {"a": None}, {}) == []


def test_unknown_events_are_accepted_or_not_as_the_stage_says() -> None:
    strict = Registry({}, unknown=UnknownEvents.QUARANTINE)
    assert REGISTRY.problems(EventType.TRACK, "Sneezed", {}, {}) == []
    said = 'the registry has no event "Sneezed"'
    assert strict.problems(EventType.TRACK, "Sneezed", {}, {}) == [("event", said)]
    assert strict.problems(EventType.PAGE, "Page Viewed", {}, {})[0][0] == "type"


def test_a_compiled_registry_is_read() -> None:
    text = json.dumps({"events": {"Order Completed": {"1": ORDER, "3": CLOSED}}})
    read = load_registry(text, "abc", UnknownEvents.QUARANTINE)
    assert read.events == REGISTRY.events
    assert (read.version, read.unknown) == ("abc", UnknownEvents.QUARANTINE)


# ---------------------------------------------------------------- in the envelope


def reader(registry: Registry = REGISTRY) -> Reader:
    return Reader("shop", NOW, lambda: "made", registry=lambda: registry)


def test_a_batch_names_the_call_and_the_field() -> None:
    good = {"type": "track", "userId": "ada", "event": "Order Completed"}
    calls = [
        {**good, "properties": {"order_id": "1"}},
        {**good, "properties": {"order_id": "1", "total": "x"}},
        {**good, "context": {"protocols": {"event_version": 9}}},
        {"type": "identify", "userId": "ada", "traits": {"total": "x"}},
    ]
    received = reader().read("batch", {"batch": calls})
    assert len(received.events) == 2
    assert [each.error.problems[0][0] for each in received.refused] == [
        "batch[1].properties.total",
        f"batch[2].{VERSION_FIELD}",
    ]


def test_pages_and_screens_are_events_by_the_names_that_journeys_know() -> None:
    schema = {"type": "object", "properties": {"name": {"enum": ["Home"]}}, "required": ["name"]}
    registry = Registry({"Page Viewed": {1: schema}, "Screen Viewed": {1: schema}})
    for kind in ("page", "screen"):
        sent = {"userId": "ada", "name": "Home"}
        assert len(reader(registry).read(kind, sent).events) == 1
        [refused] = reader(registry).read(kind, {**sent, "name": "Exit"}).refused
        assert refused.error.problems == [("properties.name", 'must be one of "Home"')]


def test_a_consent_is_whole_whatever_the_registry_says() -> None:
    anything = Registry({"Consent Updated": {1: {"type": "object", "properties": {}}}})
    call = {"userId": "ada", "event": "Consent Updated", "properties": {"status": "granted"}}
    for registry in (anything, Registry()):
        [refused] = reader(registry).read("track", call).refused
        assert refused.error.problems[0][0] == "properties.purpose"


def test_without_a_name_the_registry_is_not_even_asked_for() -> None:
    def unavailable() -> Registry:
        raise AssertionError

    asked = Reader("shop", NOW, lambda: "made", registry=unavailable)
    assert len(asked.read("identify", {"userId": "ada"}).events) == 1


# ---------------------------------------------------------------- nothing keeps it busy


def test_a_hostile_pattern_takes_linear_time() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    registry = Registry({"A": {1: schema}})
    start = time.process_time()
    for _ in range(20):
        assert registry.problems(EventType.TRACK, "A", {"a": "a" * 30_000 + "b"}, {})
    assert time.process_time() - start < 1


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_thousands_of_items_under_hundreds_of_forms_are_told_the_first(keyword: str) -> None:
    """All errors of it are a million, and took gigabytes."""
    forms = [{"type": "object", "required": [f"p{number}"]} for number in range(600)]
    schema = {
        "type": "object",
        "properties": {"a": {"items": {"$ref": "#/$defs/one"}}},
        "$defs": {"one": {keyword: forms}},
    }
    start = time.process_time()
    found = Registry({"A": {1: schema}}).problems(EventType.TRACK, "A", {"a": [{}] * 10_000}, {})
    assert found == [("properties.a[0]", f"breaks the rule `{keyword}` of the event's schema")]
    assert time.process_time() - start < 2


def test_an_event_that_is_wrong_in_thousands_of_places_is_told_some() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "string"}}}}
    start = time.process_time()
    found = Registry({"A": {1: schema}}).problems(
        EventType.TRACK, "A", {"a": list(range(7_000))}, {}
    )
    assert len(found) == MAX_PROBLEMS
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(?=a)"},
        {"pattern": "("},
        {"pattern": "(a{1000}){1000}"},
        {"format": "moon"},
        {"$ref": "http://example.com/schema.json"},
        {"minimum": "0"},
        {"type": "text"},
    ],
)
def test_a_schema_that_cannot_be_held_to_is_none(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"regex|format|Retrieval|number|anyOf"):
        validator_of({"type": "object", "properties": {"a": schema}})
