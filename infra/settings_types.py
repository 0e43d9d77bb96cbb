"""Whether values are of the types that a dataclass's annotations name, however deep they lie.

A text is true and `True` is a number to Python, so that a wrong type would be deployed as it is.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "True or False"}
_FEW = 5
"""Members of an enum that are all named."""
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """`where` is a field or a part of one, such as `lanes['sms'].kept`."""

    where: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"{self.where} is {_shown(self.value)}: {self.expected}"


def wrong_types(where: str, value: object, hint: Any) -> Iterator[Problem]:
    """`hint`: the annotation of what lies there."""
    origin = get_origin(hint)
    if origin is types.UnionType:
        yield from _wrong_union(where, value, get_args(hint))
    elif origin is tuple:
        yield from _wrong_tuple(where, value, get_args(hint)[0])
    elif origin is not None and issubclass(origin, Mapping):
        yield from _wrong_mapping(where, value, *get_args(hint))
    elif not _is_of(value, hint):
        yield Problem(where, value, _name(hint))
    elif is_dataclass(hint):
        for name, inner in get_type_hints(hint).items():
            yield from wrong_types(f"{where}.{name}", getattr(value, name), inner)


def _wrong_union(where: str, value: object, hints: tuple[Any, ...]) -> Iterator[Problem]:
    if all(any(wrong_types(where, value, each)) for each in hints):
        yield Problem(where, value, ", or ".join(_name(each) for each in hints))


def _wrong_tuple(where: str, value: object, inner: Any) -> Iterator[Problem]:
    if not isinstance(value, tuple):
        yield Problem(where, value, 'a tuple, such as ("one",) or ("one", "two")')
        return
    for index, each in enumerate(value):
        yield from wrong_types(f"{where}[{index}]", each, inner)


def _wrong_mapping(where: str, value: object, key_hint: Any, hint: Any) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(where, value, f"a dict, of {_name(key_hint)} to {_name(hint)} each")
        return
    for key, each in value.items():
        yield from wrong_types(f"a key of {where}", key, key_hint)
        yield from wrong_types(f"{where}[{key!r}]", each, hint)


def _is_of(value: object, hint: type) -> bool:
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _name(hint: Any) -> str:
    if hint is types.NoneType:
        return "None"
    if issubclass(hint, Enum):
        return _members(hint)
    return _NAMES.get(hint, f"a {hint.__name__}")


def _members(kind: type[Enum]) -> str:
    names = [f"{kind.__name__}.{name}" for name in kind.__members__]
    if len(names) > _FEW:
        return f"one of {kind.__name__}, such as {names[0]}"
    return " or ".join(names)


def _shown(value: object) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
