"""A rule that was broken: which, whose, where, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stepwell.timestamps import to_text


class Rule(StrEnum):
    """What must never happen."""

    CAP_EXCEEDED = "cap_exceeded"
    QUIET_HOURS = "quiet_hours"
    UNKNOWN_TIME_ZONE = "unknown_time_zone"
    NO_CONSENT = "no_consent"
    SENT_TWICE = "sent_twice"
    SENT_AFTER_END = "sent_after_end"
    STUCK = "stuck"
    FAILED = "failed"
    NO_ANSWER = "no_answer"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class Broken:
    """`text` says it in words. `customer` is an internal id, in a report the user id if there is
    one; "" and None where there is no customer or moment. `reason` is why, where that is stored and
    the same for many customers; else "".
    """

    rule: Rule
    customer: str
    journey: str
    step: str
    when: datetime | None
    text: str
    reason: str = ""

    def as_json(self) -> dict[str, str | None]:
        return {
            "rule": str(self.rule),
            "customer": self.customer,
            "journey": self.journey,
            "step": self.step,
            "when": to_text(self.when) if self.when else None,
            "text": self.text,
            "reason": self.reason,
        }

    def __str__(self) -> str:
        when = to_text(self.when) if self.when else ""
        place = " · ".join(part for part in (when, self.customer, self.journey, self.step) if part)
        return f"{self.rule}: {place}: {self.text}"
