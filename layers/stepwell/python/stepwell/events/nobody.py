"""Ids and addresses that name nobody: what programs write where they have no value.

An event that named a customer "null" would be everybody's who ever met the same fault, and each
further one would pull another person into that customer.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    {
        "",
        "null",
        "undefined",
        "none",
        "nil",
        "nan",
        "n/a",
        "unknown",
        "anonymous",
        "guest",
        "true",
        "false",
        "-1",
        "[object object]",
        "{}",
        "[]",
        "test@test.com",
        "test@example.com",
        "user@example.com",
        "email@example.com",
        "name@example.com",
        "none@none.com",
        "no@email.com",
        "noreply@example.com",
        "+1234567890",
    }
)
_FILLED = re.compile(r"\+?([0\-]*|(\d)\2*)")
"""Zeros and dashes, as in an empty UUID, and one digit over and over. Single digits are ids."""


def names_nobody(text: str) -> bool:
    """Whether this id, address or token stands for having none; capitals do not matter."""
    plain = text.strip().lower()
    if plain in _WORDS:
        return True
    return (len(plain) > 4 or set(plain) <= {"0", "-"}) and _FILLED.fullmatch(plain) is not None
