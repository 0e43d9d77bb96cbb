"""Names in an events file that no schema has: no journey can be entered with such an event."""

from __future__ import annotations

from pathlib import Path

from stepwell.journeys.compiler.problems import Place, Problem
from stepwell.journeys.compiler.project import read_registry
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.simulation.population.sources import EventsSource


def unknown_events(source: EventsSource, root: Path) -> list[Problem]:
    """A warning for each name, at its first line, for the project in `root`.

    Raises RegistryError.
    """
    return unknown_names(source, read_registry(root))


def unknown_names(source: EventsSource, registry: EventRegistry) -> list[Problem]:
    warnings = []
    for name, found in source.names.items():
        if name not in registry.names():
            calls = f"{found.calls:,} call{'' if found.calls == 1 else 's'}"
            said = f'no schema has the event "{name}", of {calls}; no journey takes notice of it'
            remedy = f"{registry.suggestion(name)} Or add its schema, or leave the calls out."
            warnings.append(Problem(Place(source.path, found.line), "SW803", said, remedy))
    return sorted(warnings)
