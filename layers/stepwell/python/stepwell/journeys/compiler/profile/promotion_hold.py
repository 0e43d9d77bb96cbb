"""Whether the segments of a promotion hold are there. SW1024: one that no file declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.problems import Problem, suggest
from stepwell.journeys.compiler.source import read_yaml


def hold_problems(
    root: Path, policies: Mapping[str, Any], segments: Iterable[str] | None, file: str
) -> list[Problem]:
    """`policies` is the document of the policies in `file`, `segments` are the declared ones, if
    known.
    """
    if segments is None:
        return []
    known = set(segments)
    named = policies.get("promotion_hold", {}).get("segments", ())
    wrong = [(index, name) for index, name in enumerate(named) if name not in known]
    source, _ = read_yaml(root / file, file) if wrong else (None, [])
    return [
        Problem(
            source.place(("promotion_hold", "segments", index)),
            "SW1024",
            f"there is no segment {name}; promotions would never be held by it",
            f"{suggest(name, known)} Segments are in segments.yaml.",
        )
        for index, name in wrong
        if source is not None
    ]
