"""The shipped journeys, compiled once for all benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.stage import bundle_folder


def machine(journey: str) -> dict[str, Any]:
    """The journey's state machine."""
    return bundle_folder()[1].machines[journey]


def program_texts() -> list[str]:
    """The programs' JSON texts, in a fixed order."""
    folder = Path(bundle_folder()[0].name)
    return [path.read_text() for path in sorted((folder / "programs").glob("*.json"))]
