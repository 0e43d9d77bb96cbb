"""Distances on the earth, taken as a sphere. Pure.

The earth is flatter at the poles: against the WGS 84 ellipsoid a distance here is at most 0.6 % off
(a test compares them). The function that conditions call is `distance_km`.
"""

from __future__ import annotations

from math import asin, cos, pi, radians, sin, sqrt
from typing import Any

from stepwell.conditions.errors import OperationError
from stepwell.conditions.values import NUMBERS, type_name

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the earth (IUGG, R1)."""

KM_A_DEGREE = EARTH_RADIUS_KM * pi / 180
"""Along a meridian."""

LATITUDES = (-90.0, 90.0)
LONGITUDES = (-180.0, 180.0)


def great_circle_km(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """The way between two points over the surface, by the haversine formula; all in degrees."""
    north, other_north = radians(latitude), radians(other_latitude)
    across = sin(radians(other_longitude - longitude) / 2)
    along = sin((other_north - north) / 2)
    chord = along * along + cos(north) * cos(other_north) * across * across
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(chord, 1.0)))  # rounding may go past 1


def distance_km(place: Any, latitude: Any, longitude: Any) -> float:
    """From a place, a map with `latitude` and `longitude`, to a point, all in degrees.

    Raises OperationError, which never tells where the customer is.
    """
    if not isinstance(place, dict):
        raise OperationError(f"distance_km() is from a place, not from {type_name(place)}")
    if "latitude" not in place or "longitude" not in place:
        raise OperationError("distance_km(): the place has no latitude and longitude")
    return great_circle_km(
        _degrees(place["latitude"], "latitude", LATITUDES),
        _degrees(place["longitude"], "longitude", LONGITUDES),
        _degrees(latitude, "latitude", LATITUDES),
        _degrees(longitude, "longitude", LONGITUDES),
    )


def _degrees(value: Any, name: str, bounds: tuple[float, float]) -> float:
    if type(value) not in NUMBERS:
        raise OperationError(f"distance_km(): a {name} is a number, not {type_name(value)}")
    lowest, highest = bounds
    if not lowest <= value <= highest:  # also what is no number at all
        raise OperationError(f"distance_km(): a {name} is from {lowest:g} to {highest:g}")
    return float(value)
