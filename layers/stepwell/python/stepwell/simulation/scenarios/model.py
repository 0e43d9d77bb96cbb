"""A scenario as the reader understood it, and what may happen in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from stepwell.events.model import Event
from stepwell.journeys.compiler.problems import Place
from stepwell.simulation.scenarios.times import Week

USER = "customer"
"""The user id of the customer of a scenario that names nobody."""


class Kind(StrEnum):
    """What a line of `expect` is about: how a message was decided, whether a human was
    asked, an enrollment, a conversion.
    """

    SENT = "sent"
    DEFERRED = "deferred"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    HANDED_OVER = "handed_over"
    NOT_HANDED_OVER = "not_handed_over"
    ENROLLMENT = "enrollment"
    CONVERSION = "conversion"


HAND_OVER_KINDS = frozenset({Kind.HANDED_OVER, Kind.NOT_HANDED_OVER})
MESSAGE_KINDS = frozenset(Kind) - HAND_OVER_KINDS - {Kind.ENROLLMENT, Kind.CONVERSION}
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, or is expected to.

    `subject` is the name of the message or of the hand-over (then `by` is its destination), how the
    enrollment stands, or the event that converted. Of an expectation, what is None is not compared;
    `at` is None only for an enrollment that is active, and `says` (a part of the text that was
    sent) is never more than expected.
    """

    kind: Kind
    at: datetime | None
    user: str
    journey: str
    subject: str
    by: str | None = None
    because: str | None = None
    until: datetime | None = None
    value: float | None = None
    step: str | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    fact: Fact
    place: Place


@dataclass(frozen=True, slots=True)
class Person:
    """A customer before the first event. `zone` is None when nobody is to know it.

    `granted` and `refused` are pairs of purpose and channel.
    """

    user: str
    zone: ZoneInfo | None
    traits: Mapping[str, Any]
    tokens: tuple[str, ...]
    granted: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def clock(self) -> ZoneInfo:
        """The zone in which the scenario's times of this customer are written."""
        return self.zone or ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Call:
    """An event, and the moment at which it is sent (it may say that it happened earlier)."""

    at: datetime
    user: str
    event: Event


@dataclass(frozen=True, slots=True)
class Scenario:
    """`policies` is the text of the policies' document; `journeys` are those that are loaded.

    `providers`: channel -> how its calls end, the last for all that follow; so `destinations`, by
    their names.
    """

    journey: str
    name: str
    place: Place
    week: Week
    journeys: tuple[str, ...]
    policies: str
    providers: Mapping[str, tuple[str, ...]]
    destinations: Mapping[str, tuple[str, ...]]
    people: Mapping[str, Person]
    calls: tuple[Call, ...]
    until: datetime | None
    expected: tuple[Expected, ...]
