"""Durations as people write them: `45m`, `12h`, `3d`, `1d12h`; and offsets: `-60d`, `+1mo`."""

from __future__ import annotations

import re

from stepwell.journeys.dates import Offset

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PATTERN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

_OFFSET = re.compile(r"([+-]?)(?:(\d+)mo)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

YEAR_SECONDS = 365 * 86_400
_LONGEST_OFFSET_DAYS = 3_660


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


def offset_of(text: object) -> Offset:
    """The offset of `text`, at most ten years. Raises ValueError saying how one is written."""
    match = _OFFSET.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()[1:]):
        raise ValueError(f"{text!r} is not an offset; write one like -60d, +3h or 1mo")
    months, weeks, days, *rest = (int(count or 0) for count in match.groups()[1:])
    seconds = sum(count * size for count, size in zip(rest, (3_600, 60, 1), strict=True))
    days += 7 * weeks
    if not (months or days or seconds):
        raise ValueError(f"{text!r} moves nothing; leave it out")
    if 30.5 * months + days + seconds / 86_400 > _LONGEST_OFFSET_DAYS:
        raise ValueError(f"{text!r} is longer than ten years")
    sign = -1 if match[1] == "-" else 1
    return Offset(sign * months, sign * days, sign * seconds)


def text_of(seconds: int) -> str:
    """The shortest way to write it: 129600 is `1d12h`."""
    parts = []
    for unit, size in list(_SECONDS.items())[1:]:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
