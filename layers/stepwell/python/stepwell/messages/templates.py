"""Liquid templates: rendered with what is known, and never with a blank for what is not.

A variable that is missing, or null, is an error when it is printed or looped over; it may be tested
(`{% if customer.traits.x %}`) and given a `default`. Only the delivery function imports this
module: python-liquid is dear to import.

    customer   {"id", "traits", "computed"}, and what may be used of the context: {"place",
               "device", "locale"}
    event      the event that the customer entered with:
               {"name", "id", "timestamp", "properties", "type"}
    journey    the journey's name
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from liquid import BoundTemplate, Environment, FalsyStrictUndefined
from liquid.exceptions import LiquidError, UndefinedError

from stepwell.storage.operations import Item

_ESCAPED = {"html"}
_BEYOND_FILTERS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What filters let through when a value is not what they expect, such as a date of the year 10000.
"""
_PATH = re.compile(r"(?:[\w.-]|\[[^\]]*\])+")


class TemplateError(Exception):
    """A template could not be rendered; `detail` names the field and the variable."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class _Missing(FalsyStrictUndefined):
    """Raises when it would be printed; `default` may replace it."""

    force_liquid_default = True


def render(fields: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, str]:
    """The channel's fields as text; those named `html` escape what they print. Raises
    TemplateError.
    """
    return {name: _render_field(name, text, context) for name, text in fields.items()}


def template_context(
    customer: str,
    profile: Item | None,
    enrollment: Item | None,
    journey: str,
    derived: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a template sees of a customer's items. Nulls are left out, so they are missing.

    `derived`: computed traits, and the parts of the context that may be used for the message's
    purpose.
    """
    traits = _read((profile or {}).get("traits"))
    return {
        "customer": {"id": customer, "traits": traits, **(derived or {})},
        "event": _read((enrollment or {}).get("entry_event")),
        "journey": journey,
    }


def _render_field(name: str, text: str, context: Mapping[str, Any]) -> str:
    if "{" not in text:
        return text  # nothing to fill in
    try:
        return _compiled(text, name in _ESCAPED).render(**context)
    except UndefinedError as error:
        raise TemplateError("missing_variable", f"{name}: {_variable(text, error)}") from error
    except (LiquidError, *_BEYOND_FILTERS) as error:
        # The message may quote a customer's value, the kind of error does not.
        raise TemplateError("template_error", f"{name}: {type(error).__name__}") from error


def _variable(text: str, error: UndefinedError) -> str:
    """The variable's path as the template has it; the message leaves indexes out."""
    path = _PATH.match(text, error.token.start_index) if error.token else None
    return path[0] if path else str(error.args[0])


@cache
def _compiled(text: str, escape: bool) -> BoundTemplate:  # noqa: FBT001 - a cache key, not an interface
    return _environment(escape).from_string(text)


@cache
def _environment(escape: bool) -> Environment:  # noqa: FBT001 - as above
    return Environment(undefined=_Missing, autoescape=escape)


def _read(text: str | None) -> Any:
    value = json.loads(text or "{}")
    return _without_nulls(value) if text and "null" in text else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value if each is not None]
    return value
