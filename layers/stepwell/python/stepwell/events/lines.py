"""A line of a file of calls as a JSON object. What is wrong with it is told after its place:
`<file>:<line>: is not JSON: …`.
"""

from __future__ import annotations

import json
from typing import Any

from stepwell.events.body import strict_json
from stepwell.events.model import EventType


def read_object(line: bytes | str) -> dict[str, Any]:
    """Raises ValueError saying what is wrong, and what to do."""
    try:
        text = line if isinstance(line, str) else line.decode("utf-8-sig")
        document = strict_json(text)
    except json.JSONDecodeError as error:
        said = f"{error.msg} at character {error.pos + 1}"
        raise ValueError(f"is not JSON: {said}; write one JSON object a line") from error
    except UnicodeDecodeError as error:
        raise ValueError("is no UTF-8 text; save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        said = "has NaN, infinity or too long a number, or is nested too deep; correct it"
        raise ValueError(said) from error
    if not isinstance(document, dict):
        raise ValueError(  # noqa: TRY004 - the line's content is wrong, not an argument
            'is not a JSON object; write {"type": "track", …}'
        )
    return document


def check_type(call: dict[str, Any]) -> None:
    """Raises ValueError unless it is a call of a type that there is."""
    if call.get("type") not in list(EventType):
        given = call.get("type")
        said = "type is missing" if given is None else f"type {given!r} is not taken"
        raise ValueError(f"{said}; write one of {', '.join(EventType)}, or leave the call out")
