"""Ids and addresses that name nobody: what programs write where they have no value.

An event that named a customer "null" would be everybody's who ever met the same fault, and each
further one would pull another person into that customer.
"""

from __future__ import annotations

import re

WORDS = (
    *("null", "undefined", "none", "nil", "nan", "n/a", "unknown", "anonymous", "guest"),
    *("(null)", "<null>", "true", "false", "-1", "[object object]", "{}", "[]"),
    *("test@test.com", "test@example.com", "user@example.com", "email@example.com"),
    *("name@example.com", "none@none.com", "no@email.com", "noreply@example.com"),
)
FILLED = r"[0\-]*"
"""Nothing at all, or zeros and dashes, as in an empty UUID."""

_NOBODY = re.compile(rf"\s*(?:{'|'.join(map(re.escape, WORDS))}|{FILLED})\s*", re.IGNORECASE)


def names_nobody(text: str) -> bool:
    """Whether this id, address or token stands for having none; capitals do not matter."""
    return _NOBODY.fullmatch(text) is not None
