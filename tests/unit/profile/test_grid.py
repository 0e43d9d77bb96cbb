"""Coordinates made coarse: at most as far away as declared, with nothing left of where exactly."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from stepwell.conditions.distance import great_circle_km
from stepwell.profile.grid import coarse

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
PRECISIONS = st.sampled_from([0.1, 0.5, 1, 3, 10, 50, 250, 1000]) | st.floats(0.1, 1000)
A_METRE = 0.001


@given(LATITUDES, LONGITUDES, PRECISIONS)
@example(90.0, 180.0, 1000)
@example(-90.0, -180.0, 0.1)
@example(89.7, -180.0, 50)
def test_coarse_point_is_at_most_so_far_away(
    latitude: float, longitude: float, precision: float
) -> None:
    found = coarse(latitude, longitude, precision)
    assert great_circle_km(latitude, longitude, *found) <= precision + A_METRE
    assert -90 <= found[0] <= 90
    assert -180 <= found[1] <= 180


@given(LATITUDES, LONGITUDES, PRECISIONS)
def test_coarse_point_stays_where_it_is(
    latitude: float, longitude: float, precision: float
) -> None:
    found = coarse(latitude, longitude, precision)
    assert coarse(*found, precision) == found


def test_neighbours_cannot_be_told_apart() -> None:
    """Eleven thousand points of a square kilometre in Berlin lie in a few cells."""
    points = [(52.5200 + n / 11_100, 13.4000 + e / 6_760) for n in range(105) for e in range(105)]
    assert len({coarse(*point, 1) for point in points}) <= 6
    assert coarse(52.5200, 13.4060, 1) == coarse(52.5201, 13.4061, 1)
