"""Setting and removing a field of a JSON document by its path, as errors name it:
`properties.products[0].price`.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_PATH = re.compile(r"[^.\[\]]+(\[\d+\]|\.[^.\[\]]+)*")


class FieldPathError(Exception):
    """The path leads nowhere; the message says where it ends."""


def with_field(document: Any, path: str, text: str) -> Any:
    """A copy with the field set; objects on the way are made. `text` is JSON, or else a text."""
    changed = copy.deepcopy(document)
    *way, last = _parts(path)
    place = changed
    for part in way:
        if isinstance(place, dict) and isinstance(part, str) and place.get(part) is None:
            place[part] = {}
        place = _step(place, part, path)
    if isinstance(place, list) and last == len(place):
        place.append(None)
    _step(place, last, path, is_new=True)
    place[last] = _value(text)
    return changed


def without_field(document: Any, path: str) -> Any:
    """A copy without the field. Raises FieldPathError when there is none."""
    changed = copy.deepcopy(document)
    *way, last = _parts(path)
    place = changed
    for part in way:
        place = _step(place, part, path)
    _step(place, last, path)
    del place[last]
    return changed


def _parts(path: str) -> list[str | int]:
    if not _PATH.fullmatch(path):
        raise FieldPathError(f"{path!r} is no path such as properties.products[0].price")
    return [int(number) if number else name for number, name in _PART.findall(path)]


def _step(place: Any, part: str | int, path: str, *, is_new: bool = False) -> Any:
    if isinstance(place, dict) and isinstance(part, str) and (is_new or part in place):
        return place.get(part)
    if isinstance(place, list) and isinstance(part, int) and part < len(place):
        return place[part]
    raise FieldPathError(f"{path}: there is no {part!r} in it")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
