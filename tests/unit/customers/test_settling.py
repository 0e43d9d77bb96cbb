"""Who stops the execution of a run that has claimed a message has it looked after; nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stepwell.customers import keys, slots
from stepwell.events.model import Event
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, TableName, Update
from tests.support.fakes import Crash, CrashError
from tests.support.programs import entry, program
from tests.support.world import START, World, event, visit

MINUTE = timedelta(minutes=1)


def waiting(store: MemoryStore | None = None) -> World:
    """In a journey without holds."""
    world = World(program(first=None, entry=entry("Started", reentry="always")), store=store)
    world.send(event())
    return world


def claim(world: World, customer: str = "", enrollment: str = "cart#one") -> Item:
    """As a message's claim marks it; the enrollment."""
    key = keys.enrollment(customer or world.ada().customer, enrollment)
    return world.store.write(Update(key, {slots.CLAIMED: True}))


def settled(world: World) -> list[str]:
    """Of which executions."""
    return [execution for _, execution in world.executions.of("settle")]


def test_an_exit_of_a_run_that_claimed_nothing_costs_nothing_more() -> None:
    world = waiting()
    world.send(event("Ordered"))
    assert (len(world.executions.of("stop")), settled(world)) == (1, [])


def test_an_exit_of_a_run_that_claimed_looks_after_it() -> None:
    world = waiting()
    execution = claim(world)["execution"]
    world.send(event("Ordered"))
    assert world.executions.of("settle") == [(world.ada().customer, execution)]
    assert len(world.executions.of("stop")) == 1


def test_a_run_that_is_replaced_is_looked_after() -> None:
    world = waiting()
    before = claim(world)["execution"]
    world.send(event(number="2"))
    assert settled(world) == [before]
    assert slots.CLAIMED not in world.enrollment()


def test_a_later_leg_is_looked_after_under_the_name_of_the_first() -> None:
    world = waiting()
    first = claim(world)["execution"]
    world.store.write(Update(keys.enrollment(world.ada().customer, "cart#one"), {"leg": 3}))
    world.send(event("Ordered"))
    assert settled(world) == [first]
    assert [execution for _, execution, *_ in world.executions.of("stop")] == [f"{first}-3"]


def test_who_is_woken_goes_on_and_asks() -> None:
    world = World(program())
    world.send(event())
    claim(world)
    world.send(event("Ordered"))
    assert (settled(world), world.executions.of("stop")) == ([], [])


def test_a_run_whose_hold_nobody_decided_is_looked_after() -> None:
    world = World(program())
    world.send(event())
    execution = claim(world)["execution"]
    world.send(event("Seen", at=START + timedelta(days=30)))
    assert world.enrollment()["outcome"] == "failed"
    assert settled(world) == [execution]


def test_runs_that_one_customer_has_twice_are_looked_after() -> None:
    world = World(program(first=None, entry=entry("Started", reentry="always"), exits=[]))
    (ada,) = world.send(event(number="ada"))
    (visitor,) = world.send(visit("a", "Started", at=START + MINUTE))
    claimed = {claim(world, each.customer)["execution"] for each in (ada, visitor)}
    world.send(event(number="join", anonymous_id="a", at=START + 2 * MINUTE))
    assert set(settled(world)) == claimed


class Between(MemoryStore):
    """A message is claimed right after the customer was read, once."""

    claims = False

    def query(self, table: TableName, pk: str, **options: object) -> list[Item]:
        found = super().query(table, pk, **options)  # type: ignore[arg-type]  # passed on
        if self.claims:
            self.claims = False
            self.write(Update(keys.enrollment(keys.customer_of(pk), "cart#one"), {"claimed": True}))
        return found


@pytest.mark.parametrize("leaves", [event("Ordered"), event(number="2")], ids=["exit", "new run"])
def test_a_claim_between_reading_and_writing_is_seen(leaves: Event) -> None:
    store = Between()
    world = waiting(store)
    execution = world.enrollment()["execution"]
    store.claims = True
    world.send(leaves)
    assert settled(world) == [execution]


def test_an_event_that_comes_again_after_a_crash_has_it_looked_after() -> None:
    world = waiting()
    execution = claim(world)["execution"]
    crash = Crash(at=2)  # the stop, and then this
    router = world.make_router(crash=crash)
    with pytest.raises(CrashError):
        router.route(event("Ordered"), START)
    assert settled(world) == []
    world.executions.crash = Crash(at=0)
    world.send(event("Ordered"))
    assert settled(world) == [execution]
