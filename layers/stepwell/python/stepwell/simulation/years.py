"""Which times are simulated: years for which the clocks of zones are known, or nearly so."""

from __future__ import annotations

from datetime import date

YEARS = range(1970, 2201)
MOST_DAYS = 3_660
"""How long a simulation may be."""


def first_day(text: str) -> date:
    """The day on which a simulation begins. Raises ValueError saying what is wrong."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; write one like 2026-11-02") from None
    if day.year not in YEARS:
        raise ValueError(f"{text!r} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return day
