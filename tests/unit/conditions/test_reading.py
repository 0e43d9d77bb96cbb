"""What a condition depends on: found wherever in it it stands."""

from __future__ import annotations

import pytest

from stepwell.conditions.reading import clock_comparisons, reads_of
from stepwell.journeys.compiler.cel.parser import parse


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("customer.traits.plan == 'pro'", {"traits.plan"}),
        ("has(customer.place.city)", {"place.city"}),
        ("customer['traits']['plan'] == 'pro'", {"traits.plan"}),
        ("customer.traits[customer.id] == 1", {"traits", "id"}),
        # the first of several operands
        ("size(customer.traits.name) > 1", {"traits.name"}),
        ("customer.traits.name.startsWith(customer.id)", {"traits.name", "id"}),
        ("[customer.traits.a, customer.traits.b].exists(x, customer.traits.c == x)",
         {"traits.a", "traits.b", "traits.c"}),
        ("{'name': customer.traits.a, 'b': now}.b == now", {"traits.a", "now"}),
        ("customer == event.properties.x", {"*"}),
    ],
)  # fmt: skip
def test_reads(text: str, reads: set[str]) -> None:
    assert reads_of(parse(text)) == reads


def test_comparisons_with_the_present_are_found_in_operands_too() -> None:
    tree = parse("size(customer.traits.name) > 1 && [now > customer.traits.at].exists(x, x)")
    assert clock_comparisons(tree) == [
        (["name", "now"], ["select", ["select", ["name", "customer"], "traits"], "at"])
    ]
