"""What is kept of a customer besides what has a table of its own, each as one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.cli.knowing import short
from stepwell.cli.printing import Local, Row
from stepwell.profile.context import DEVICE_FIELDS, NAMES, PARTS

_INTERNAL = {"traits", "addresses", "seq", "updated_at", "merged", "former", "signals", "groups"}
_ORDER = (*NAMES, "latitude", "longitude", *DEVICE_FIELDS)
"""In which order the fields of places and devices are told; others come behind them."""


def facts_of(customer: Row, local: Local) -> Iterator[tuple[str, str]]:
    """Name and text, with moments in local time; nothing of what is empty."""
    profile = customer["profile"]
    for name, value in profile.items():
        if name not in _INTERNAL and value != {}:
            yield name, _profile_text(name, value, local)
    for name, value in profile.get("addresses", {}).items():
        yield name, _text(value)
    for name, traits in profile.get("groups", {}).items():
        yield f"group {name}", _fields(traits) or "-"
    if "traits" not in customer:  # as functions answer that are older than this command
        for name, value in profile["traits"].items():
            yield f"traits.{name}", _text(value)
    for name, signal in profile.get("signals", {}).items():
        yield f"signal {name}", _signal(signal, local)
    for name, grant in sorted(customer["consents"].items()):
        yield f"consent {name}", f"{grant['status']} {local(grant['at'])}"


def _profile_text(name: str, value: Any, local: Local) -> str:
    if name in PARTS.values() and isinstance(value, dict):
        said = {field: each for field, each in value.items() if field != "at"}
        return f"{_fields(said)} · said {local(value['at'])}"
    return local(value) if name.endswith("_at") else _text(value)


def _fields(fields: Mapping[str, Any]) -> str:
    """`kind ios · os version 26.1`."""
    known = [name for name in _ORDER if name in fields]
    names = [*known, *(name for name in fields if name not in known)]
    return " · ".join(f"{name.replace('_', ' ')} {short(fields[name])}" for name in names)


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return _fields(value)
    return json.dumps(value)


def _signal(signal: Row, local: Local) -> str:
    """What a signal is, and what made it so."""
    score = f" with {signal['score']}" if "score" in signal else ""
    return f"{signal['value']}, by {signal['rule']}{score} {local(signal['at'])}"
