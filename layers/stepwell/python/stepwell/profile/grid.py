"""Coordinates as coarse as a project declares them: in which cell of a grid a point lies. Pure.

The rows of the grid are so many kilometres high, and each is divided into cells that are at most as
wide. A point becomes the middle of its cell: at most one such length away, and the same for all
points of the cell.
"""

from __future__ import annotations

from math import ceil, cos, floor, radians

from stepwell.conditions.distance import KM_A_DEGREE

_DIGITS = 5
"""Of a degree, about a metre: what a middle is written with."""


def coarse(latitude: float, longitude: float, precision_km: float) -> tuple[float, float]:
    """Latitude and longitude of the middle of the cell; of a middle, itself."""
    height = precision_km / KM_A_DEGREE
    north = round(latitude / height) * height
    north = round(max(-90.0, min(90.0, north)), _DIGITS)
    cells = max(1, ceil(360 * cos(radians(north)) / height))
    width = 360 / cells
    cell = floor((longitude + 180) / width) % cells
    return north + 0.0, round((cell + 0.5) * width - 180, _DIGITS) + 0.0  # never -0.0
