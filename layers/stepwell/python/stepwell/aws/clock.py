"""The clock of the functions. On one machine the local stack sets it; on AWS it is the system's."""

from __future__ import annotations

from datetime import UTC, datetime

_standing: datetime | None = None


def now() -> datetime:
    """The present moment, in UTC."""
    return _standing or datetime.now(UTC)


def stand_at(moment: datetime | None) -> None:
    """Make `now` answer this moment until told otherwise (None: the system's clock again)."""
    global _standing  # noqa: PLW0603 - one clock a process, set by whoever drives local time
    _standing = moment
