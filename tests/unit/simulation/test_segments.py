from __future__ import annotations

import pytest

from stepwell.simulation.costs.segments import segments

CURLY_QUOTE = "\u2019"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),  # in the basic table
        ("€" * 80, 1),  # in the extension table: two each
        ("€" * 81, 2),
        ("a" * 159 + "€", 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # 306 septets, but no pair is torn: one is left unused
        ("a" * 151 + "€" + "a" * 153, 2),
        (CURLY_QUOTE * 70, 1),  # one curly quote turns it to UCS-2
        ("a" * 70 + CURLY_QUOTE, 2),
        ("a" * 133 + CURLY_QUOTE, 2),
        ("a" * 134 + CURLY_QUOTE, 3),
        ("🎉" * 35, 1),  # two code units each
        ("🎉" * 36, 2),
        ("🎉" * 67, 3),  # 134 code units, but 33 whole ones in each of 67
        ("ç", 1),  # no GSM character, unlike Ç
        ("ç" * 71, 2),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count
