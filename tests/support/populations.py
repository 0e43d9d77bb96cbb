"""Populations for tests: the shipped one, and small ones written in a few lines."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stepwell.simulation.population.model import Population
from stepwell.simulation.population.reader import (
    DEFAULT_FILE,
    Project,
    parse_population,
    read_population,
    read_references,
)

ROOT = Path(__file__).parents[2]


@cache
def shipped_population() -> Population:
    return read_population(ROOT / DEFAULT_FILE, ROOT)


@cache
def shop() -> Project:
    return read_references(ROOT)


def population(text: str) -> Population:
    """Everybody in London, and what the text adds."""
    return parse_population(f"zones: [{{zone: Europe/London, country: GB}}]\n{text}", "p", shop())
