"""How close a customer's messages came to the caps and quiet hours that hold for them.

Worked out from what was sent when, not from what the rules counted, so that it shows what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from stepwell.messages.policies import Policies, QuietHours
from stepwell.simulation.report.counts import CapTally, QuietTally, Tally
from stepwell.values import value

_DAY = 24 * 60


@value
class Contact:
    """A message that was sent, or may have been, and so counts for caps."""

    at: datetime
    purpose: str
    channel: str
    zones: tuple[ZoneInfo, ...]
    surely: bool
    """Whether a provider is known to have taken it."""


def count_caps(contacts: Sequence[Contact], policies: Policies, tally: Tally) -> None:
    """Add one customer's fullest window of each cap; `contacts` are all of theirs, in order."""
    times: dict[str, list[datetime]] = {}
    for each in contacts:
        for cap in policies.caps_of(each.purpose, each.channel):
            times.setdefault(cap.name, []).append(each.at)
    for cap in policies.caps:
        if cap.name in times:
            most = _most_within(times[cap.name], timedelta(seconds=cap.seconds))
            cap_of(tally, cap.name).reached.add(most)


def _most_within(times: Sequence[datetime], window: timedelta) -> int:
    """The most moments that any window held; one exactly a window later is out of it."""
    most = first = 0
    if len(times) == 1:
        return 1
    for last, moment in enumerate(times):
        while moment - times[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def cap_of(tally: Tally, name: str) -> CapTally:
    """The counts of a cap."""
    if name not in tally.caps:
        tally.caps[name] = CapTally()
    return tally.caps[name]


def count_quiet(contacts: Sequence[Contact], policies: Policies, tally: Tally) -> None:
    """Add how long before and after each rule's quiet hours a customer's messages went.

    On wall clocks: across a change of the clocks it is an hour more or less than really passed.
    """
    for number, rule in enumerate(policies.quiet_hours):
        start, end = _minutes(rule.start), _minutes(rule.end)
        for each in contacts:
            if each.surely and each.zones and _covers(rule, each.purpose, each.channel):
                counts = quiet_of(tally, number)
                local = [_minutes(each.at.astimezone(zone)) for zone in each.zones]
                counts.before.add(min((start - minute) % _DAY for minute in local))
                counts.after.add(min((minute - end) % _DAY for minute in local))


def quiet_of(tally: Tally, number: int) -> QuietTally:
    """The counts of a rule, by its place in the policies."""
    if number not in tally.quiet:
        tally.quiet[number] = QuietTally()
    return tally.quiet[number]


def rules_for(policies: Policies, purpose: str, channel: str | None) -> list[int]:
    """The places of the quiet-hour rules that cover a purpose on a channel."""
    return [
        number
        for number, rule in enumerate(policies.quiet_hours)
        if channel and _covers(rule, purpose, channel)
    ]


def _covers(rule: QuietHours, purpose: str, channel: str) -> bool:
    return purpose in rule.purposes and channel in rule.channels


def _minutes(clock: time | datetime) -> int:
    return clock.hour * 60 + clock.minute
