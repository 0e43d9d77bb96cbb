"""Templates: never a blank for what is missing, html escaped, and no value in an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stepwell.messages.templates import TemplateError, render, template_context

CONTEXT = template_context(
    "c1",
    {"traits": json.dumps({"name": "<Ada & co>", "none": None, "list": [1, None], "price": 280})},
    {"entry_event": json.dumps({"name": "Started", "properties": {"items": [{"title": "Dress"}]}})},
    "cart",
)


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("body", "{{ customer.traits.name }}", "<Ada & co>"),
        ("subject", "{{ customer.traits.name }}", "<Ada & co>"),
        ("html", "<p>{{ customer.traits.name }}</p>", "<p>&lt;Ada &amp; co&gt;</p>"),
        (
            "body",
            "{{ event.properties.items[0].title }} {{ journey }} {{ customer.id }}",
            "Dress cart c1",
        ),
        ("body", "{{ customer.traits.missing | default: 'there' }}", "there"),
        ("body", "{{ customer.traits.none | default: 'there' }}", "there"),
        ("body", "{% if customer.traits.missing %}yes{% else %}no{% endif %}", "no"),
        ("body", "{% for each in customer.traits.list %}{{ each }}{% endfor %}", "1"),
        ("body", "{{ customer.traits.price }}", "280"),
    ],
)
def test_what_is_known_is_rendered(field: str, text: str, expected: str) -> None:
    assert render({field: text}, CONTEXT) == {field: expected}


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("Hi {{ customer.traits.first_name }}", "customer.traits.first_name"),
        ("Hi {{ customer.traits.none }}", "customer.traits.none"),
        ("{{ customer.traits.first_name | upcase }}", "customer.traits.first_name"),
        ("{% for each in event.properties.colours %}{% endfor %}", "event.properties.colours"),
        ("{{ event.properties.items[0].colour }}", "event.properties.items[0].colour"),
        ("{{ event.properties.items[9].title }}", "event.properties.items[9].title"),
        ("{{ customer.traits['first name'] }}", "customer.traits['first name']"),
        ("{{ unheard_of }}", "unheard_of"),
        ("{% assign x = customer.traits.first_name %}{{ x }}", "customer.traits.first_name"),
    ],
)
def test_what_is_missing_is_named(text: str, variable: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render({"body": text}, CONTEXT)
    assert (caught.value.reason, caught.value.detail) == ("missing_variable", f"body: {variable}")


@pytest.mark.parametrize(
    "text", ["{{ customer.id | nofilter }}", "{{ oops", "{{ 1 | divided_by: 0 }}"]
)
def test_other_errors_name_their_kind_only(text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render({"body": text}, CONTEXT)
    assert caught.value.reason == "template_error"
    assert "Ada" not in caught.value.detail


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ event.properties.v | date: '%d %B' }}", 253_402_300_800),
        ("{{ event.properties.v | date: '%d %B' }}", "99999999999999999999"),
        ("{{ event.properties.v | round }}", "nan"),
        ("{{ event.properties.v | modulo: 0 }}", 1e20),
        ("{{ event.properties.v | base64_decode }}", "é"),
    ],
)
def test_a_value_that_a_filter_does_not_expect_is_an_error_of_the_template(
    text: str, value: object
) -> None:
    context = {"event": {"properties": {"v": value}}}
    with pytest.raises(TemplateError) as caught:
        render({"body": text}, context)
    assert caught.value.reason == "template_error"
    assert str(value) not in caught.value.detail


def test_nothing_known_is_no_error_until_it_is_printed() -> None:
    context: dict[str, Any] = template_context("c1", None, None, "cart")
    assert render({"body": "Hello {{ customer.id }}"}, context) == {"body": "Hello c1"}
