"""The shipped journeys, compiled once for all benchmarks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from infra.compiled import Compiled, compile_journeys

FOLDER = Path(".build/bench-bundle")


@cache
def compiled() -> Compiled:
    return compile_journeys(Path("statemachines"), FOLDER)


def program_texts() -> list[str]:
    """The programs' JSON texts, in a fixed order."""
    return [path.read_text() for path in sorted((compiled().folder / "programs").glob("*.json"))]
