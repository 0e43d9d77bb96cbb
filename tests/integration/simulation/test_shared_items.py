"""The rules change nothing of what they have read or written, so a simulation's store may share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepwell.simulation.defining import read_definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.population.behaviour import make_events, period_of
from stepwell.simulation.population.people import make_person, sign_up
from stepwell.simulation.population.reader import read_population
from stepwell.simulation.population.responses import Responder
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Operation, TableName

ROOT = Path(__file__).parents[3]
CUSTOMERS = 40


class WatchedStore(MemoryStore):
    """Keeps the text of each item as it was written, to be compared with what it has become."""

    def __init__(self) -> None:
        super().__init__(shared=True)
        self.written: dict[int, tuple[Item, str]] = {}

    def _apply(self, operation: Operation) -> Item | None:
        item = super()._apply(operation)
        if item is not None:
            self.written[id(item)] = (item, _text(item))
        return item

    def changed(self) -> list[Item]:
        return [item for item, text in self.written.values() if _text(item) != text]


def _text(item: Item) -> str:
    return json.dumps(item, sort_keys=True)


def play(store: MemoryStore) -> Simulation:
    """The shipped population through all shipped journeys."""
    population = read_population(ROOT / "statemachines" / "population.yaml", ROOT)
    period = period_of(population)
    responder = Responder(population.responses, seed=1, end=period.end, store=store)
    simulation = Simulation(
        read_definitions(ROOT), period.start, seed=1, store=store, on_sent=responder
    )
    responder.simulation = simulation
    for number in range(1, CUSTOMERS + 1):
        person = make_person(population, 1, number)
        for event in (*sign_up(person, period.start), *make_events(population, period, 1, person)):
            simulation.schedule(max(event.timestamp, period.start), event)
    simulation.run()
    return simulation


def contents(simulation: Simulation) -> dict[str, Any]:
    return {
        f"{table} {customer}": simulation.store.query(table, f"CUSTOMER#{customer}")
        for table in TableName
        for customer in simulation.trace.customers
    }


def test_nothing_that_was_written_is_changed_later_and_nothing_else_comes_of_it() -> None:
    store = WatchedStore()
    shared = play(store)
    assert len(store.written) > 20 * CUSTOMERS
    assert store.changed() == []
    copied = play(MemoryStore())
    assert contents(shared) == contents(copied)
    assert shared.trace == copied.trace


def test_a_change_would_be_seen() -> None:
    store = WatchedStore()
    simulation = play(store)
    customer = next(iter(simulation.trace.customers))
    for item in simulation.store.query(TableName.CUSTOMERS, f"CUSTOMER#{customer}"):
        item["changed"] = True
    assert store.changed()
