"""What docs/scale.md takes for measured is what is measured, within some per cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.simulation.costs.measuring import measure
from stepwell.simulation.costs.scale import read_scale

TOLERANCE = 0.1
"""Smaller changes do not change what the page says; larger ones: `stepwell scale --measure`."""


def test_usage_of_an_enrollment_is_as_measured() -> None:
    kept = _flat(read_scale().measured.model_dump())
    found = _flat(measure(Path(__file__).parents[3]).model_dump())
    assert found.keys() == kept.keys()
    wrong = {
        name: (kept[name], each)
        for name, each in found.items()
        if each != pytest.approx(kept[name], rel=TOLERANCE, abs=0.05)
    }
    assert not wrong, "`stepwell scale --measure`, then `--write`"


def _flat(document: dict[str, Any], prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for name, each in document.items():
        if isinstance(each, dict):
            found |= _flat(each, f"{prefix}{name} ")
        else:
            found[prefix + name] = each
    return found
