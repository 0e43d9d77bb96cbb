"""Where a simulation's customers come from: a declared population, or a file of real events.

A source gives chunks: parts whose customers share nothing with those of other parts, so that each
can be played by itself, in any process. Their size is fixed, so the result does not depend on how
many processes there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation, plain_hash
from stepwell.simulation.population.behaviour import Period, make_events, period_of
from stepwell.simulation.population.events_file import Named, Part, index_events, read_calls
from stepwell.simulation.population.model import Population
from stepwell.simulation.population.people import make_person, sign_up, user_id
from stepwell.simulation.population.responses import Responder
from stepwell.simulation.population.settling import settle
from stepwell.storage.due import DueStore
from stepwell.storage.memory import MemoryStore

CHUNK = 500
"""Made-up customers played together: enough to make the set-up cheap, few enough for memory."""
EVENTS_CHUNK = 150
"""Customers of an events file played together: fewer, for some of them have thousands of events."""
METERED_EVERY = 20
"""Every so many chunks one is played on a store that measures what DynamoDB would charge for."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the customers, by its number, counted from 0; `first` names the first of them."""

    number: int
    customers: int
    first: str


class Source(Protocol):
    """`start` and `until` bound what customers begin; what was begun is played to its end."""

    @property
    def start(self) -> datetime: ...

    @property
    def until(self) -> datetime | None: ...

    @property
    def customers(self) -> int: ...

    def chunks(self) -> Sequence[Chunk]: ...

    def play(self, chunk: Chunk, definitions: Definitions, seed: int) -> Simulation:
        """A simulation that has come to its end."""


@dataclass(frozen=True, slots=True)
class PopulationSource:
    """The customers 1 to `customers` of a population, for a period.

    With `cut` all ends with the period, also what runs still.
    """

    population: Population
    customers: int
    days: int | None = None
    cut: bool = False

    @property
    def period(self) -> Period:
        return period_of(self.population, self.days)

    @property
    def start(self) -> datetime:
        return self.period.start

    @property
    def until(self) -> datetime:
        return self.period.end

    def chunks(self) -> list[Chunk]:
        firsts = range(1, self.customers + 1, CHUNK)
        return [
            Chunk(number, min(CHUNK, self.customers + 1 - first), user_id(first))
            for number, first in enumerate(firsts)
        ]

    def play(self, chunk: Chunk, definitions: Definitions, seed: int) -> Simulation:
        period, memory = self.period, MemoryStore(shared=True)
        responder = Responder(self.population.responses, seed=seed, end=period.end, store=memory)
        store = _store(chunk, memory)
        simulation = Simulation(
            definitions, period.start, seed=seed, store=store, on_sent=responder
        )
        responder.simulation = simulation
        first = chunk.number * CHUNK + 1
        rules = definitions.loaded_policies.profile
        for number in range(first, first + chunk.customers):
            person = make_person(self.population, seed, number)
            known = sign_up(person, period.start)
            settle(number, known, store, plain_hash, simulation.trace, rules)
            for event in make_events(self.population, period, seed, person):
                simulation.schedule(event.timestamp, event)
        _forget_what_it_cost(store)
        simulation.run(period.end if self.cut else None)
        return simulation


@dataclass(frozen=True, slots=True)
class EventsSource:
    """The calls of an events file. `customers` counts groups of ids that belong together.

    `start` is the first call's moment, `until` the last one's, or the end of the days that were
    asked for. With `cut` all ends then, also what runs still.
    """

    path: str
    start: datetime
    until: datetime
    parts: tuple[Part, ...]
    names: Mapping[str, Named]
    cut: bool = False

    @property
    def customers(self) -> int:
        return sum(part.groups for part in self.parts)

    def chunks(self) -> list[Chunk]:
        return [Chunk(number, part.groups, part.first) for number, part in enumerate(self.parts)]

    def play(self, chunk: Chunk, definitions: Definitions, seed: int) -> Simulation:
        """Raises EventsFileError for calls that the API would refuse."""
        store = _store(chunk, MemoryStore(shared=True))
        simulation = Simulation(definitions, self.start, seed=seed, store=store)
        for call in read_calls(self.path, self.parts[chunk.number]):
            simulation.schedule(call.at, call.event)
        simulation.run(self.until if self.cut else None)
        return simulation


def read_events(path: Path, days: int | None = None, *, cut: bool = False) -> EventsSource:
    """The source for an events file (of a folder its events.jsonl), or for its first `days` days.

    Raises EventsFileError.
    """
    if path.is_dir():
        path /= "events.jsonl"
    index = index_events(str(path), days, EVENTS_CHUNK)
    return EventsSource(str(path), index.start, index.until, index.parts, index.names, cut)


def _store(chunk: Chunk, memory: MemoryStore) -> DueStore:
    return MeteredStore(memory) if chunk.number % METERED_EVERY == 0 else memory


def _forget_what_it_cost(store: DueStore) -> None:
    """Nobody pays for customers who were there before."""
    if isinstance(store, MeteredStore):
        for counted in (store.requests, store.reads, store.writes):
            counted.clear()
