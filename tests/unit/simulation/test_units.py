"""Sizes and units as DynamoDB's developer guide states them."""

from __future__ import annotations

from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from stepwell.aws.attributes import to_attributes
from stepwell.simulation.costs.units import item_size, read_units, value_size, write_units


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("Paris", 5),
        ("Zürich", 7),  # UTF-8
        (None, 1),
        (True, 1),
        (0, 1),
        (7, 2),
        (27, 2),
        (270, 2),  # trailing zeroes are trimmed
        (275, 3),
        (0.0025, 2),  # leading ones too
        (-27, 3),
        ([], 3),
        ({}, 3),
        (["ab", "c"], 3 + (1 + 2) + (1 + 1)),
        ({"k": "ab"}, 3 + (1 + 1 + 2)),
        ({"k": ["ab"]}, 3 + (1 + 1 + 3 + (1 + 2))),
    ],
)
def test_value_size(value: Any, size: int) -> None:
    assert value_size(value) == size


def test_item_size_counts_names_and_values() -> None:
    assert item_size({"pk": "CUSTOMER#1", "Größe": 42}) == 2 + 10 + 7 + 2


@pytest.mark.parametrize(
    ("size", "reads", "writes"),
    [
        (0, 1, 1),
        (1, 1, 1),
        (1024, 1, 1),
        (1025, 1, 2),
        (4096, 1, 4),
        (4097, 2, 5),
        # Examples of the guide: an item of 3.5 KB is one 4 KB read; of 10 KB, three.
        (3584, 1, 4),
        (10_240, 3, 10),
        (512, 1, 1),  # and 512 bytes one write
    ],
)
def test_units_round_up(size: int, reads: int, writes: int) -> None:
    assert (read_units(size), write_units(size)) == (reads, writes)


def test_texts_weigh_what_moto_says() -> None:
    """moto leaves out what lists and maps take themselves, and sizes numbers by their digits."""
    item = {"pk": "a", "sk": "b", "text": "Zürich", "flag": True, "nothing": None}
    hash_key, range_key = DynamoType({"S": "a"}), DynamoType({"S": "b"})
    theirs = Item(hash_key, range_key, to_attributes(item)).size()
    assert item_size(item) == theirs
