"""What an enrollment uses: the shipped journeys under the shipped population, simulated."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from stepwell.events.model import Event, EventType
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.costs.scale import Measured, Units
from stepwell.simulation.costs.usage import BASES, Metered
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.machines.definition import Wait
from stepwell.simulation.population.reader import read_population
from stepwell.simulation.population.sources import PopulationSource
from stepwell.simulation.trace import Run
from stepwell.storage.memory import MemoryStore

CUSTOMERS = 200
SEED = 1
LONG = timedelta(days=7)
_DAY = timedelta(days=1)
_DIGITS = 3


def measure(root: Path) -> Measured:
    """Of the project's journeys; the same project gives the same."""
    definitions = read_definitions(root)
    population = read_population(root / "statemachines" / "population.yaml", root)
    source = PopulationSource(population, CUSTOMERS)
    (chunk,) = source.chunks()
    simulation = source.play(chunk, definitions, SEED)
    assert isinstance(simulation.store, MeteredStore)  # noqa: S101 - the first chunk is metered
    epoch = int(simulation.now.timestamp())
    metered = simulation.store.metered(simulation.trace.calls, customers=CUSTOMERS, now=epoch)
    return _measured(simulation, metered, _idle_event(definitions, source.start))


def _measured(simulation: Simulation, metered: Metered, idle: Units) -> Measured:
    runs, calls = simulation.trace.runs.values(), simulation.trace.calls
    entries = len(runs)
    waits = [wait for run in runs for wait in _long_waits(run, simulation)]
    stood = sum((each for each, _ in waits), timedelta())
    planned = sum((each for _, each in waits), timedelta())
    opened = [run.ended - run.started for run in runs if run.ended]
    accepted = sum(each.result == "accepted" for each in simulation.trace.sendings)
    counted = {name: each for name, each in calls.items() if name != "event"}
    return Measured(
        customers=CUSTOMERS,
        calls={name: _short(each / entries) for name, each in sorted(counted.items())},
        messages=_short(accepted / entries),
        open_days=_short(sum(opened, timedelta()) / _DAY / entries),
        long_waits=_short(len(waits) / entries),
        long_days=_short(stood / _DAY / entries),
        alarm_days=_short(planned / _DAY / entries),
        tables=_tables(metered, idle, entries),
        stored_bytes=_short(metered.stored_bytes / CUSTOMERS),
    )


def _long_waits(run: Run, simulation: Simulation) -> list[tuple[timedelta, timedelta]]:
    """How long it stood in each wait of more than a week, which an exit may have cut short, and how
    long it was to stand there.
    """
    machine = simulation.definitions.loaded_machines[run.journey]
    found = []
    ends = [*(at for at, _ in run.states[1:]), run.ended or simulation.now]
    for (entered, name), left in zip(run.states, ends, strict=True):
        state = machine.states[name]
        if isinstance(state, Wait) and state.seconds and timedelta(seconds=state.seconds) > LONG:
            found.append((left - entered, timedelta(seconds=state.seconds)))
    return found


def _tables(metered: Metered, idle: Units, entries: int) -> dict[str, Units]:
    """What an enrollment adds is what the router does beyond an event that starts nothing."""
    events = metered.calls["event"]
    found = {
        "event": idle,
        "entry": Units(
            requests=_short((metered.requests["router"] - events * idle.requests) / entries),
            reads=_short((metered.reads["router"] - events * idle.reads) / entries),
            writes=_short((metered.writes["router"] - events * idle.writes) / entries),
        ),
    }
    for caller, basis in BASES.items():
        if caller != "router" and metered.calls[basis]:
            times = metered.calls[basis]
            found[caller] = Units(
                requests=_short(metered.requests[caller] / times),
                reads=_short(metered.reads[caller] / times),
                writes=_short(metered.writes[caller] / times),
            )
    return found


def _idle_event(definitions: Definitions, start: datetime) -> Units:
    """Of an event of a known customer by which nothing begins."""
    store = MeteredStore(MemoryStore())
    simulation = Simulation(definitions, start, store=store)
    simulation.send(_viewed(0, start))
    before = store.requests["router"], store.reads["router"], store.writes["router"]
    simulation.send(_viewed(1, start))
    after = store.requests["router"], store.reads["router"], store.writes["router"]
    requests, reads, writes = (new - old for new, old in zip(after, before, strict=True))
    return Units(requests=requests, reads=reads, writes=writes)


def _viewed(number: int, at: datetime) -> Event:
    return Event(
        id=f"e{number}",
        source="shop",
        type=EventType.TRACK,
        name="Product Viewed",
        user_id="u1",
        anonymous_id=None,
        properties={"product_id": "p1", "name": "Silk midi dress", "price": 280.0},
        traits={},
        context={},
        timestamp=at,
        received_at=at,
    )


def _short(number: float) -> float:
    return round(number, _DIGITS)
