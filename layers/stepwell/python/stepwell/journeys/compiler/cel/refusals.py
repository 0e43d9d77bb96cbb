"""What a condition may not call, and what to do instead."""

from __future__ import annotations

_NO_HISTORY = "is not available yet: Stepwell keeps no event history yet. Keep the value in a trait"
_REFUSALS = {
    **dict.fromkeys(("count", "sum", "last", "distinct"), _NO_HISTORY),
    "matches": (
        "is not available: Python has no regular expressions in linear time. "
        "Use startsWith, endsWith or contains"
    ),
    "now": "is not a function: write now",
    "type": "is not available: has() and the comparisons do not need it",
    "dyn": "is not available: conditions are checked against the event's schema",
    "bool": "is not available: compare with true or with a text",
    "uint": "is not available: numbers of events are doubles",
    "bytes": "is not available: JSON has no bytes",
    "reduce": "is not part of CEL",
    "min": "is not part of CEL",
}


def refusal(name: str) -> str | None:
    """Why this function cannot be called, as a whole message; None for any other name."""
    reason = _REFUSALS.get(name)
    return f"{name}() {reason}" if reason else None
