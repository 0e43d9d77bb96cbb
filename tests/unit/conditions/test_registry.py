"""The event registry: Stepwell's own schemas, and what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stepwell.events.registry import validator_of
from stepwell.journeys.compiler.cel.kinds import BOOL, DOUBLE, JSON, NULL, STRING, list_of, map_of
from stepwell.journeys.compiler.registry import DIALECT, RegistryError, load_registry

SHIPPED = Path(__file__).parents[3] / "events" / "schemas"


def write(folder: Path, name: str, **schema: Any) -> None:
    document = {"$schema": DIALECT, "type": "object", "properties": {}, **schema}
    (folder / name).write_text(json.dumps(document), encoding="utf-8")


def test_shipped_events() -> None:
    registry = load_registry(SHIPPED)
    assert registry.names() >= {
        "Cart Abandoned",
        "Consent Updated",
        "First Action",
        "Order Cancelled",
        "Order Completed",
        "Product Added",
        "Product Viewed",
        "Trial Started",
    }
    assert registry.properties("Product Added").fields["cart_value"] == DOUBLE
    consent = registry.properties("Consent Updated").fields
    assert {name: consent[name] for name in ("purpose", "channel", "status")} == {
        "purpose": STRING,
        "channel": STRING,
        "status": STRING,
    }
    line = registry.properties("Order Completed").fields["products"].element
    assert line is not None
    assert line.fields["price"] == DOUBLE


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_schema_is_one_and_every_property_is_described(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator_of(schema)
    assert set(schema["required"]) <= set(schema["properties"])
    assert all(each["description"] for each in schema["properties"].values())
    assert "additionalProperties" not in schema, "senders may add properties"


def test_types_of_properties(tmp_path: Path) -> None:
    write(
        tmp_path,
        "seen.json",
        title="Seen",
        properties={
            "text": {"type": "string"},
            "whole": {"type": "integer"},
            "yes": {"type": "boolean"},
            "nothing": {"type": "null"},
            "maybe": {"type": ["string", "null"]},
            "anything": {},
            "true": True,
            "texts": {"type": "array", "items": {"type": "string"}},
            "array": {"type": "array"},
            "map": {"type": "object", "additionalProperties": {"type": "number"}},
            "object": {"type": "object"},
        },
    )
    assert load_registry(tmp_path).properties("Seen").fields == {
        "text": STRING,
        "whole": DOUBLE,
        "yes": BOOL,
        "nothing": NULL,
        "maybe": JSON,
        "anything": JSON,
        "true": JSON,
        "texts": list_of(STRING),
        "array": list_of(JSON),
        "map": map_of(DOUBLE),
        "object": map_of(JSON),
    }


def test_types_that_json_schema_does_not_have_are_told_wherever_they_are(tmp_path: Path) -> None:
    write(
        tmp_path,
        "seen.json",
        title="Seen",
        properties={
            "text": {"type": "strng"},
            "name": "string",
            "lines": {"type": "array", "items": {"properties": {"price": {"type": "numbr"}}}},
            "maybe": {"type": ["string", "nul"]},
            "one": {"anyOf": [{"type": "integer"}, {"type": 3}]},
            "map": {"type": "object", "additionalProperties": {"type": "date"}},
            "nested": {"type": "object", "properties": ["a"]},
        },
    )
    with pytest.raises(RegistryError) as caught:
        load_registry(tmp_path)
    listed = "There are: array, boolean, integer, null, number, object, string."
    schema = 'is no schema; write one like {"type": "string"}'
    assert [each.partition(".json: properties.")[2] for each in caught.value.problems] == [
        'text: JSON Schema has no type "strng". Did you mean "string"?',
        f"name: {schema}",
        'lines.items.properties.price: JSON Schema has no type "numbr". Did you mean "number"?',
        'maybe: JSON Schema has no type "nul". Did you mean "null"?',
        f"one.anyOf[1]: JSON Schema has no type 3. {listed}",
        f'map.additionalProperties: JSON Schema has no type "date". {listed}',
        f"nested.properties: {schema}",
    ]


def test_unknown_event_gets_the_nearest_name() -> None:
    registry = load_registry(SHIPPED)
    assert registry.suggestion("Order Complete") == 'Did you mean "Order Completed"?'


def test_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    write(tmp_path, "dialect.json", title="Dialect", **{"$schema": "draft-07"})
    write(tmp_path, "untitled.json")
    write(tmp_path, "other_name.json", title="Order Completed")
    write(tmp_path, "text.json", title="Text", type="string")
    write(tmp_path, "fine.json", title="Fine")
    for number in ("0", "1", "x"):
        write(tmp_path, f"later.{number}.json", title="Later")
    write(tmp_path, "later.2.json", title="Later", properties={"a": {"pattern": "("}})
    with pytest.raises(RegistryError) as caught:
        load_registry(tmp_path)
    told = [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems]
    assert told[0].startswith("broken.json: is not JSON")
    version = "a version is a whole number above 1, such as order_completed.2.json; 1 has none"
    assert told[1:] == [
        f'dialect.json: "$schema" has to be "{DIALECT}"',
        f"later.0.json: {version}",
        f"later.1.json: {version}",
        'later.2.json: is no schema that events can be held to: "(" is not a "regex"',
        f"later.x.json: {version}",
        "list.json: is not a JSON object",
        'other_name.json: the schema of "Order Completed" belongs into order_completed.json',
        'text.json: it has to describe an object: "type": "object" with "properties"',
        'untitled.json: "title" has to be the event\'s name',
    ]


def test_versions_are_files_and_who_names_none_means_the_oldest(tmp_path: Path) -> None:
    write(tmp_path, "seen.json", title="Seen", properties={"a": {"type": "string"}})
    write(tmp_path, "seen.2.json", title="Seen", properties={"a": {"type": "number"}})
    write(tmp_path, "seen.10.json", title="Seen", properties={"b": {"type": "string"}})
    registry = load_registry(tmp_path)
    assert list(registry.document()["events"]["Seen"]) == ["1", "2", "10"]
    assert registry.properties("Seen").fields == {"a": STRING}
    assert [kind.fields for kind in registry.kinds("Seen")] == [
        {"a": STRING},
        {"a": DOUBLE},
        {"b": STRING},
    ]
    (tmp_path / "seen.json").unlink()
    assert load_registry(tmp_path).properties("Seen").fields == {"a": DOUBLE}


BRANCH = {"properties": {"a": {"$ref": "#/$defs/t"}}}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$defs": {"t": {"anyOf": [BRANCH, BRANCH]}}, **BRANCH}, "#/$defs/t refers to itself"),
        ({"$defs": {"t": BRANCH}, "properties": {"b": {"$ref": "#/$defs/t"}}}, "refers to itself"),
        ({"properties": {"a": {"$ref": "#"}}}, "`$ref` leads to #/$defs/<name> of this file"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "`$ref` leads to #/$defs/<name>"),
        ({"properties": {"a": {"$dynamicRef": "#t"}}}, "has `$dynamicRef`"),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/d0"}},
                "$defs": {
                    **{f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(20)},
                    "d20": {"type": "string"},
                },
            },
            "has more than 2,000 parts",
        ),
    ],
)
def test_a_schema_that_could_keep_ingest_busy_is_refused(
    tmp_path: Path, schema: dict[str, Any], said: str
) -> None:
    write(tmp_path, "deep.json", title="Deep", **schema)
    with pytest.raises(RegistryError) as caught:
        load_registry(tmp_path)
    [problem] = caught.value.problems
    assert said in problem


def test_definitions_may_be_used_more_than_once(tmp_path: Path) -> None:
    money = {"$ref": "#/$defs/money"}
    defined = {"money": {"type": "number", "minimum": 0}}
    write(
        tmp_path,
        "paid.json",
        title="Paid",
        properties={"a": money, "b": money},
        **{"$defs": defined},
    )
    assert load_registry(tmp_path).names() == {"Paid"}
