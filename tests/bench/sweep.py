"""The sweep of 100,000 customers who are due at one moment, in the simulator, on one core.

Each has ordered once, and 90 days later becomes `lapsed` by the passing of time alone: the sweep
finds them in its index, the router looks at each and tells what it found. In a process of its own,
so that its memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stepwell.events.model import Event, EventType
from stepwell.events.told import TIME_PASSED
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.engine import Simulation
from tests.bench.measurement import Measurement, at_most

ROOT = Path(__file__).parents[2]
CUSTOMERS = 100_000
START = datetime(2026, 9, 1, 8, 2, 17, tzinfo=UTC)
LAPSED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Swept:
    """`seconds` are of the sweep alone; `told` customers it told of, in `runs` of it."""

    seconds: float
    gib: float
    told: int
    runs: int
    lapsed: int


def measure() -> list[Measurement]:
    command = [sys.executable, "-m", "tests.bench.sweep", str(CUSTOMERS)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    swept = Swept(**json.loads(answer.stdout))
    said = f"{swept.runs} runs, {swept.lapsed:,} became lapsed; one core"
    return [
        Measurement("sweep", "100,000 due at once", swept.seconds, "s", at_most(60), said),
        Measurement("sweep", "100,000 due at once: memory", swept.gib, "GiB", at_most(2)),
    ]


def play(customers: int) -> Swept:
    definitions = read_definitions(ROOT, frozenset({"cart_abandonment"}))
    simulation = Simulation(definitions, START)
    for number in range(customers):
        simulation.send(_order(number))
    simulation.trace.applied.clear()
    simulation.run_until(START + LAPSED - timedelta(minutes=5))
    began = time.perf_counter()
    simulation.run(START + LAPSED + timedelta(days=1))
    seconds = time.perf_counter() - began
    swept = [each.at for each in simulation.trace.applied if each.event.name == TIME_PASSED]
    lapsed = sum(
        each.event.properties == {"segment": "lapsed"} for each in simulation.trace.applied
    )
    unit = 1 if sys.platform == "darwin" else 1024
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    return Swept(seconds, gib, len(swept), len(set(swept)), lapsed)


def _order(number: int) -> Event:
    return Event(
        id=f"o{number}",
        source="bench",
        type=EventType.TRACK,
        name="Order Completed",
        user_id=f"u{number}",
        anonymous_id=None,
        properties={"order_id": f"o{number}", "revenue": 50.0, "currency": "GBP"},
        traits={},
        context={},
        timestamp=START,
        received_at=START,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(play(int(sys.argv[1])))))
