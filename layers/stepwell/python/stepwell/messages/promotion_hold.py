"""Promotion hold: while a customer is in one of some segments, some purposes are not sent. Pure.

    promotion_hold: {purposes: [marketing], segments: [frustrated, open_case]}

It suppresses and does not defer: what was written before somebody complained is not what they
should read after it, and nobody knows how long a case takes. A journey that would rather wait holds
for `Segment Left` before its message step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stepwell.customers.snapshot import Snapshot
from stepwell.messages.verdicts import Rule, Verdict, suppressed
from stepwell.profile.view import customer_view, is_settled
from stepwell.storage.operations import Item
from stepwell.values import value

if TYPE_CHECKING:
    from stepwell.messages.policies import Policies

PROMOTION_HOLD = "promotion_hold"


@value
class PromotionHold:
    purposes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def concerns(self, purpose: str) -> bool:
        return purpose in self.purposes


def load_promotion_hold(document: Mapping[str, Any]) -> PromotionHold:
    purposes, segments = (tuple(document.get(name, ())) for name in ("purposes", "segments"))
    return PromotionHold(purposes, segments)


def check_promotion_hold(
    policies: Policies, purpose: str, person: Snapshot, now: datetime
) -> tuple[Verdict | None, Rule]:
    """The verdict while the customer is in one of the segments, and the rule's entry: which ones,
    and since when as far as that is kept.
    """
    hold = policies.promotion_hold
    segments = hold.segments if hold.concerns(purpose) else ()
    kept: Mapping[str, str] = (person.profile or {}).get("segments") or {}
    inside: Mapping[str, Any] = dict.fromkeys(kept, True)
    if segments and not is_settled(person.profile, policies.profile, now):
        inside = customer_view(person, policies.profile, now)["segments"]
    held = {name: kept.get(name) for name in segments if inside.get(name, name in kept)}
    entry: Rule = {
        "rule": PROMOTION_HOLD,
        "result": "held" if held else "free",
        "segments": held,
    }
    if not held:
        return None, entry
    return suppressed(PROMOTION_HOLD, detail=", ".join(held)), entry


def held_meanwhile(
    policies: Policies, purpose: str, profile: Item | None, now: datetime
) -> tuple[Verdict | None, Rule]:
    """The same, right before the send and by the profile alone. Where its segments have to be found
    anew, which may take more than it has, the decision of a moment ago is believed.
    """
    if not is_settled(profile, policies.profile, now):
        return None, {}
    return check_promotion_hold(policies, purpose, Snapshot("", profile), now)
