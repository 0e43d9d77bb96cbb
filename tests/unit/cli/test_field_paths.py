"""Setting and removing a field by the path that an error names."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.cli.field_paths import FieldPathError, with_field, without_field

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
    changed = with_field(CALL, path, text)
    value: Any = changed
    for part in path.replace("[", ".").replace("]", "").split("."):
        value = value[int(part) if part.isdecimal() else part]
    assert value == found
    assert repr(CALL) == before


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
