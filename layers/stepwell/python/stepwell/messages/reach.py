"""Reach: on which channels a customer has an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.messages.verdicts import Rule


def addresses_on(profile: Mapping[str, Any], channel: str) -> tuple[str, ...]:
    """The channel's addresses, the one to try first in front: of device tokens the newest."""
    found = (profile.get("addresses") or {}).get(channel)
    if isinstance(found, list):
        return tuple(each for each in reversed(found) if isinstance(each, str) and each)
    return (found,) if isinstance(found, str) and found else ()


def check_reach(
    profile: Mapping[str, Any], channels: Sequence[str]
) -> tuple[tuple[str, ...], Rule]:
    """The channels with an address, and the rule's entry: how many addresses, never which."""
    counts = {each: len(addresses_on(profile, each)) for each in channels}
    reachable = tuple(each for each in channels if counts[each])
    result = "reachable" if reachable else "unreachable"
    return reachable, {"rule": "reach", "result": result, "addresses": counts}
