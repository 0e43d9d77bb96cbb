"""What an event does to an open hold."""

from __future__ import annotations

from stepwell.customers import keys, slots
from stepwell.storage.operations import Update
from tests.support.programs import branch, entry, hold, path, program, same
from tests.support.world import World, event


def test_an_event_decides_the_hold_and_wakes_its_token() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    world.send(event("Acted"))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert world.executions.of("wake") == [("token-1", {"visit": "1", "outcome": "acted"})]


def test_an_event_before_the_arming_is_kept_in_the_slot() -> None:
    world = World()
    world.send(event(), event("Acted"))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert world.executions.of("wake") == []


def test_only_the_first_event_decides() -> None:
    both = hold("wait", branch("acted", "Acted"), branch("left", "Left"))
    world = World(program(steps=[both]))
    world.send(event())
    world.arm("token-1")
    world.send(event("Left"), event("Acted"))
    assert world.enrollment()["wait_outcome"] == "left"
    assert len(world.executions.of("wake")) == 1


def test_a_hold_that_has_timed_out_is_not_decided() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    key = keys.enrollment(world.ada().customer, "cart#one")
    world.store.write(Update(key, set={"wait_outcome": slots.TIMEOUT}))
    world.send(event("Acted"))
    assert world.enrollment()["wait_outcome"] == slots.TIMEOUT
    assert world.executions.of("wake") == []


def test_restarts_open_the_next_visit_and_are_bounded() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    world.send(*(event("Touched", number=str(n)) for n in range(5)))
    enrollment = world.enrollment()
    assert enrollment["wait_visit"] == 4
    assert "wait_outcome" not in enrollment
    assert world.executions.of("wake") == [
        ("token-1", {"visit": str(visit), "outcome": "restart"}) for visit in (2, 3, 4)
    ]


def test_a_branch_opens_the_hold_that_follows_it() -> None:
    steps = [
        hold("wait", branch("acted", "Acted", opens="second")),
        hold("second", branch("again", "Acted")),
    ]
    world = World(program(steps=steps))
    world.send(event(), event("Acted"))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert (world.enrollment()["second_visit"], world.enrollment()["second_seq"]) == (1, 2)
    assert "second_outcome" not in world.enrollment()
    world.send(event("Acted", number="2"))
    assert world.enrollment()["second_outcome"] == "again"


def test_a_condition_compares_with_the_event_of_entry() -> None:
    cart = hold("wait", branch("restart", "Started", where=same("cart"), restarts=True))
    world = World(
        program(steps=[cart], entry=entry("Started", key=path("event", "properties", "cart")))
    )
    world.send(
        event(number="1", properties={"cart": "a"}),
        event(number="2", properties={"cart": "b"}),
        event(number="3", properties={"cart": "a"}),
    )
    visits = {
        each["entry_event"].count('"a"'): each["wait_visit"]
        for each in world.ada().enrollments.values()
    }
    assert visits == {1: 2, 0: 1}


class TestAwaitedMessage:
    """A hold that waits for what becomes of a message of its own enrollment."""

    def world(self) -> World:
        opened = branch("opened", "Message Opened") | {"message": "hello"}
        world = World(program(steps=[hold("wait", opened)]))
        world.send(event())
        return world

    def told(self, **changes: object) -> dict[str, object]:
        told: dict[str, object] = {"journey": "cart", "step": "hello", "enrollment": "cart#one"}
        return told | {"run": 1} | changes

    def is_decided(self, **changes: object) -> bool:
        world = self.world()
        world.send(event("Message Opened", properties=self.told(**changes)))
        return "wait_outcome" in world.enrollment()

    def test_the_message_of_this_run_decides(self) -> None:
        assert self.is_decided()

    def test_no_other_message_run_enrollment_or_journey_does(self) -> None:
        others: list[dict[str, object]] = [
            {"step": "other"},
            {"run": 2},
            {"enrollment": "cart#two"},
            {"journey": "welcome"},
        ]
        assert not any(self.is_decided(**each) for each in others)

    def test_an_event_that_names_no_enrollment_is_about_each(self) -> None:
        world = self.world()
        told = {"journey": "cart", "step": "hello"}
        world.send(event("Message Opened", properties=told))
        assert world.enrollment()["wait_outcome"] == "opened"
