"""Makes the report of a tally: names, shares and percentiles, everything in a fixed order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from stepwell.journeys.program import Program
from stepwell.messages.policies import Cap, QuietHours
from stepwell.simulation.costs.forecast import Forecast
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.never import Broken, unreached
from stepwell.simulation.report.counts import (
    MICROS,
    CapTally,
    Histogram,
    JourneyTally,
    QuietTally,
    Tally,
)
from stepwell.simulation.report.graph import COMPLETED, Graph, graph_of
from stepwell.simulation.report.notices import find_notices
from stepwell.simulation.report.paths import RUNNING
from stepwell.simulation.report.report import (
    CapReport,
    Conversions,
    Count,
    JourneyReport,
    Leaving,
    PerCustomer,
    QuietReport,
    Report,
    Settings,
    Spread,
    Step,
    Way,
)

_HOUR = 60
_NOTHING = Histogram()


def make_report(
    tally: Tally, definitions: Definitions, settings: Settings, cost: Forecast | None
) -> Report:
    """The report of a whole population; `definitions` are those that it was simulated with."""
    policies = definitions.loaded_policies
    programs = sorted(definitions.loaded_programs, key=lambda each: each.journey)
    journeys = tuple(
        _journey(
            each,
            graph_of(each, definitions.machines[each.journey]),
            tally.journeys.get(each.journey, JourneyTally()),
        )
        for each in programs
    )
    nowhere = [each for journey in journeys for each in _unreached(journey)]
    return Report(
        settings=settings,
        customers=tally.customers,
        events=tally.events,
        broken_count=tally.broken_count + len(nowhere),
        broken=tuple(map(_told, [*nowhere, *tally.broken])),
        broken_groups=_groups(nowhere, tally),
        notices=find_notices(tally, programs),
        problem_count=tally.problem_count,
        problems=tuple(tally.problems),
        journeys=journeys,
        caps=tuple(
            _cap(cap, tally.caps.get(cap.name, CapTally()), tally.customers)
            for cap in policies.caps
        ),
        quiet_hours=tuple(
            _quiet(rule, tally.quiet.get(number, QuietTally()))
            for number, rule in enumerate(policies.quiet_hours)
        ),
        per_customer=_per_customer(tally.sent_by_customer),
        providers=_counts(tally.providers),
        calls={name: tally.calls[name] for name in sorted(tally.calls)},
        cost=cost,
    )


def _unreached(journey: JourneyReport) -> list[Broken]:
    if any(each.outcome == RUNNING for each in journey.leavings):
        return []  # who still runs may come to it
    ended = sum(each.count for each in journey.endings)
    entered = {step.name: step.entered for step in journey.steps}
    return unreached(journey.journey, entered, entered, ended)


def _told(broken: Broken) -> dict[str, Any]:
    return broken.as_json() | {"said": str(broken)}


def _groups(nowhere: list[Broken], tally: Tally) -> tuple[dict[str, Any], ...]:
    """What nobody reached, then the most frequent first."""
    counted = sorted(tally.alike.items(), key=lambda each: (-each[1].count, each[0]))
    firsts = [(each, 1) for each in nowhere]
    firsts += [(group.listed[0], group.count) for _, group in counted]
    return tuple(
        {
            "rule": str(first.rule),
            "journey": first.journey,
            "step": first.step,
            "reason": first.reason,
            "count": count,
            "first": _told(first),
        }
        for first, count in firsts
    )


def policies_hash(definitions: Definitions) -> str:
    """Twelve digits by which to tell policies apart."""
    return hashlib.sha256(definitions.policies.encode()).hexdigest()[:12]


def _counts(counter: Mapping[tuple[Any, ...], int]) -> tuple[Count, ...]:
    """Sorted by name."""
    return tuple(
        Count(tuple(map(str, names)), count) for names, count in sorted(counter.items()) if count
    )


def _by_step(counter: Mapping[tuple[Any, ...], int], place: Mapping[str, int]) -> tuple[Count, ...]:
    """In the order of the journey's steps."""
    return tuple(sorted(_counts(counter), key=lambda each: place.get(each.names[0], -1)))


def _spread(histogram: Histogram) -> Spread:
    return Spread(
        histogram.count(),
        histogram.percentile(50),
        histogram.percentile(95),
        histogram.highest(),
    )


