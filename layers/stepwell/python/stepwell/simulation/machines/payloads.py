"""Payload templates: Parameters and ResultSelector, in which names ending in `.$` are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.simulation.machines.intrinsics import compile_expression
from stepwell.simulation.machines.paths import Frame, Read


def compile_payload(template: Any) -> Read:
    """What the template gives for a frame. Parts without expressions are shared, not copied.

    Raises UnsupportedError.
    """
    if not _has_expressions(template):
        return lambda _: template
    if isinstance(template, Mapping):
        return _object(template)
    parts = [compile_payload(each) for each in template]
    return lambda frame: [part(frame) for part in parts]


def _object(template: Mapping[str, Any]) -> Read:
    fixed = {key: value for key, value in template.items() if not _computed(key, value)}
    computed = [
        (key.removesuffix(".$"), compile_expression(value))
        if key.endswith(".$")
        else (key, compile_payload(value))
        for key, value in template.items()
        if _computed(key, value)
    ]

    def build(frame: Frame) -> dict[str, Any]:
        built = dict(fixed)
        for key, read in computed:
            built[key] = read(frame)
        return built

    return build


def _computed(key: str, value: Any) -> bool:
    return key.endswith(".$") or _has_expressions(value)


def _has_expressions(template: Any) -> bool:
    if isinstance(template, Mapping):
        return any(_computed(key, value) for key, value in template.items())
    return isinstance(template, list) and any(_has_expressions(each) for each in template)
