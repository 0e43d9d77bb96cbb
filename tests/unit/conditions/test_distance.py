"""Distances: what holds for any, what is known of some, and how far from the ellipsoid they are."""

from __future__ import annotations

import math
from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepwell.conditions.distance import EARTH_RADIUS_KM, great_circle_km
from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import compile_tree, to_cel
from stepwell.journeys.compiler.cel.parser import parse
from tests.unit.conditions.test_oracle import environment

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
POINTS = st.tuples(LATITUDES, LONGITUDES)
HALF_ROUND = math.pi * EARTH_RADIUS_KM
A_METRE = 0.001


@given(POINTS, POINTS)
def test_distance_is_the_same_there_and_back(one: Any, other: Any) -> None:
    assert great_circle_km(*one, *other) == great_circle_km(*other, *one)
    assert 0 <= great_circle_km(*one, *other) <= HALF_ROUND


@given(POINTS)
def test_distance_to_itself_is_zero_and_to_its_antipode_half_round(point: Any) -> None:
    latitude, longitude = point
    assert great_circle_km(*point, *point) == 0
    antipode = (-latitude, longitude - 180)
    assert great_circle_km(latitude, longitude, *antipode) == pytest.approx(HALF_ROUND)


@given(POINTS, POINTS, POINTS)
def test_no_way_round_is_shorter(one: Any, other: Any, between: Any) -> None:
    by = great_circle_km(*one, *between) + great_circle_km(*between, *other)
    assert great_circle_km(*one, *other) <= by + A_METRE


def test_distance_over_the_date_line_and_the_pole_is_the_short_one() -> None:
    assert great_circle_km(0, 179.5, 0, -179.5) == pytest.approx(111.195, abs=0.001)
    assert great_circle_km(89.5, 0, 89.5, 180) == pytest.approx(111.195, abs=0.001)


def vincenty_km(one: tuple[float, float], other: tuple[float, float]) -> float | None:
    """On the WGS 84 ellipsoid, by Vincenty's inverse formula; None where that does not converge."""
    a, f = 6378.137, 1 / 298.257223563
    b = a * (1 - f)
    u1, u2 = (math.atan((1 - f) * math.tan(math.radians(each[0]))) for each in (one, other))
    apart = lam = math.radians(other[1] - one[1])
    for _ in range(200):
        sine = math.hypot(
            math.cos(u2) * math.sin(lam),
            math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lam),
        )
        if sine == 0:
            return 0.0
        cosine = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lam)
        sigma = math.atan2(sine, cosine)
        azimuth = math.cos(u1) * math.cos(u2) * math.sin(lam) / sine
        rest = 1 - azimuth**2
        middle = cosine - 2 * math.sin(u1) * math.sin(u2) / rest if rest > 1e-12 else 0.0
        c = f / 16 * rest * (4 + f * (4 - 3 * rest))
        inner = middle + c * cosine * (2 * middle**2 - 1)
        before, lam = lam, apart + (1 - c) * f * azimuth * (sigma + c * sine * inner)
        if abs(lam - before) < 1e-12:
            break
    else:
        return None
    u = rest * (a**2 - b**2) / b**2
    big_a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
    big_b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
    last = big_b / 6 * middle * (4 * sine**2 - 3) * (4 * middle**2 - 3)
    more = big_b * sine * (middle + big_b / 4 * (cosine * (2 * middle**2 - 1) - last))
    return b * big_a * (sigma - more)


@given(POINTS, POINTS)
@example((0.0, 0.0), (0.5, 0.0))
@example((0.0, 0.0), (0.0, 0.5))
@example((89.0, 0.0), (89.5, 90.0))
def test_distance_is_at_most_six_in_a_thousand_off_the_ellipsoid(one: Any, other: Any) -> None:
    exact = vincenty_km(one, other)
    if exact is not None and exact > A_METRE:
        assert great_circle_km(*one, *other) == pytest.approx(exact, rel=0.006)


