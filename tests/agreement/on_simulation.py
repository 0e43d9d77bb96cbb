"""A case on the simulator."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from stepwell.handover.telling import HandOver
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.simulation.engine import Simulation
from stepwell.simulation.trace import Status
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Delete, Item, Key, Operation, Put, Update
from tests.agreement.cases import Case, definitions_of, read_case
from tests.agreement.scripted import CHANNELS, JITTER, Faults, Script, ScriptedProvider
from tests.agreement.telling import Story, Told

COUNTED = ("plan", "consent", "frequency_cap", "delivery", "hand_over")
SECRET = b"a secret of tests"
"""The stage's secret for hashes."""


def play_on_simulator(case: Case, *, step_by_step: bool = False) -> Story:
    """The case from its start until nothing waits any more.

    All calls are scheduled before it begins, or each is sent when its moment has come.
    """
    store = NotedStore()
    simulation = _simulation(case, store)
    for call in case.in_order():
        if step_by_step:
            simulation.run_until(call.at)
            simulation.send(call.event(call.at))
        else:
            simulation.schedule(call.at, call.event(call.at))
    if end := case.end():
        simulation.run_until(end)
    else:
        simulation.run()
    return _story(simulation, store)


def moments_of(case: Case) -> Sequence[datetime]:
    """When something happens in the case as it is so far, in order, the start included."""
    return _moments(case.as_yaml())


@lru_cache(maxsize=64)
def _moments(text: str) -> Sequence[datetime]:
    case = read_case(text)
    entered = {at for told in play_on_simulator(case).executions for at, _ in told.states}
    return sorted({case.start, *entered, *(call.at for call in case.calls)})


def _simulation(case: Case, store: MemoryStore) -> Simulation:
    numbers = itertools.count(1)
    script, faults = Script(case.providers), Faults(case.faults)
    definitions = definitions_of(case)
    simulation = Simulation(
        definitions,
        case.start,
        destinations=SimulatedDestinations(definitions.loaded_destinations, case.destinations),
        providers={channel: ScriptedProvider(script) for channel in CHANNELS},
        store=store,
        new_id=lambda: f"c{next(numbers):024x}",
        hasher=_hash,
        fault=lambda function, _attempt: faults.next(function),
    )
    setattr(simulation, "draw", lambda *_: JITTER)  # noqa: B010 - mypy knows it as a method
    return simulation


def _hash(kind: str, value: str) -> str:
    """As `stepwell.aws.hasher` does it."""
    return hmac.new(SECRET, f"{kind}\n{value}".encode(), hashlib.sha256).hexdigest()[:32]


class NotedStore(MemoryStore):
    """Knows what was ever written, so that all of it can be shown."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[Key, None] = {}

    def write(self, operation: Put | Update | Delete) -> Item:
        item = super().write(operation)
        self.written[operation.key] = None
        return item

    def transact(self, operations: Sequence[Operation]) -> None:
        super().transact(operations)
        self.written |= {operation.key: None for operation in operations}


def _told(simulation: Simulation) -> list[HandOver]:
    assert isinstance(simulation.destinations, SimulatedDestinations)
    return simulation.destinations.told


def _story(simulation: Simulation, store: NotedStore) -> Story:
    trace = simulation.trace
    found: dict[Key, Item] = store.get_many(store.written)
    return Story(
        executions=[
            Told(
                execution=run.execution,
                started=run.started,
                states=run.states,
                status=str(Status.SUCCEEDED if run.parked else run.status),
                ended=run.parked or run.ended,
                error=None if run.parked else run.error,
                cause=None if run.parked else run.cause,
            )
            for run in trace.runs.values()
        ],
        told=_told(simulation),
        sends=[(each.at, each.outgoing, each.result) for each in trace.sendings],
        items={f"{key.table} {key.pk} {key.sk}": item for key, item in found.items()},
        problems=[(each.at, each.text) for each in trace.problems],
        calls={name: trace.calls[name] for name in COUNTED},
    )
