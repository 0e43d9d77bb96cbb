"""Setting and removing a field by the path that an error names."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.cli.field_paths import FieldPathError, read_value, with_field, without_field

CALL: dict[str, Any] = {
    "event": "Order Completed",
    "properties": {"total": "1", "products": [{"price": 1}, {"price": 2}], "note": None},
}


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("event", "Seen", "Seen"),
        ("properties.total", "59.9", 59.9),
        ("properties.total", '"59.9"', "59.9"),
        ("properties.total", "null", None),
        ("properties.total", "", ""),
        ("properties.products[1].price", "3", 3),
        ("properties.products[2]", '{"price": 4}', {"price": 4}),
        ("properties.note.more", "true", True),
        ("context.protocols.event_version", "2", 2),
    ],
)
def test_a_field_is_set_and_the_original_stays(path: str, text: str, found: Any) -> None:
    before = repr(CALL)
    changed = with_field(CALL, path, read_value(text))
    value: Any = changed
    for part in path.replace("[", ".").replace("]", "").split("."):
        value = value[int(part) if part.isdecimal() else part]
    assert value == found
    assert repr(CALL) == before


@pytest.mark.parametrize(
    "text",
    [
        '{"score": NaN, "b": 1}',
        "[Infinity]",
        "-Infinity",
        "NaN",
        "1e999",
        "9" * 5_000,
        "[" * 101 + "]" * 101,
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_what_only_looks_like_json_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="has NaN, infinity or too long a number, or is nested"):
        read_value(text)


@pytest.mark.parametrize("text", ["NaNcy", "Infinity War", "1e999 thanks", "{", '"NaN', "5 a day"])
def test_a_text_that_begins_like_json_is_a_text(text: str) -> None:
    assert read_value(text) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r'{"a": "\ud800"}', {"a": "\ufffd"}),
        (r'["\udc00b"]', ["\ufffdb"]),
        (r'"\ud83d\ude00"', "\U0001f600"),
    ],
)
def test_half_a_character_becomes_what_the_api_makes_of_it(text: str, found: Any) -> None:
    assert read_value(text) == found


def test_a_field_is_removed() -> None:
    assert "total" not in without_field(CALL, "properties.total")["properties"]
    assert without_field(CALL, "properties.products[0]")["properties"]["products"] == [{"price": 2}]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "is no path"),
        ("properties..total", "is no path"),
        ("[0]", "is no path"),
        ("properties.total.more", "there is no 'more' in it"),
        ("properties.products[9].price", "there is no 9 in it"),
        ("properties[0]", "there is no 0 in it"),
        ("properties.products.first", "there is no 'first' in it"),
    ],
)
def test_a_path_that_leads_nowhere_is_said(path: str, said: str) -> None:
    with pytest.raises(FieldPathError, match=said):
        with_field(CALL, path, "1")


@pytest.mark.parametrize("document", [None, 3, "text", []])
def test_what_is_no_object_has_no_field(document: Any) -> None:
    with pytest.raises(FieldPathError):
        with_field(document, "event", "1")
    with pytest.raises(FieldPathError):
        without_field(document, "event")


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(FieldPathError, match="there is no 'nothing'"):
        without_field(CALL, "properties.nothing")
