"""What the layers weigh, unzipped."""

from __future__ import annotations

from infra.layers import layer_sizes
from tests.bench.measurement import Measurement, at_most

MEGABYTE = 1_000_000


def measure() -> list[Measurement]:
    sizes = layer_sizes()
    return [
        Measurement("layers", "dependencies", sizes.dependencies / MEGABYTE, "MB"),
        Measurement("layers", "stepwell", sizes.stepwell / MEGABYTE, "MB"),
        Measurement("layers", "both", sizes.total / MEGABYTE, "MB", at_most(70)),
    ]
