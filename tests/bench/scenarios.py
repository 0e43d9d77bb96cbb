"""`stepwell test` as an author runs it: a process of its own, the compiler included."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.bench.measurement import Measurement, at_most

ROUNDS = 3


def measure() -> list[Measurement]:
    """The shipped scenarios, the best of some rounds, brought to a hundred by their number."""
    seconds, count = min(_run() for _ in range(ROUNDS))
    note = f"{count} scenarios in {seconds:.1f} s, compiling and starting included"
    return [
        Measurement("scenarios", "100 scenarios", seconds * 100 / count, "s", at_most(10), note)
    ]


def _run() -> tuple[float, int]:
    command = [sys.executable, "-m", "stepwell.cli.main", "test", "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began, len(json.loads(done.stdout)["scenarios"])