def test_ellipsoid_is_what_it_is_compared_with() -> None:
    """The published example of the formula: Flinders Peak to Buninyong, 54972.271 m."""
    found = vincenty_km(
        (-37.95103341666667, 144.42486788888888), (-37.65282113888889, 143.92649552777777)
    )
    assert found == pytest.approx(54.972271, abs=1e-5)


# ---------------------------------------------------------------- in conditions

PLACES = st.fixed_dictionaries(
    {}, optional={"latitude": st.floats(-95, 95), "longitude": st.floats(-185, 185)}
)


def ours(text: str, properties: dict[str, Any]) -> Any:
    try:
        return compile_tree(parse(text))({"event": {"properties": to_cel(properties)}})
    except ConditionError:
        return None


def oracle(text: str, properties: dict[str, Any]) -> Any:
    program = environment().program(
        environment().compile(text), functions={"distance_km": by_vectors}
    )
    try:
        found: Any = program.evaluate({"event": json_to_cel({"properties": to_cel(properties)})})
        return float(found)
    except (CELEvalError, ValueError, TypeError):
        return None


def by_vectors(place: Any, latitude: Any, longitude: Any) -> Any:
    """The same distance by another formula: the angle between two directions."""
    if "latitude" not in place or "longitude" not in place:
        return CELEvalError("no place")
    points = [(float(place["latitude"]), float(place["longitude"]))]
    points.append((float(latitude), float(longitude)))
    if any(abs(north) > 90 or abs(east) > 180 for north, east in points):
        return CELEvalError("out of range")
    (x1, y1, z1), (x2, y2, z2) = (_direction(*each) for each in points)
    cross = (y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2)
    angle = math.atan2(math.hypot(*cross), x1 * x2 + y1 * y2 + z1 * z2)
    return celpy.celtypes.DoubleType(6371.0088 * angle)


def _direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    flat = math.cos(north)
    return flat * math.cos(east), flat * math.sin(east), math.sin(north)


@settings(deadline=None, max_examples=60)
@given(PLACES, st.floats(-95, 95), st.floats(-185, 185))
@example({"latitude": 52.52, "longitude": 13.4}, 48, 11)
@example({"latitude": 52.52}, 48.0, 11.0)
def test_condition_agrees_with_the_oracle(place: Any, latitude: float, longitude: float) -> None:
    text = "distance_km(event.properties.place, event.properties.north, event.properties.east)"
    properties = {"place": place, "north": latitude, "east": longitude}
    expected = oracle(text, properties)
    assert ours(text, properties) == (expected and pytest.approx(expected, abs=A_METRE))


@pytest.mark.parametrize(
    ("place", "latitude", "reason"),
    [
        ({}, 1.0, "the place has no latitude and longitude"),
        ({"latitude": 1.0}, 1.0, "the place has no latitude and longitude"),
        ("Berlin", 1.0, "distance_km() is from a place, not from string"),
        ({"latitude": True, "longitude": 1.0}, 1.0, "a latitude is a number, not bool"),
        ({"latitude": 1.0, "longitude": 180.01}, 1.0, "a longitude is from -180 to 180"),
        ({"latitude": 1.0, "longitude": 1.0}, -90.01, "a latitude is from -90 to 90"),
        ({"latitude": 1.0, "longitude": 1.0}, math.nan, "a latitude is from -90 to 90"),
        ({"latitude": 1.0, "longitude": 1.0}, "48.1", "a latitude is a number, not string"),
    ],
)
def test_wrong_argument_is_refused_without_its_value(
    place: object, latitude: object, reason: str
) -> None:
    tree = parse("distance_km(place, latitude, 2.0) < 5.0")
    with pytest.raises(ConditionError) as raised:
        compile_tree(tree)({"place": place, "latitude": latitude})
    text = str(raised.value)
    assert text.startswith("distance_km(place, latitude, 2.0): ")
    assert text.endswith(reason)
    assert not [each for each in ("180.01", "90.01", "48.1") if each in text]
