"""The shapes of `profile.yaml` and `segments.yaml`, as pydantic models."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from stepwell.journeys.compiler.documents import Document, Duration, Text

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_A_DAY = 86_400
LONGEST_WINDOW = 400 * _A_DAY


def _window(value: int) -> int:
    if value > LONGEST_WINDOW:
        said = "a window has at most 400 days; without `within` it counts since ever"
        raise PydanticCustomError("SW1005", "{said}", {"said": said})
    return value


def wrong_name(name: str) -> str | None:
    """What is wrong with the name of a computed trait, a segment or a list."""
    if _NAME.fullmatch(name):
        return None
    return f"{name!r} is no name: small letters, digits and _, beginning with a letter"


Window = Annotated[Duration, AfterValidator(_window)]

Kind = Literal[
    "count",
    "sum",
    "min",
    "max",
    "first",
    "last",
    "days_since",
    "distinct",
    "most_frequent",
    "histogram",
    "ratio",
]


class ProfileDocument(Document):
    computed: dict[str, Any] = Field(default_factory=dict)
    context: Any = None


class ComputedDocument(Document):
    kind: Kind
    event: Text | None = None
    where: Text | None = None
    value: Text | None = None
    within: Window | None = None
    since: Text | None = None
    at_most: int | None = Field(default=None, ge=1, le=200)
    of: Text | None = None
    to: Text | None = None


class SegmentsDocument(Document):
    lists: list[Text] = Field(default_factory=list)
    segments: dict[str, Any] = Field(default_factory=dict)


class SegmentDocument(Document):
    when: Text
    about: Text | None = None
    everybody: bool = False
