"""Validate a part of a file against its model, and turn what pydantic says into problems.

A wrong optional key is reported and left out, so that everything behind it is still looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stepwell.journeys.compiler.documents import LATER_KEYS, Document
from stepwell.journeys.compiler.durations import text_of
from stepwell.journeys.compiler.problems import Problem, suggest
from stepwell.journeys.compiler.source import DataPath, Source, shown

D = TypeVar("D", bound=Document)


@dataclass
class FileReading:
    """One file being read: collects problems on the way."""

    source: Source
    problems: list[Problem] = field(default_factory=list, kw_only=True)

    def validated(self, path: DataPath, data: Any, model: type[D]) -> D | None:
        document, problems = validated(self.source, path, data, model)
        self.problems += problems
        return document

    def report(self, path: DataPath, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.source.place(path), code, message, remedy))


_TYPES = {
    "dict_type": "a mapping (key: value lines)",
    "model_type": "a mapping (key: value lines)",
    "list_type": "a list (lines that begin with -)",
    "string_type": "text",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_LENGTHS = {
    "too_short": ("min_length", "needs at least", "entry", "entries"),
    "too_long": ("max_length", "takes at most", "entry", "entries"),
    "string_too_short": ("min_length", "needs at least", "character", "characters"),
    "string_too_long": ("max_length", "takes at most", "character", "characters"),
}


def validated(
    source: Source, path: DataPath, data: Any, model: type[D]
) -> tuple[D | None, list[Problem]]:
    """The document, or None when what is wrong leaves nothing to go on with."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors()
    problems = [_problem(source, path, each, model) for each in details]
    if not isinstance(data, dict):
        return None, problems
    wrong = {each["loc"][0] for each in details if each["loc"]}
    try:
        return model.model_validate(
            {key: value for key, value in data.items() if key not in wrong}
        ), problems
    except ValidationError:
        return None, problems


def known_keys(model: type[Document]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _problem(source: Source, path: DataPath, error: ErrorDetails, model: type[Document]) -> Problem:
    loc: DataPath = tuple(error["loc"])
    place = source.place((*path, *loc))
    key = shown(loc[-2:]) if loc and isinstance(loc[-1], int) else str(loc[-1]) if loc else ""
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(source, (*path, *loc), key, model)
    if kind == "missing":
        what = f"`{key}` is missing"
        return Problem(place, "SW102", what, f"Add `{key}:` to {shown(path) or 'the file'}.")
    if kind.startswith("SW"):
        remedy = error.get("ctx", {}).get("remedy", f"Correct `{key}`.")
        return Problem(place, kind, error["msg"], remedy)
    if kind in _TYPES:
        return Problem(
            place,
            "SW103",
            f"{_given(error)} where {_TYPES[kind]} belongs",
            _correct(key or shown(path)),
        )
    if kind == "literal_error":
        expected = str(error["ctx"]["expected"]).replace("'", "")
        return Problem(
            place, "SW103", f"{_given(error)} is none of {expected}", f"Write {expected}."
        )
    return Problem(place, "SW103", _beyond(error), _correct(key or shown(path)))


def _beyond(error: ErrorDetails) -> str:
    """What is wrong with a value of the right type."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        key, word = _BOUNDS[kind]
        bound = f"{context[key]:,}".removesuffix(".0")
        if isinstance(error["input"], str):
            bound = text_of(int(context[key]))  # a duration, as people write it
        return f"{_given(error)} where {word} {bound} belongs"
    if kind in _LENGTHS:
        key, word, one, many = _LENGTHS[kind]
        return f"{word} {context[key]:,} {one if context[key] == 1 else many}"
    return f"{error['msg'][0].lower()}{error['msg'][1:]}"


def _correct(path: str) -> str:
    return f"Correct `{path}`." if path else "Correct the file."


def _given(error: ErrorDetails) -> str:
    value = error["input"]
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "nothing" if value is None else repr(value)


def _unknown_key(source: Source, path: DataPath, key: str, model: type[Document]) -> Problem:
    place = source.place(path)
    if key in LATER_KEYS:
        return Problem(place, "SW104", LATER_KEYS[key], f"Remove `{key}`.")
    return Problem(place, "SW101", f"unknown key `{key}`", suggest(key, known_keys(model)))
