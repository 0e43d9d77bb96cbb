"""Promotion hold: while a customer is in one of some segments, some purposes are not sent. Pure.

    promotion_hold: {purposes: [marketing], segments: [frustrated, open_case]}

It suppresses and does not defer: what was written before somebody complained is not what they
should read after it, and nobody knows how long a case takes. A journey that would rather wait holds
for `Segment Left` before its message step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.messages.verdicts import Rule, Verdict, suppressed
from stepwell.storage.operations import Item
from stepwell.values import value

PROMOTION_HOLD = "promotion_hold"


@value
class PromotionHold:
    purposes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def concerns(self, purpose: str) -> bool:
        return purpose in self.purposes


def load_promotion_hold(document: Mapping[str, Any]) -> PromotionHold:
    return PromotionHold(tuple(document.get("purposes", ())), tuple(document.get("segments", ())))


def check_promotion_hold(
    hold: PromotionHold, purpose: str, profile: Item | None
) -> tuple[Verdict | None, Rule]:
    """The verdict while the customer is in one of the segments, and the rule's entry: which ones,
    and since when.
    """
    inside: Mapping[str, str] = (profile or {}).get("segments") or {}
    segments = hold.segments if hold.concerns(purpose) else ()
    held = {name: inside[name] for name in segments if name in inside}
    entry: Rule = {
        "rule": PROMOTION_HOLD,
        "result": "held" if held else "free",
        "segments": held,
    }
    if not held:
        return None, entry
    return suppressed(PROMOTION_HOLD, detail=", ".join(held)), entry
