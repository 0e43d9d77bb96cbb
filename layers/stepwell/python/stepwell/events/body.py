"""A call's body as JSON: unpacked, bounded, and without what no store or provider takes.

Raises `EnvelopeError`. No time is spent on, and no memory taken by, more than `MAX_BATCH_BYTES`.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from enum import StrEnum
from typing import Any, NoReturn

MAX_BATCH_BYTES = 500 * 1024
MAX_BODY_LEVELS = 100
"""Deeper, what reads JSON may read it and what writes it not; events are held to far less."""

_CONTAINERS = (dict, list)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PACKINGS = ("gzip", "deflate")
_BEGINNINGS = (b"\x1f\x8b", b"\x78")
"""Of bodies that are packed so; JSON never begins so."""
_READS_BOTH = zlib.MAX_WBITS | 32


class Reason(StrEnum):
    """Why a call does not count, as far as its sender has to know it."""

    INVALID = "invalid"
    TOO_LARGE = "too_large"
    FORBIDDEN = "forbidden"


class EnvelopeError(Exception):
    """A call that cannot be accepted. `problems`: (field path, what is wrong), the field may be "".

    The path leads from the call's outermost object: `batch[3].userId`.
    """

    def __init__(self, problems: list[tuple[str, str]], *, reason: Reason = Reason.INVALID) -> None:
        super().__init__("; ".join(f"{path}: {text}" if path else text for path, text in problems))
        self.problems = problems
        self.reason = reason


def read_document(body: bytes, *, encoding: str | None = None) -> dict[str, Any]:
    """The JSON object of a body; `encoding` is its Content-Encoding, if any."""
    text = _unpacked(body, encoding)
    if len(text) > MAX_BATCH_BYTES:
        raise _too_large()
    return _read_json(text)


def _unpacked(body: bytes, encoding: str | None) -> bytes:
    """Never more than one byte past the limit: a kilobyte of gzip may hold a gigabyte.

    API Gateway unpacks bodies itself and may leave the header, so that their beginning counts.
    """
    named = (encoding or "identity").strip().lower()
    if named in ("identity", ""):
        return body
    if named not in _PACKINGS:
        raise EnvelopeError([("Content-Encoding", "must be gzip, deflate or left out")])
    if not body.startswith(_BEGINNINGS):
        return body
    reader = zlib.decompressobj(_READS_BOTH)
    try:
        text = reader.decompress(body, MAX_BATCH_BYTES + 1)
    except zlib.error:
        raise EnvelopeError([("", "the body is not packed as it says")]) from None
    if len(text) <= MAX_BATCH_BYTES and not reader.eof:
        raise EnvelopeError([("", "the body ends before its packing does")])
    return text


def _too_large() -> EnvelopeError:
    said = f"the call is larger than {MAX_BATCH_BYTES} bytes"
    return EnvelopeError([("", said)], reason=Reason.TOO_LARGE)


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8-sig")
        document = strict_json(text)
        if _SURROGATE.search(text):
            document = with_whole_characters(document)
    except (ValueError, RecursionError):
        raise EnvelopeError([("", "the body is not valid JSON")]) from None
    if not isinstance(document, dict):
        raise EnvelopeError([("", "the body must be a JSON object")])
    if is_deeper(document, MAX_BODY_LEVELS):
        said = f"the body is nested deeper than {MAX_BODY_LEVELS} levels"
        raise EnvelopeError([("", said)])
    return document


def is_deeper(document: Any, levels: int) -> bool:
    """Whether it is nested deeper, an object without objects and lists in it being one level."""
    level: list[Any] = [document]
    for _ in range(levels):
        level = [
            part
            for each in level
            for part in (each.values() if isinstance(each, dict) else each)
            if isinstance(part, _CONTAINERS)
        ]
        if not level:
            return False
    return True


def with_whole_characters(document: Any) -> Any:
    """Half of a character, as JavaScript leaves it when it cuts an emoji, becomes U+FFFD: no
    store, hash or provider takes it.
    """
    text = json.dumps(document, ensure_ascii=False)
    return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def strict_json(text: str) -> Any:
    """Raises ValueError also for `NaN`, `Infinity` and `1e999`, and RecursionError."""
    return _STRICT.decode(text)
