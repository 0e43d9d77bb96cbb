"""What is counted over a population: small, exact, and mergeable in any grouping.

A `Tally` holds whole numbers only, so that adding up parts gives the same whatever the parts were,
and its size depends on the journeys and on the length of the simulation, not on the number of
customers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Self

from stepwell.simulation.costs.usage import Billed, Metered

MOST_LISTED = 100
"""How many broken rules and problems are kept word for word; all of them are counted."""
MICROS = 1_000_000
"""Values of conversions are added up as millionths, exactly."""

_MINUTE, _HOUR = 60, 3_600
_MINUTES_UNTIL = 2 * 86_400


@dataclass(slots=True)
class Histogram:
    """How often each whole number occurred; percentiles by nearest rank, so each is one of them."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, value: int, times: int = 1) -> None:
        self.counts[value] += times

    def add_seconds(self, seconds: float) -> None:
        """Add a length of time in seconds: whole seconds below a minute, whole minutes below two
        days, whole hours from there on, each rounded to the nearest.
        """
        self.add(_coarse(max(seconds, 0.0)))

    def count(self) -> int:
        return self.counts.total()

    def sum(self) -> int:
        return sum(value * times for value, times in self.counts.items())

    def percentile(self, percent: int) -> int | None:
        """The smallest value that so many percent of all do not exceed; None without any."""
        wanted = -(-self.count() * percent // 100)
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= max(wanted, 1):
                return value
        return None

    def highest(self) -> int | None:
        return max(self.counts, default=None)


def _coarse(seconds: float) -> int:
    unit = 1 if seconds < _MINUTE else _MINUTE if seconds < _MINUTES_UNTIL else _HOUR
    return int(seconds / unit + 0.5) * unit


@dataclass(slots=True)
class JourneyTally:
    """One journey.

    `entries` counts runs; `customers` those who entered at all; `again` runs that were not their
    enrollment's first, `parallel` first runs of a further enrollment of the same customer.
    `ways` is time in state by (step, next step), with "" before the first step; `leavings` the same
    by (step, how the run ended): completed, exited, converted, replaced, failed, or running.
    Outcomes are those of messages, once each; a message that still waited when its run ended counts
    as "deferred". Decisions are counted each time they were made.
    """

    entries: int = 0
    customers: int = 0
    again: int = 0
    parallel: int = 0
    ways: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    leavings: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (outcome, reason)."""
    messages: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By (step, channel or "", outcome)."""
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Decisions by (step, outcome, reason)."""
    failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Messages that failed by (step, reason, detail)."""
    hours: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Messages sent by (channel, local hour), -1 where the customer's zone is unknown."""
    conversions: int = 0
    converted_after_message: int = 0
    valued: int = 0
    value_micros: int = 0
    to_conversion: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class CapTally:
    """A cap: `reached` is the number of customers by the most units that any window of theirs held.

    Customers whose windows were empty are not in it. `refusals` counts decisions that found it
    full, `refused_customers` those who met one.
    """

    reached: Histogram = field(default_factory=Histogram)
    refusals: int = 0
    refused_customers: int = 0


@dataclass(slots=True)
class QuietTally:
    """A rule of quiet hours, by its place in the policies.

    `before` and `after` have the messages sent under it by whole minutes from the wall clock to its
    start, and from its end to the wall clock.
    """

    deferred: int = 0
    suppressed: int = 0
    passed_over: int = 0
    """Decisions that took another channel because this one was quiet."""
    before: Histogram = field(default_factory=Histogram)
    after: Histogram = field(default_factory=Histogram)


BrokenGroup = tuple[str, str, str, str]
"""What broken rules that are alike have in common: rule, journey, step, reason."""


@dataclass(slots=True)
class BrokenTally:
    """Broken rules that are alike: `count` of them; `listed` starts with the first of all."""

    count: int = 0
    listed: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """A population, or a part of one. `merge` adds another part to it, in place.

    `calls` is `Trace.calls`; `metered` and `billed` are of `costs.usage`; `sent_by_customer` the
    number of customers by messages sent to them, 0 included; `providers` calls to providers by
    (channel, result). `broken` and `problems` are the first of all `broken_count` and
    `problem_count`.
    """

    customers: int = 0
    events: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    """How often events that journeys begin or end with were applied, by name."""
    calls: Counter[str] = field(default_factory=Counter)
    metered: Metered = field(default_factory=Metered)
    billed: Billed = field(default_factory=Counter)
    broken: list[Any] = field(default_factory=list)
    broken_count: int = 0
    alike: dict[BrokenGroup, BrokenTally] = field(default_factory=dict)
    """All broken rules."""
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0
    journeys: dict[str, JourneyTally] = field(default_factory=dict)
    caps: dict[str, CapTally] = field(default_factory=dict)
    quiet: dict[int, QuietTally] = field(default_factory=dict)
    sent_by_customer: Histogram = field(default_factory=Histogram)
    providers: Counter[tuple[str, str]] = field(default_factory=Counter)

    def merge(self, other: Tally) -> Self:
        """Add another part. Associative; `other` is not changed, and must not be used as a part
        twice.
        """
        _add(self, other)
        return self


def _add(mine: Any, other: Any) -> None:
    """Add the fields of a dataclass to those of another of the same kind."""
    for each in fields(mine):
        setattr(mine, each.name, _added(getattr(mine, each.name), getattr(other, each.name)))


def _added(mine: Any, other: Any) -> Any:
    if isinstance(mine, int):
        return mine + other
    if isinstance(mine, list):
        return (mine + other)[:MOST_LISTED]
    if isinstance(mine, Counter):
        mine.update(other)
    elif is_dataclass(mine):
        _add(mine, other)
    else:
        for key, value in other.items():
            mine[key] = _added(mine[key] if key in mine else type(value)(), value)
    return mine
