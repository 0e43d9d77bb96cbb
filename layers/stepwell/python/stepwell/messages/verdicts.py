"""What a rule or a function concludes about a message."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from stepwell.values import value

Rule = dict[str, Any]
"""One rule's entry in the decision record: its name, its result and its inputs; nothing personal.
"""


class Outcome(StrEnum):
    """How an ask ends. All but DEFERRED are final."""

    SENT = "sent"
    DEFERRED = "deferred"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@value
class Verdict:
    """The end of an ask. `until` is set for DEFERRED; `detail` goes to the record, not to the
    journey.
    """

    outcome: Outcome
    reason: str
    channel: str | None = None
    until: datetime | None = None
    detail: str | None = None


def suppressed(reason: str, *, channel: str | None = None, detail: str | None = None) -> Verdict:
    return Verdict(Outcome.SUPPRESSED, reason, channel, detail=detail)


def deferred(reason: str, until: datetime, *, channel: str | None) -> Verdict:
    return Verdict(Outcome.DEFERRED, reason, channel, until)
