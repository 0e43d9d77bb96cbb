"""Frequency caps: units of the CAPS item, reserved before a send, confirmed or released after it.

Pure functions on the item's units. Every write of the item is conditional on the version it was
computed from, so the arithmetic here decides races too. A unit counts in a window of so many
seconds from its reservation, and once it is confirmed from the send: after errors a message may be
asked about for an hour before it goes. A message holds at most one.

    CAPS   version   number, one more with every write
           units     [{"message", "at", "channel", "purpose", "state": "reserved" | "confirmed"}]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from stepwell.messages.policies import Cap, Policies
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

RESERVED = "reserved"
CONFIRMED = "confirmed"


@value
class Unit:
    message: str
    at: datetime
    channel: str
    purpose: str
    state: str


Units = tuple[Unit, ...]


@value
class Refusal:
    """The caps that were full, with their counts, and when all of them have room again."""

    counts: dict[str, int]
    frees_at: datetime


def read_units(item: Item | None) -> Units:
    """The units of a CAPS item; none when there is no item."""
    stored = item.get("units", []) if item else []
    return tuple(
        Unit(
            each["message"],
            from_text(each["at"]),
            each["channel"],
            each["purpose"],
            each["state"],
        )
        for each in stored
    )


def write_units(units: Units) -> list[dict[str, Any]]:
    return [
        {
            "message": unit.message,
            "at": to_text(unit.at),
            "channel": unit.channel,
            "purpose": unit.purpose,
            "state": unit.state,
        }
        for unit in units
    ]


def unit_of(units: Units, message: str) -> Unit | None:
    return next((unit for unit in units if unit.message == message), None)


def reserve(
    units: Units, *, message: str, channel: str, purpose: str, policies: Policies, now: datetime
) -> Units | Refusal:
    """The units with one for the message on this channel, or why there is no room.

    A message that holds a unit keeps it: on the same channel nothing changes; on another channel
    only the caps that did not count it yet are asked. The same units come back when nothing is to
    be written.
    """
    own = unit_of(units, message)
    others = tuple(unit for unit in units if unit.message != message)
    asked = [cap for cap in policies.caps_of(purpose, channel) if not _counts(cap, own, now)]
    full = [cap for cap in asked if _count(cap, others, now) >= cap.at_most]
    if full:
        return _refusal(full, others, now)
    if own is not None and own.channel == channel and not asked:
        return units
    # At `now` also when the unit moves: whoever came after its first reservation has counted it.
    # A confirmed one stays so: the message went out on the channel that failed afterwards.
    unit = Unit(message, now, channel, purpose, own.state if own else RESERVED)
    return (*forget_old(others, policies, now), unit)


def confirm(units: Units, message: str, now: datetime) -> Units:
    """The message's unit confirmed, once: it was sent, or may have been, by now."""
    return tuple(
        Unit(message, max(unit.at, now), unit.channel, unit.purpose, CONFIRMED)
        if unit.message == message and unit.state == RESERVED
        else unit
        for unit in units
    )


def release(units: Units, message: str) -> Units:
    """Without the message's unit: it was definitely not sent. A confirmed unit stays."""
    return tuple(unit for unit in units if unit.message != message or unit.state == CONFIRMED)


def forget_old(units: Iterable[Unit], policies: Policies, now: datetime) -> Units:
    """The units that some cap may still count."""
    oldest = now - timedelta(seconds=policies.longest_window)
    return tuple(unit for unit in units if unit.at > oldest)


def counts_by_cap(
    units: Units, policies: Policies, purpose: str, channel: str, now: datetime
) -> dict[str, int]:
    """How many units each cap of this purpose and channel counts now."""
    return {cap.name: _count(cap, units, now) for cap in policies.caps_of(purpose, channel)}


def _counts(cap: Cap, unit: Unit | None, now: datetime) -> bool:
    return (
        unit is not None
        and cap.counts(unit.purpose, unit.channel)
        and unit.at > now - timedelta(seconds=cap.seconds)
    )


def _count(cap: Cap, units: Iterable[Unit], now: datetime) -> int:
    since = now - timedelta(seconds=cap.seconds)
    return len(
        [each for each in units if each.at > since and cap.counts(each.purpose, each.channel)]
    )


def _refusal(full: Sequence[Cap], others: Units, now: datetime) -> Refusal:
    return Refusal(
        counts={cap.name: _count(cap, others, now) for cap in full},
        frees_at=max(_frees_at(cap, others, now) for cap in full),
    )


def _frees_at(cap: Cap, units: Units, now: datetime) -> datetime:
    """When so many of the counted units have left the window that one more fits."""
    counted = sorted(unit.at for unit in units if _counts(cap, unit, now))
    return counted[len(counted) - cap.at_most] + timedelta(seconds=cap.seconds)
