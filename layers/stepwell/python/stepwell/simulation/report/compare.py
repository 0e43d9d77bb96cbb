"""Two reports of the same customers side by side: every number that differs, and by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stepwell.simulation.report.report import FORMAT, JourneyReport, Report, Spread

Name = tuple[str, str, str]
"""Section, name, unit."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One number in both reports; None where a report has nothing to take it of.

    `section` is a journey's name, or what else the number is about; `unit` is "", "seconds",
    "share", "value" or "dollars".
    """

    section: str
    name: str
    unit: str
    first: float | None
    second: float | None

    @property
    def change(self) -> float | None:
        if self.first is None or self.second is None:
            return None
        return self.second - self.first

    @property
    def relative(self) -> float | None:
        """The change as a part of the first number; None where there is none, or it is 0."""
        change = self.change
        return None if change is None or not self.first else change / self.first


@dataclass(frozen=True, slots=True)
class Comparison:
    """`first` is the project as it is; `differences` are the numbers that are not equal."""

    first: Report
    second: Report
    compared: int
    """How many numbers were compared."""
    differences: tuple[Difference, ...]

    @property
    def journeys(self) -> tuple[str, ...]:
        """Those of both sides."""
        return tuple(sorted({*self.first.settings.journeys, *self.second.settings.journeys}))

    @property
    def only_first(self) -> tuple[str, ...]:
        """Journeys that are not there in the second."""
        return _without(self.first, self.second)

    @property
    def only_second(self) -> tuple[str, ...]:
        return _without(self.second, self.first)

    def as_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "compared": self.compared,
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "differences": [
                {**asdict(each), "change": each.change, "relative": each.relative}
                for each in self.differences
            ],
            "first": self.first.as_json(),
            "second": self.second.as_json(),
        }


def _without(report: Report, other: Report) -> tuple[str, ...]:
    return tuple(name for name in report.settings.journeys if name not in other.settings.journeys)


class NotComparableError(Exception):
    """The reports are not about the same customers, seed and period."""


def compare(first: Report, second: Report) -> Comparison:
    """Raises NotComparableError."""
    for name in ("source", "seed", "customers", "start", "until"):
        if getattr(first.settings, name) != getattr(second.settings, name):
            raise NotComparableError(f"the reports differ in {name}, so nothing can be told apart")
    ours, theirs = dict(_numbers(first)), dict(_numbers(second))
    keys = dict.fromkeys([*ours, *theirs])
    order = {section: number for number, section in enumerate(dict.fromkeys(k[0] for k in keys))}
    pairs = [Difference(*key, _in(ours, key), _in(theirs, key)) for key in keys]
    differing = [each for each in pairs if (each.first or 0) != (each.second or 0)]
    return Comparison(
        first,
        second,
        len(pairs),
        tuple(sorted(differing, key=lambda each: order[each.section])),
    )


def _in(numbers: Mapping[Name, float], key: Name) -> float | None:
    """What was never counted is 0, in a section that there is."""
    section, _, unit = key
    known = unit == "" and any(each[0] == section for each in numbers)
    return numbers.get(key, 0 if known else None)


def _numbers(report: Report) -> Iterator[tuple[Name, float]]:
    yield ("all", "messages sent", ""), report.sent()
    yield ("all", "must never happen", ""), report.broken_count
    per_customer = report.per_customer
    yield ("all", "messages per customer, mean", ""), round(per_customer.mean, 6)
    yield from _spread("all", "messages per contacted customer", "", per_customer.contacted)
    for journey in report.journeys:
        yield from _of_journey(journey)
    for cap in report.caps:
        yield ("caps", f"{cap.name}: refusals", ""), cap.refusals
        if cap.reached:
            yield ("caps", f"{cap.name}: customers at the limit", ""), cap.reached[-1]
    alike: Counter[str] = Counter()
    for rule in report.quiet_hours:
        name = f"{', '.join(rule.purposes)} {', '.join(rule.channels)}"
        alike[name] += 1
        name += f", rule {alike[name]}" if alike[name] > 1 else ""
        yield ("quiet hours", f"{name}: deferred", ""), rule.deferred
        yield ("quiet hours", f"{name}: suppressed", ""), rule.suppressed
        yield ("quiet hours", f"{name}: passed over", ""), rule.passed_over
    for each in report.providers:
        yield ("providers", " ".join(each.names), ""), each.count
    yield from _of_cost(report)


def _of_cost(report: Report) -> Iterator[tuple[Name, float]]:
    if report.cost is None:
        return
    for total in report.cost.totals:
        name = {"aws": "AWS", "channels": "channels", "all": "together"}[total.group]
        yield ("cost", f"{name}, a month", "dollars"), round(total.dollars, 6)
        if total.per_million.entries is not None:
            rate = round(total.per_million.entries, 6)
            yield ("cost", f"{name}, per million entries", "dollars"), rate


def _of_journey(journey: JourneyReport) -> Iterator[tuple[Name, float]]:
    section = journey.journey
    yield (section, "entries", ""), journey.entries
    yield (section, "entries again", ""), journey.again
    for way in journey.ways:
        name = f"{way.source or 'entry'} → {way.target or 'completed'}"
        yield from _way(section, name, way.seconds)
    for leaving in journey.leavings:
        yield from _way(section, f"{leaving.step} → {leaving.outcome}", leaving.seconds)
    for each in journey.messages:
        step, channel, outcome = each.names
        yield (section, f"{step}: {outcome}{channel and f' by {channel}'}", ""), each.count
    for each in journey.reasons:
        step, outcome, reason = each.names
        yield (section, f"{step}: {outcome}, {reason.replace('_', ' ')}", ""), each.count
    goal = journey.conversions
    if goal is not None:
        yield (section, "conversions", ""), goal.count
        yield (section, "conversion rate", "share"), round(goal.rate, 6)
        yield (section, "conversions after a message", ""), goal.after_message
        yield (section, "value of conversions", "value"), goal.value
        yield from _spread(section, "time to conversion", "seconds", goal.seconds)


def _way(section: str, name: str, seconds: Spread) -> Iterator[tuple[Name, float]]:
    yield (section, name, ""), seconds.count
    if seconds.median is not None:
        yield (section, f"{name}, median time", "seconds"), seconds.median


def _spread(section: str, name: str, unit: str, spread: Spread) -> Iterator[tuple[Name, float]]:
    for kind, value in (("median", spread.median), ("p95", spread.p95)):
        if value is not None:
            yield (section, f"{name}, {kind}", unit), value
