"""What a condition may not call, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stepwell.conditions.tree import Tree

HISTORY = frozenset({"count", "sum", "last", "distinct"})
"""What a customer did is computed as events arrive, under a name that profile.yaml declares."""

_REFUSALS = {
    **dict.fromkeys(HISTORY, "is not available: declare a computed trait in profile.yaml"),
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


def declared_instead(kind: str, arguments: Sequence[Tree]) -> str:
    """The refusal of a function of the history, with the line that declares what was asked for."""
    event, within = _text(arguments[:1]), ""
    for each in arguments[1:]:
        if each[:2] == ["call", "duration"]:
            within = _text(each[2])
    value = "" if kind in ("count", "last") else ", value: event.properties.…"
    window = f", within: {within}" if within else ""
    words = [
        kind,
        *re.findall("[a-z0-9]+", (event or "event").lower()),
        *([within] if within else []),
    ]
    name = "_".join(words)
    line = f"{name}: {{kind: {kind}, event: {event or '…'}{value}{window}}}"
    return f"{refusal(kind)}, `{line}`, and read customer.computed.{name}"


def _text(trees: Sequence[Tree]) -> str:
    """The text that the first is, if it is one."""
    return trees[0][1] if trees and trees[0][0] == "string" else ""
