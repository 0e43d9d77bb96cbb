"""Durations as people write them: `45m`, `12h`, `3d`, `1d12h`."""

from __future__ import annotations

import re

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PATTERN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

YEAR_SECONDS = 365 * 86_400


def seconds_of(text: object) -> int:
    """Seconds of `text`, at least 1. Raises ValueError saying how a duration is written."""
    match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not a duration; write one like 45m, 12h, 3d or 1d12h")
    seconds = sum(
        int(count or 0) * size
        for count, size in zip(match.groups(), _SECONDS.values(), strict=True)
    )
    if seconds < 1:
        raise ValueError(f"{text!r} is no time at all; the shortest duration is 1s")
    return seconds


def text_of(seconds: int) -> str:
    """The shortest way to write it: 129600 is `1d12h`."""
    parts = []
    for unit, size in list(_SECONDS.items())[1:]:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
