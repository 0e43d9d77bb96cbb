"""What Python says of settings that cannot even be made, in words for whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from enum import Enum
from typing import Any

from stepwell.journeys.compiler.problems import suggest

SLIPS = (TypeError, AttributeError, NameError)


def explain(error: Exception, kinds: Iterable[type[Any]]) -> str:
    """`kinds`: the dataclasses that settings are made of."""
    if isinstance(error, AttributeError) and isinstance(error.obj, type):
        return _no_member(error.obj, error.name or "")
    text = str(error)
    if found := re.search(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", text):
        kind, name = found.groups()
        known = [each.name for each in _fields_of(kind, kinds)]
        return f"{kind} has no field {name!r}{_meant(name, known)}"
    if found := re.search(r"(\w+)\.__init__\(\) missing .*?: (.+)", text):
        kind, names = found.groups()
        return f"{kind} has to have {names} too"
    return text


def _no_member(kind: type[Any], name: str) -> str:
    known = list(kind.__members__) if issubclass(kind, Enum) else []
    return f"{kind.__name__} has no {name}{_meant(name, known)}"


def _fields_of(name: str, kinds: Iterable[type[Any]]) -> Iterable[Any]:
    return next((fields(each) for each in kinds if each.__name__ == name), ())


def _meant(name: str, known: list[str]) -> str:
    return f". {suggest(name, known)}" if known else ""
