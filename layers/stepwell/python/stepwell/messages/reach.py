"""Reach: on which channels a customer has an address that takes messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.messages.verdicts import Rule
from stepwell.values import value

Place = tuple[str, str]
"""A channel and an address on it."""


@value
class Suppressed:
    """Those of some addresses that take no messages, each with its reason."""

    reasons: Mapping[Place, str]

    def usable(self, profile: Mapping[str, Any], channel: str) -> tuple[str, ...]:
        """The channel's addresses without them."""
        found = addresses_on(profile, channel)
        if not self.reasons:
            return found
        return tuple(each for each in found if (channel, each) not in self.reasons)


_KEPT_AS = {"whatsapp": "sms"}
"""Channels that use another one's address: the phone number."""

NOTHING_SUPPRESSED = Suppressed({})


def addresses_on(profile: Mapping[str, Any], channel: str) -> tuple[str, ...]:
    """The channel's addresses, the one to try first in front: of device tokens the newest."""
    found = (profile.get("addresses") or {}).get(_KEPT_AS.get(channel, channel))
    if isinstance(found, list):
        return tuple(each for each in reversed(found) if isinstance(each, str) and each)
    return (found,) if isinstance(found, str) and found else ()


def check_reach(
    profile: Mapping[str, Any],
    channels: Sequence[str],
    suppressed: Suppressed = NOTHING_SUPPRESSED,
) -> tuple[tuple[str, ...], Rule]:
    """The channels with a usable address, and the rule's entry: how many, never which.

    `addresses` counts the usable ones, `suppressed` the others by reason, where there are any.
    """
    counts = {each: len(suppressed.usable(profile, each)) for each in channels}
    reachable = tuple(each for each in channels if counts[each])
    entry: Rule = {"rule": "reach", "result": "reachable", "addresses": counts}
    reasons = [reason for (channel, _), reason in suppressed.reasons.items() if channel in counts]
    if reasons:
        entry["suppressed"] = dict(Counter(reasons))
    if not reachable:
        entry["result"] = "address_suppressed" if reasons else "unreachable"
    return reachable, entry
