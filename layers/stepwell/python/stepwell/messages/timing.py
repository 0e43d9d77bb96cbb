"""Rule 5, time: which channels are quiet now, and until when a message waits for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stepwell.customers.zones import Candidates, candidates, load_zone
from stepwell.messages.policies import Policies
from stepwell.messages.quiet_hours import next_allowed
from stepwell.messages.verdicts import Rule
from stepwell.timestamps import to_text
from stepwell.values import value

OPEN = "open"
QUIET = "quiet"
UNKNOWN_ZONE = "unknown_time_zone"


@value
class ChannelTime:
    """A channel's state now; `until` is the end of its quiet hours when it is quiet."""

    channel: str
    state: str
    until: datetime | None = None


def check_time(
    profile: Mapping[str, Any],
    policies: Policies,
    purpose: str,
    channels: Sequence[str],
    now: datetime,
) -> tuple[tuple[ChannelTime, ...], Rule]:
    """Each channel's state, and the rule's entry with the zones and where they come from.

    Zones are looked up only when some channel has quiet hours at all.
    """
    if not any(policies.quiet(purpose, each) for each in channels):
        states = tuple(ChannelTime(each, OPEN) for each in channels)
        return states, _entry(states, None, None)
    known = candidates(profile)
    states = tuple(_channel_time(known, policies, purpose, each, now) for each in channels)
    return states, _entry(states, known, policies.default_zone)


def _channel_time(
    known: Candidates, policies: Policies, purpose: str, channel: str, now: datetime
) -> ChannelTime:
    windows = policies.quiet(purpose, channel)
    if not windows:
        return ChannelTime(channel, OPEN)
    allowed = next_allowed(now, windows, known.zones) if known.zones else None
    fallback = load_zone(policies.default_zone) if policies.default_zone else None
    if allowed is None and fallback is not None:
        allowed = next_allowed(now, windows, (fallback,))
    if allowed is None:
        return ChannelTime(channel, UNKNOWN_ZONE)
    return ChannelTime(channel, QUIET, allowed) if allowed > now else ChannelTime(channel, OPEN)


def _entry(
    states: Sequence[ChannelTime], known: Candidates | None, default_zone: str | None
) -> Rule:
    entry: Rule = {
        "rule": "time",
        "result": states[0].state if states else OPEN,
        "channels": {
            each.channel: {
                "state": each.state,
                "until": to_text(each.until) if each.until else None,
            }
            for each in states
        },
    }
    if known is not None:
        entry |= {"zones": known.names, "zone_source": known.source, "default_zone": default_zone}
    return entry
