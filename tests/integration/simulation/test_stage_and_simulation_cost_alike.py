"""The same events on moto, its calls metered, and in the simulator: the same requests and units, by
whoever makes them, and so the same cost.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from stepwell.events.envelope import read_call
from stepwell.simulation.costs.forecast import forecast
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.costs.prices import read_prices
from stepwell.simulation.costs.usage import Usage, billed
from stepwell.simulation.engine import Simulation
from stepwell.storage.memory import MemoryStore
from tests.bench import calls
from tests.bench.meter import Meter, metering
from tests.support.simulations import shipped
from tests.support.stage import Stage

_NAMES = {"frequency-cap": "frequency_cap", "state machines": "state_machine"}


@pytest.fixture(scope="module")
def measured() -> Meter:
    """Twenty carts that nobody orders, on moto."""
    with Stage(calls.START) as stage:
        calls._send(stage, calls._sign_ups())
        with metering() as meter:
            calls._send(stage, calls._carts())
            stage.engine.run_until_idle()
    return meter


@pytest.fixture(scope="module")
def simulated() -> Simulation:
    """The same, simulated; counted from the first cart on."""
    ids = itertools.count(1)
    store = MeteredStore(MemoryStore())
    simulation = Simulation(
        shipped(), calls.START, store=store, new_id=lambda: f"c{next(ids):024x}"
    )
    _send(simulation, calls._sign_ups())
    for counted in (store.requests, store.reads, store.writes, simulation.trace.calls):
        counted.clear()
    _send(simulation, calls._carts())
    simulation.run()
    return simulation


def _send(simulation: Simulation, documents: Iterable[dict[str, Any]]) -> None:
    for document in documents:
        body = json.dumps({name: each for name, each in document.items() if name != "type"})
        for event in read_call(
            document["type"],
            body.encode(),
            source="local",
            received_at=simulation.now,
            new_id=lambda: "unused: every call has its id",
        ):
            simulation.send(event)


def _by_caller(counted: Counter[str]) -> dict[str, int]:
    return {
        _NAMES.get(name, name): number
        for name, number in counted.items()
        if number and name != "ingest"
    }


def test_requests_and_units_are_the_same(measured: Meter, simulated: Simulation) -> None:
    store = simulated.store
    assert isinstance(store, MeteredStore)
    requests: Counter[str] = Counter()
    for (caller, operation), number in measured.calls.items():
        requests[caller] += number if operation.startswith("dynamodb:") else 0
    assert _by_caller(requests) == store.requests
    assert _by_caller(measured.read_units) == _by_caller(store.reads)
    assert _by_caller(measured.write_units) == _by_caller(store.writes)


def test_a_million_carts_cost_the_same(measured: Meter, simulated: Simulation) -> None:
    """By the benchmark's bill for what follows the queue; the way to it comes on top."""
    store, trace = simulated.store, simulated.trace
    assert isinstance(store, MeteredStore)
    usage = Usage(
        seconds=86_400,
        customers=calls.CUSTOMERS,
        entries=len(trace.runs),
        messages=len(trace.sendings),
        calls=trace.calls,
        metered=store.metered(trace.calls, customers=calls.CUSTOMERS, now=0),
        billed=billed(trace.sendings),
    )
    found = forecast(usage, read_prices())
    bill = calls._bill(measured, calls.CUSTOMERS, ("router", "plan", *calls.SENDERS))
    for unit, name in (("write request units", "write"), ("read request units", "read")):
        (line,) = (each for each in found.lines if each.unit == unit)
        states = measured.write_units["state machines"] / calls.CUSTOMERS if name == "write" else 0
        expected = read_prices().service(name).of((bill[name] + states) * 1_000_000)
        assert line.per_million.entries == pytest.approx(expected)
    (transitions,) = (each for each in found.lines if each.unit == "state transitions")
    assert transitions.per_million.entries == pytest.approx(225.0)
    (express,) = (each for each in found.lines if each.unit == "Express requests")
    assert express.per_million.entries == pytest.approx(2.0)
