"""Where a simulation's time goes: `python -m tests.bench.parts`, for docs/simulating.md.

Samples of the CPU's time while carts are played in this process; each counts for the innermost
frame of Stepwell, so what a library or Python does counts for who asked it to.
"""

from __future__ import annotations

import signal
from collections import Counter
from types import FrameType

from stepwell.simulation.defining import read_definitions
from stepwell.simulation.population.reader import read_population
from stepwell.simulation.population.sources import PopulationSource
from stepwell.simulation.report.tally import harvest
from tests.bench.simulation import CARTS, ROOT, SEED

CUSTOMERS = 10_000
EVERY = 0.001
"""Seconds of CPU time between two samples."""

PARTS = {
    "messages/templates": "rendering templates (Liquid)",
    "messages": "deciding and recording messages",
    "customers": "router: identities, profiles, enrollments, conditions",
    "journeys": "router: identities, profiles, enrollments, conditions",
    "conditions": "router: identities, profiles, enrollments, conditions",
    "events": "router: identities, profiles, enrollments, conditions",
    "storage": "store in memory",
    "simulation/population": "making customers and what they do",
    "simulation/report": "counting",
    "simulation/costs": "counting",
    "simulation/never": "checking what must never happen",
    "simulation": "state machines and time",
}
"""The first that a module's path begins with."""


class Sampler:
    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()

    def take(self, _signal: int, frame: FrameType | None) -> None:
        while frame is not None:
            _, found, module = frame.f_code.co_filename.partition("/stepwell/python/stepwell/")
            part = next((each for each in PARTS if found and module.startswith(each)), None)
            if part:
                self.samples[PARTS[part]] += 1
                return
            frame = frame.f_back
        self.samples["the rest"] += 1


def main() -> None:
    definitions = read_definitions(ROOT, frozenset({"cart_abandonment"}))
    source = PopulationSource(read_population(CARTS, ROOT), CUSTOMERS)
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler.take)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    for chunk in source.chunks():
        harvest(source.play(chunk, definitions, SEED))
    signal.setitimer(signal.ITIMER_PROF, 0)
    total = sampler.samples.total()
    for part, number in sampler.samples.most_common():
        print(f"| {part} | {number / total:.0%} |")


if __name__ == "__main__":
    main()
