"""Setting and removing a field of a JSON document by its path, as errors name it:
`properties.products[0].price`.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from stepwell.events.body import MAX_BODY_LEVELS, is_deeper, strict_json, with_whole_characters

_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_PATH = re.compile(r"[^.\[\]]+(\[\d+\]|\.[^.\[\]]+)*")


class FieldPathError(Exception):
    """The path leads nowhere; the message says where it ends."""


def check_path(path: str) -> None:
    """Raises FieldPathError for what is a path in no document."""
    _parts(path)


def read_json(text: str) -> Any:
    """As the API reads a body, half characters become U+FFFD. Raises ValueError saying what is
    wrong; JSONDecodeError where it is no JSON to anybody.
    """
    said = "has NaN, infinity or too long a number, or is nested too deep"
    try:
        document = strict_json(text)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        raise ValueError(said) from None
    if is_deeper([document], MAX_BODY_LEVELS):
        raise ValueError(said)
    return with_whole_characters(document)


def read_value(text: str) -> Any:
    """JSON, or else the text itself. Raises ValueError for what only looks like JSON."""
    try:
        return read_json(text)
    except ValueError:
        if _is_no_json(text):
            return text
        raise


def _is_no_json(text: str) -> bool:
    """Also not to a lenient reader, to whom `NaN` is a number and `NaNcy` is none."""
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def with_field(document: Any, path: str, value: Any) -> Any:
    """A copy with the field set; objects on the way are made."""
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
    place[last] = value
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
