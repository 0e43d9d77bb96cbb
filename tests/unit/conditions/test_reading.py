"""What is read off a condition's tree: how a side of a comparison moves with time."""

import pytest

from stepwell.conditions.reading import pace
from stepwell.journeys.compiler.cel.parser import parse


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("now", 1),
        ("customer.traits.since", 0),
        ("now - customer.traits.since", 1),
        ("customer.traits.until - now", -1),
        ("now + (now - customer.traits.since)", 2),
        ("duration('1h') - (now - customer.traits.since)", -1),
        ("customer.traits.late ? now : customer.traits.since", None),
        ("now.getHours()", None),
    ],
)
def test_how_often_time_is_in_a_side(side: str, expected: int | None) -> None:
    assert pace(parse(side)) == expected
