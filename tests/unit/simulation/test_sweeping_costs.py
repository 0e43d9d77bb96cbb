"""What a sweep costs on paper follows from what the simulator measures, and the sums are right."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.settings import STAGES
from stepwell.customers import keys
from stepwell.profile.sweeping import AT_MOST, SWEPT_SHARDS, sweep
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.costs.prices import read_prices
from stepwell.simulation.costs.scale import read_scale
from stepwell.simulation.costs.sweeping import ENTRY, SweptMany
from stepwell.simulation.costs.units import item_size
from stepwell.storage.memory import MemoryStore
from tests.support.world import START, World, event
from tests.unit.profile.test_sweeping import RULES, Queue

MONTH = timedelta(days=30)


def test_what_the_router_does_for_one_who_is_due_is_what_is_counted() -> None:
    store = MeteredStore(MemoryStore())
    world = World(store=store, profile=RULES)
    world.send(event("Ordered"))
    queue, at = Queue(), START + MONTH + timedelta(minutes=5)
    sweep(store, queue, at, 10)
    store.caller = "router"
    world.told.clear()
    world.send(*queue.sent)
    world.send(*world.told, at=at)
    many = SweptMany(1, read_scale(), read_prices())
    event_units = many.scale.measured.tables["event"]
    assert len(world.told) == 1
    assert store.requests["router"] == event_units.requests * many.events
    assert store.writes["router"] == event_units.writes * many.events
    assert store.reads["router"] == event_units.reads * many.events


def test_an_entry_of_the_index_is_as_large_as_a_real_one() -> None:
    world = World(profile=RULES)
    world.send(event("Ordered"))
    profile = world.ada().profile or {}
    names = ("pk", "sk", "due_shard", "due_at")
    real = {name: profile[name] for name in names} | {"pk": keys.partition("c" + "0" * 24)}
    assert item_size(real) == item_size(ENTRY)
    assert profile["due_shard"] in SWEPT_SHARDS


def test_a_million_by_hand() -> None:
    prices = read_prices()
    many = SweptMany(1_000_000, read_scale(), prices)
    assert many.runs == 34
    assert many.takes == timedelta(minutes=33 * 5)
    amounts = many.amounts()
    assert amounts["write"] == 2e6 * 4 + 2e6
    assert amounts["fifo"] == 2e6 * 3 / 10
    assert amounts["read"] == pytest.approx(2e6 * 3 + 1e6 * item_size(ENTRY) / 8192 + 34 * 8)
    dollars = 10 * 0.625 + amounts["read"] / 1e6 * 0.125 + 0.6 * 0.5 + 0.2 * 5
    functions = amounts["invocation"] / 1e6 * 0.2 + amounts["function_time"] / 1e6 * 13.3334
    assert many.dollars == pytest.approx(dollars + functions)
    assert many.run_seconds < 240 / 2, "a run has to end before the next one begins"


def test_the_limit_is_that_of_the_stages() -> None:
    assert {each.sweep_at_most for each in STAGES.values()} == {AT_MOST}
