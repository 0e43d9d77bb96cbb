"""What pydantic finds wrong with a policies file, in the words of Stepwell. Design time only."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic_core import ErrorDetails

KEYS = {
    "": (
        *("purposes", "caps", "quiet_hours", "spread", "max_asks", "default_zone"),
        *("keep_records", "identities", "machines", "promotion_hold"),
    ),
    "purposes": ("consent", "consent_on", "capped", "goes_first", "after_unknown_outcome"),
    "caps": ("name", "purposes", "channels", "at_most", "per"),
    "quiet_hours": ("purposes", "channels", "from", "to"),
    "identities": ("limits", "shared", "blocked", "trust_addresses"),
    "machines": ("agents", "proxies", "within"),
    "promotion_hold": ("purposes", "segments"),
    "limits": ("user_id", "anonymous_id", "email", "phone"),
    "limit": ("at_most", "per"),
}
"""The keys of the file and of each entry of its parts."""

_AMOUNTS = {
    "at_most": "a whole number, 1 or more, is expected",
    "max_asks": "a whole number from 1 to 100 is expected",
    "per": "a duration from 1s to 366d is expected",
    "spread": "a duration of at most 6h is expected",
    "keep_records": "a duration of at least 1d is expected",
    "within": "a duration of at most 1h is expected",
}
_AMOUNTS_OF_IDENTITIES = {
    "at_most": "a whole number from 1 to 100 is expected",
    "per": "a duration from 1h to 366d is expected",
}
_NO_AMOUNT = ("int_type", "greater_than_equal", "less_than_equal")

_SAID = {
    "missing": "is missing; add it",
    "dict_type": "a mapping (key: value lines) is expected",
    "model_type": "a mapping (key: value lines) is expected",
    "list_type": "a list is expected",
    "string_type": "text is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "too_short": "at least one is needed",
    "string_pattern_mismatch": "a name such as marketing_2_per_day is expected",
}


def message_of(error: ErrorDetails) -> str:
    """One problem in a line, without its place."""
    kind, location = error["type"], error["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(location)
    if kind == "literal_error":
        return _none_of(error["input"], str(error["ctx"]["expected"]))
    if kind in _NO_AMOUNT and location[-1] in _AMOUNTS:
        amounts = _AMOUNTS_OF_IDENTITIES if location[0] == "identities" else _AMOUNTS
        return f"{error['input']!r} is given; {amounts[str(location[-1])]}"
    return _SAID.get(kind) or error["msg"].removeprefix("Value error, ")


def _unknown_key(location: tuple[int | str, ...]) -> str:
    part = str(location[0]) if len(location) > 1 else ""
    if part == "identities" and len(location) > 2:
        part = "limits" if len(location) == 3 else "limit"
    known = KEYS[part]
    return f"unknown key; {_meant(location[-1], known)}"


def _none_of(given: Any, expected: str) -> str:
    known = tuple(expected.replace("'", "").replace(" or ", ", ").split(", "))
    return f"{given!r} is not known; {_meant(given, known)}"


def _meant(word: object, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean {close[0]}?" if close else f"write one of {', '.join(known)}"