def _journey(program: Program, graph: Graph, tally: JourneyTally) -> JourneyReport:
    left = _left(tally)
    place = {step.name: number for number, step in enumerate(graph.steps)}
    return JourneyReport(
        journey=program.journey,
        version=program.version,
        entries=tally.entries,
        customers=tally.customers,
        again=tally.again,
        parallel=tally.parallel,
        steps=tuple(
            Step(each.name, each.kind, each.detail, _entered(each.name, tally))
            for each in graph.steps
        ),
        ways=_ways(graph, tally, left),
        leavings=_leavings(tally, left, place),
        endings=_counts(tally.endings),
        messages=_by_step(tally.messages, place),
        reasons=_by_step(tally.reasons, place),
        hours=_hours(tally),
        conversions=_conversions(tally) if program.goal else None,
    )


def _left(tally: JourneyTally) -> dict[str, int]:
    """How often each step was left; not counting those who came back to it by a restart."""
    left: dict[str, int] = {}
    for (source, target), histogram in [*tally.ways.items(), *tally.leavings.items()]:
        if source != target:
            left[source] = left.get(source, 0) + histogram.count()
    return left


def _entered(name: str, tally: JourneyTally) -> int:
    return sum(
        histogram.count()
        for (source, target), histogram in tally.ways.items()
        if target == name != source
    )


def _share(count: int, whole: int) -> float:
    return count / whole if whole else 0.0


def _ways(graph: Graph, tally: JourneyTally, left: Mapping[str, int]) -> tuple[Way, ...]:
    """Those of the graph, taken or not, in its order; then what the graph does not know."""
    taken = dict(tally.ways)
    for (source, outcome), histogram in tally.leavings.items():
        if outcome == "completed":
            taken[source, COMPLETED] = histogram
    labels = {(way.source, way.target): way.label for way in graph.ways}
    order = [*labels, *sorted(way for way in taken if way not in labels)]
    ways = []
    for source, target in order:
        histogram = taken.get((source, target), _NOTHING)
        share = _share(histogram.count(), left.get(source, 0))
        label = labels.get((source, target), "")
        ways.append(Way(source, target, label, share, _spread(histogram)))
    return tuple(ways)


def _leavings(
    tally: JourneyTally, left: Mapping[str, int], place: Mapping[str, int]
) -> tuple[Leaving, ...]:
    found = sorted(
        (place.get(step, -1), step, outcome)
        for step, outcome in tally.leavings
        if outcome != "completed"
    )
    return tuple(
        Leaving(
            step,
            outcome,
            _share(tally.leavings[step, outcome].count(), left.get(step, 0)),
            _spread(tally.leavings[step, outcome]),
        )
        for _, step, outcome in found
    )


def _hours(tally: JourneyTally) -> tuple[Count, ...]:
    named = {
        (channel, f"{hour:02}" if hour >= 0 else "unknown"): count
        for (channel, hour), count in tally.hours.items()
    }
    return _counts(named)


def _conversions(tally: JourneyTally) -> Conversions:
    return Conversions(
        count=tally.conversions,
        rate=_share(tally.conversions, tally.entries),
        after_message=tally.converted_after_message,
        valued=tally.valued,
        value=tally.value_micros / MICROS,
        seconds=_spread(tally.to_conversion),
    )


def _cap(cap: Cap, tally: CapTally, customers: int) -> CapReport:
    reached = tally.reached.counts
    most = [reached[units] for units in range(1, cap.at_most + 1)]
    return CapReport(
        name=cap.name,
        at_most=cap.at_most,
        seconds=cap.seconds,
        reached=(customers - tally.reached.count(), *most),
        above=tally.reached.count() - sum(most),
        refusals=tally.refusals,
        refused_customers=tally.refused_customers,
    )


def _quiet(rule: QuietHours, tally: QuietTally) -> QuietReport:
    return QuietReport(
        start=f"{rule.start:%H:%M}",
        end=f"{rule.end:%H:%M}",
        purposes=rule.purposes,
        channels=rule.channels,
        deferred=tally.deferred,
        suppressed=tally.suppressed,
        passed_over=tally.passed_over,
        hour_before=_within_hour(tally.before.counts.items()),
        hour_after=_within_hour(tally.after.counts.items()),
        nearest_before=min(tally.before.counts, default=None),
        nearest_after=min(tally.after.counts, default=None),
    )


def _within_hour(minutes: Iterable[tuple[int, int]]) -> int:
    return sum(count for minute, count in minutes if minute <= _HOUR)


def _per_customer(sent: Histogram) -> PerCustomer:
    contacted = Histogram()
    for messages, customers in sent.counts.items():
        if messages:
            contacted.add(messages, customers)
    return PerCustomer(
        all=_spread(sent),
        contacted=_spread(contacted),
        mean=_share(sent.sum(), sent.count()),
        histogram=tuple(sorted(sent.counts.items())),
    )
