"""Read a journey's templates: `templates/<template>.yaml`, channel -> field -> Liquid text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.source import DataPath, Source, read_yaml

FIELDS: Mapping[str, tuple[str, ...]] = {
    "email": ("subject", "text", "html"),
    "sms": ("body",),
    "push": ("title", "body"),
    "whatsapp": ("template", "language"),
}
"""Channel -> the fields of its variant; each must be there."""
PARAMETERS = "parameters"
"""Of whatsapp, beside these: the texts that fill the template in, in its order. In the program each
is a field of its own, `parameter_1` and so on.
"""


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    source: Source
    variants: Mapping[str, Mapping[str, str]]

    def texts(self) -> list[tuple[DataPath, str]]:
        """Every Liquid text with its path."""
        return [
            ((channel, field), text)
            for channel, fields in self.variants.items()
            for field, text in fields.items()
        ]


def read_templates(folder: Path, file_prefix: str) -> tuple[dict[str, Template], list[Problem]]:
    """The templates of a journey's folder by name; unreadable ones are left out and reported."""
    found: dict[str, Template] = {}
    problems: list[Problem] = []
    for path in sorted((folder / "templates").glob("*.yaml")):
        source, unreadable = read_yaml(path, f"{file_prefix}/templates/{path.name}")
        problems.extend(unreadable)
        if source is not None:
            variants, wrong = _variants(source)
            found[path.stem] = Template(path.stem, source, variants)
            problems.extend(wrong)
    return found, problems


def _variants(source: Source) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    problems: list[Problem] = []
    variants: dict[str, dict[str, str]] = {}
    if not isinstance(source.data, dict):
        return {}, [_problem(source, (), "a template is a mapping of channels to fields")]
    for channel, fields in source.data.items():
        if not isinstance(fields, dict):
            problems.append(_problem(source, (channel,), f"`{channel}` has no fields"))
            continue
        found = _fields(fields) if channel == "whatsapp" else fields
        problems.extend(
            _problem(source, (channel, field), f"`{field}` is not text")
            for field, text in found.items()
            if not isinstance(text, str)
        )
        variants[channel] = {field: text for field, text in found.items() if isinstance(text, str)}
    return variants, problems


def _fields(written: Mapping[str, Any]) -> dict[str, Any]:
    """With each of the parameters as a field."""
    fields = {name: each for name, each in written.items() if name != PARAMETERS}
    parameters = written.get(PARAMETERS, [])
    if not isinstance(parameters, list):
        return {**fields, PARAMETERS: None}
    return fields | {f"parameter_{number}": each for number, each in enumerate(parameters, 1)}


def is_field(channel: str, field: str) -> bool:
    """Whether a channel's variant may have the field."""
    return field in FIELDS[channel] or (channel == "whatsapp" and field.startswith("parameter_"))


def _problem(source: Source, path: DataPath, message: str) -> Problem:
    shape: Any = ", ".join(
        f"{channel}: {{{', '.join(fields)}}}" for channel, fields in FIELDS.items()
    )
    return Problem(source.place(path), "SW603", message, f"Write {shape}.")
