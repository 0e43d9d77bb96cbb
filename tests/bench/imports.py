"""How long a cold start imports: each handler against a bare boto3 client, in fresh processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.measurement import Measurement, at_most

ROUNDS = 7
BUDGET_MS = {"delivery": 450.0}
DEFAULT_BUDGET_MS = 350.0
REFERENCE_MS = 410
"""What a bare client took on the machine that the budgets were written on."""

_BARE = "import boto3\nboto3.client('dynamodb', region_name='eu-west-1')"
_HANDLER = f"{_BARE}\nimport handler"
_TIMED = """
import sys, time
sys.path.insert(0, {folder!r})
start = time.process_time()
{body}
print((time.process_time() - start) * 1000)
"""


def measure() -> list[Measurement]:
    """Milliseconds of CPU time over the bare client, the median of some rounds on warm files.

    CPU time, because what else runs on the machine is not the import's.
    A handler's process makes the client as well, so that what both load counts once.
    """
    folders = sorted(path.parent for path in Path("functions").glob("*/handler.py"))
    bare, *handlers = _medians([(_BARE, Path()), *((_HANDLER, folder) for folder in folders)])
    found = [Measurement("imports", "a bare boto3 client", bare, "ms")]
    for folder, milliseconds in zip(folders, handlers, strict=True):
        budget = at_most(BUDGET_MS.get(folder.name, DEFAULT_BUDGET_MS))
        over = max(0.0, milliseconds - bare)
        there = f"{over * REFERENCE_MS / bare:.0f} ms where a bare client takes {REFERENCE_MS} ms"
        found.append(Measurement("imports", f"{folder.name}, over it", over, "ms", budget, there))
    return found


def _medians(programs: list[tuple[str, Path]]) -> list[float]:
    """Rounds go through all programs, so that a busy moment of the machine hits each alike."""
    for body, folder in programs:
        _milliseconds(body, folder)  # the first run writes the byte code
    rounds = [[_milliseconds(*program) for program in programs] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def _milliseconds(body: str, folder: Path) -> float:
    program = _TIMED.format(folder=str(folder.resolve()), body=body)
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])
