"""A whole simulation: play the source, count, forecast the cost, make the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.simulation.costs.forecast import Forecast, forecast
from stepwell.simulation.costs.prices import PriceTable
from stepwell.simulation.costs.usage import Usage
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.population.sources import Source
from stepwell.simulation.report.making import make_report, policies_hash
from stepwell.simulation.report.report import Report, Settings
from stepwell.simulation.report.tally import Tally, harvest
from stepwell.simulation.runner import Progress, simulate
from stepwell.timestamps import to_text

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate apart from the definitions. `source_name` says it in words; `plans` are
    providers' plans by channel; `workers` None is as many as there are CPUs.
    """

    source: Source
    source_name: str
    seed: int
    prices: PriceTable
    plans: Mapping[str, str]
    workers: int | None = None


def simulate_report(
    plan: Plan, definitions: Definitions, progress: Progress, label: str = ""
) -> Report:
    """Raises what the runner raises."""
    tally = simulate(
        plan.source,
        definitions,
        plan.seed,
        harvest=harvest,
        workers=plan.workers,
        progress=progress,
    )
    until = plan.source.until or plan.source.start
    seconds = (until - plan.source.start).total_seconds()
    settings = Settings(
        journeys={
            each.journey: each.version
            for each in sorted(definitions.loaded_programs, key=lambda each: each.journey)
        },
        source=plan.source_name,
        seed=plan.seed,
        customers=plan.source.customers,
        start=to_text(plan.source.start),
        until=to_text(until),
        days=round(seconds / _DAY, 3),
        policies=policies_hash(definitions),
        label=label,
    )
    return make_report(tally, definitions, settings, _forecast(tally, plan, seconds))


def _forecast(tally: Tally, plan: Plan, seconds: float) -> Forecast | None:
    if seconds <= 0:
        return None
    usage = Usage(
        seconds=seconds,
        customers=tally.customers,
        entries=sum(each.entries for each in tally.journeys.values()),
        messages=tally.sent_by_customer.sum(),
        calls=tally.calls,
        metered=tally.metered,
        billed=tally.billed,
    )
    return forecast(usage, plan.prices, plan.plans)
