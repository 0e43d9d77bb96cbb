"""The simulator: 100,000 carts, twice as many for a tenth, and the year of real orders.

Each run is a process of its own, as `stepwell simulate` would be, so that its memory is its own.
Seconds are those of a clock on the wall, with a worker process for each core.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from stepwell.simulation.defining import read_definitions
from stepwell.simulation.population.reader import read_population
from stepwell.simulation.population.sources import PopulationSource, Source, read_events
from stepwell.simulation.runner import simulate
from tests.bench.measurement import Measurement, at_most

ROOT = Path(__file__).parents[2]
CARTS = ROOT / "tests" / "bench" / "carts.yaml"
YEAR = ROOT / "events" / "replays" / "online_retail_year" / "events.jsonl"
CUSTOMERS = 100_000
SEED = 1


@dataclass(frozen=True, slots=True)
class Played:
    """What one run took: seconds, GiB of all its processes at most, and what was in it."""

    seconds: float
    gib: float
    customers: int
    events: int
    entries: int
    messages: int


def measure() -> list[Measurement]:
    tenth, whole, year = _play(CUSTOMERS // 10), _play(CUSTOMERS), _play(None)
    factor = (whole.seconds / whole.customers) / (tenth.seconds / tenth.customers)
    cores = f"{os.cpu_count()} cores"
    return [
        Measurement(
            "simulate", "100,000 carts", whole.seconds, "s", at_most(60), f"{cores}, {_said(whole)}"
        ),
        Measurement("simulate", "100,000 carts: memory", whole.gib, "GiB", at_most(2)),
        Measurement(
            "simulate",
            "a customer of 100,000 against one of 10,000",
            factor,
            "times",
            None,
            f"1 is linear; {tenth.seconds:.1f} s for {tenth.customers:,}",
        ),
        Measurement("simulate", "the year of orders", year.seconds, "s", at_most(60), _said(year)),
    ]


def _said(played: Played) -> str:
    return (
        f"{played.events:,} events, {played.entries:,} entries, {played.messages:,} messages sent"
    )


def _play(customers: int | None) -> Played:
    """In a process of its own; None plays the year."""
    command = [sys.executable, "-m", "tests.bench.simulation", str(customers or "year")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return Played(**json.loads(answer.stdout))


def main(what: str) -> None:
    began = time.perf_counter()
    journeys = ("post_purchase", "win_back") if what == "year" else ("cart_abandonment",)
    definitions = read_definitions(ROOT, frozenset(journeys))
    tally = simulate(_source(what), definitions, SEED)
    seconds = time.perf_counter() - began
    accepted = [number for (_, result), number in tally.providers.items() if result == "accepted"]
    entries = sum(each.entries for each in tally.journeys.values())
    played = Played(seconds, _gib(), tally.customers, tally.events, entries, sum(accepted))
    print(json.dumps(asdict(played)))


def _source(what: str) -> Source:
    if what == "year":
        return read_events(YEAR)
    return PopulationSource(read_population(CARTS, ROOT), int(what))


def _gib() -> float:
    """This process at its largest, and each worker as if it were as large as the largest."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return (own + largest * (os.cpu_count() or 1)) * unit / 2**30


if __name__ == "__main__":
    main(sys.argv[1])
