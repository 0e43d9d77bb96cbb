"""An enrollment that ends with its execution, while others write it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from stepwell.customers import keys
from stepwell.journeys.lost import Lost, end_with_execution
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Key
from tests.support.programs import entry, program
from tests.support.world import START, World, event

NOW = START + timedelta(minutes=5)


class Between(MemoryStore):
    """Something happens after the enrollment was read, once."""

    def __init__(self) -> None:
        super().__init__()
        self.happens: Callable[[], object] | None = None

    def get(self, key: Key) -> Item | None:
        found = super().get(key)
        happens, self.happens = self.happens, None
        if happens and key.sk.startswith(keys.ENROLLMENT_PREFIX):
            happens()
        return found


def entered() -> tuple[World, Between, Lost]:
    store = Between()
    world = World(program(entry=entry("Started", reentry="always")), store=store)
    world.send(event())
    key = keys.enrollment(world.ada().customer, "cart#one")
    item = world.enrollment()
    lost = Lost(key.pk, key.sk, "cart#one", item["run"], item["execution"], "ABORTED")
    return world, store, lost


def ends(world: World) -> list[str]:
    return [each["outcome"] for each in world.records(keys.FINISHED_PREFIX)]


def test_an_exit_that_is_faster_is_the_end() -> None:
    world, store, lost = entered()
    store.happens = lambda: world.send(event("Ordered"))
    assert not end_with_execution(store, lost, NOW)
    assert ends(world) == ["exited"]


def test_a_new_entry_that_is_faster_goes_on() -> None:
    world, store, lost = entered()
    store.happens = lambda: world.send(event(number="2"))
    assert not end_with_execution(store, lost, NOW)
    assert world.enrollment()["status"] == "active"
    assert ends(world) == ["replaced"]


def test_what_comes_after_it_finds_it_ended() -> None:
    world, store, lost = entered()
    assert end_with_execution(store, lost, NOW)
    world.send(event("Acted"), event("Ordered"))
    assert ends(world) == ["failed"]
    assert world.executions.of("wake") == world.executions.of("stop") == []


def test_an_enrollment_that_was_forgotten_is_left_alone() -> None:
    _, store, lost = entered()
    gone = replace(lost, sk="ENROLLMENT#cart#other", enrollment="cart#other")
    assert not end_with_execution(store, gone, NOW)
