"""Facts as lines of `expect`, so that what happened can be taken over into the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from stepwell.simulation.scenarios.model import (
    HAND_OVER_KINDS,
    USER,
    Fact,
    Kind,
    Scenario,
)

_PLAIN = re.compile(
    r"[A-Za-z+][\w .+'()/-]*(?<! )(:\d\d)*( [+-]\d\d:\d\d)?|\d{4}-[\d :.+-]*|-?\d+(\.\d+)?"
)


def line_of(fact: Fact, scenario: Scenario, *, says: bool = False) -> str:
    """`{at: Tue 21:59, sent: Stylist suggestion, by: sms}`; with `says`, its text as well."""
    parts = parts_of(fact, scenario)
    if says and fact.says:
        parts["says"] = fact.says[0] if len(fact.says) == 1 else list(fact.says)
    return _mapping(parts)


def parts_of(fact: Fact, scenario: Scenario) -> dict[str, Any]:
    """The line's keys and values."""
    return dict(_parts(fact, scenario))


def properties_line(properties: dict[str, Any]) -> str:
    return _mapping(properties)


def _parts(fact: Fact, scenario: Scenario) -> Iterator[tuple[str, Any]]:
    zone = scenario.people[fact.user].clock
    if fact.at is not None:
        yield "at", scenario.week.show(fact.at, zone)
    yield str(fact.kind), fact.subject
    if fact.kind is Kind.SENT and fact.by is not None:
        yield "by", fact.by
    if fact.kind in HAND_OVER_KINDS and fact.by is not None:
        yield "to", fact.by
    if fact.because is not None:
        yield "because", fact.because
    if fact.until is not None:
        yield "until", scenario.week.show(fact.until, zone)
    if fact.value is not None:
        yield "value", int(fact.value) if fact.value.is_integer() else fact.value
    if fact.step is not None:
        yield "in", fact.step
    if fact.user != USER:
        yield "user", fact.user
    if fact.journey != scenario.journey:
        yield "journey", fact.journey


def _mapping(parts: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in parts.items()) + "}"


def _scalar(value: Any) -> str:
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _looks_otherwise(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _looks_otherwise(text: str) -> bool:
    """What YAML would read as something else than text."""
    if text.lower() in {"true", "false", "null", ".inf", ".nan"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
