"""Enrollments of two customers who become one: woken, left, doubled, remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.customers.routing import Routed
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Operation, TableName, Update
from tests.support.programs import entry, hold, path, program
from tests.support.world import START, World, event, identify, visit

MINUTE = timedelta(minutes=1)


def enrolled(world: World, **more: Any) -> str:
    """A visitor with device `a` begins; their customer."""
    (routed,) = world.send(visit("a", "Started", number="begin", **more))
    return routed.customer


def join(world: World, number: str = "join", at: Any = START + MINUTE) -> Routed:
    (routed,) = world.send(event("Signed In", number=number, anonymous_id="a", at=at))
    return routed


def item(world: World, customer: str, name: str = "cart#one") -> dict[str, Any]:
    return world.store.get(keys.enrollment(customer, name)) or {}


def arm(world: World, customer: str, token: str, name: str = "cart#one") -> None:
    """What the state machine's arm writes; it knows the customer with whom it began."""
    key = keys.enrollment(customer, name)
    world.store.write(Update(key, set={"token": token, "token_for": "wait#1"}))


def finished(world: World, customer: str) -> list[dict[str, Any]]:
    return world.store.query(
        TableName.RECORDS, keys.partition(customer), prefix=keys.FINISHED_PREFIX
    )


def test_an_event_of_the_user_wakes_what_the_visitor_began() -> None:
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    arm(world, visitor, "token-1")
    join(world)
    (acted,) = world.send(event("Acted", at=START + 2 * MINUTE))
    assert acted.customer == world.ada().customer
    assert item(world, visitor)["wait_outcome"] == "acted"
    assert world.executions.of("wake") == [("token-1", {"visit": "1", "outcome": "acted"})]


def test_numbers_go_on_from_the_higher_one() -> None:
    """What began at the visitor's tenth event still hears of the user's next one."""
    world = World()
    world.send(event("Seen"), *(visit("a", number=str(n)) for n in range(10)))
    visitor = enrolled(world)
    join(world)
    world.send(event("Acted", at=START + 2 * MINUTE))
    assert item(world, visitor)["wait_outcome"] == "acted"


def test_runs_of_several_visitors_all_hear_of_the_user() -> None:
    by_cart = entry("Started", key=path("event", "properties", "cart"))
    world = World(program(entry=by_cart))
    world.send(event("Seen"))
    for name in "abc":
        world.send(visit(name, "Started", properties={"cart": name}))
        world.send(event("Signed In", number=name, anonymous_id=name))
    assert len((world.ada().profile or {})["merged"]) == 3
    world.send(event("Acted", at=START + MINUTE))
    assert [each.get("wait_outcome") for _, _, each in world.ada().all_enrollments()] == [
        "acted"
    ] * 3


def test_a_memory_does_not_take_the_place_of_a_run_that_goes_on() -> None:
    world = World(program(entry=entry("Started", reentry="always")))
    world.send(event("Started", number="ada"))
    enrolled(world, at=START + MINUTE)
    world.send(visit("a", "Ordered", number="2", at=START + MINUTE))
    join(world, at=START + 2 * MINUTE)
    assert world.enrollment()["status"] == slots.ACTIVE
    assert "began_at" not in world.enrollment()


def test_a_memory_waits_while_the_event_changes_the_one_before_it() -> None:
    goal = {"event": "Won", "where": None, "within_seconds": 7_200, "value": None}
    journey = program(entry=entry("Started", reentry="after_exit"), goal=goal)
    world = World(journey, store=StrictStore())
    world.send(event("Started", number="ada"), event("Ordered", number="ada"))
    enrolled(world, at=START + MINUTE)
    world.send(
        visit("a", "Won", number="w", at=START + MINUTE),
        visit("a", "Ordered", number="o", at=START + MINUTE),
    )
    world.send(event("Won", anonymous_id="a", at=START + 2 * MINUTE))
    assert "converted_at" in world.enrollment()
    world.send(event("Seen", number="9", at=START + 3 * MINUTE))
    assert "began_at" in world.enrollment()


def test_an_exit_of_the_user_ends_what_the_visitor_began() -> None:
    world = World(program(steps=[], first=None))
    world.send(event("Seen"))
    visitor = enrolled(world)
    join(world)
    world.send(event("Ordered", at=START + 2 * MINUTE))
    left = item(world, visitor)
    assert (left["status"], left["outcome"]) == (slots.ENDED, "exited")
    assert [each[1] for each in world.executions.of("stop")] == [left["execution"]]
    assert [each["outcome"] for each in finished(world, visitor)] == ["exited"]


def test_the_event_that_joins_is_also_applied_to_what_the_visitor_began() -> None:
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    world.send(event("Ordered", anonymous_id="a", at=START + MINUTE))
    assert item(world, visitor)["outcome"] == "exited"


def test_a_redelivery_after_the_join_finds_its_commands_where_they_belong() -> None:
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    arm(world, visitor, "token-1")
    join(world)
    acted = event("Acted", at=START + 2 * MINUTE)
    first, again = world.send(acted, acted)
    assert (first.repeated, again.repeated) == (False, True)
    assert len(world.executions.of("wake")) == 2
    (started,) = world.send(visit("a", "Started", number="begin"))
    assert started.repeated
    assert len(world.executions.of("start")) == 2


@pytest.mark.parametrize("user_first", [True, False])
def test_of_two_runs_of_one_journey_the_first_one_goes_on(user_first: bool) -> None:
    world = World()
    times = (START, START + MINUTE) if user_first else (START + MINUTE, START)
    (ada,) = world.send(event("Started", number="ada", at=times[0]))
    visitor = enrolled(world, at=times[1])
    arm(world, visitor, "token-visitor")
    arm(world, ada.customer, "token-ada")
    join(world, at=START + 2 * MINUTE)
    stays, ends = (ada.customer, visitor) if user_first else (visitor, ada.customer)
    assert item(world, stays)["status"] == slots.ACTIVE
    ended = item(world, ends)
    assert (ended["status"], ended["outcome"], ended["reason"]) == ("ended", "replaced", "merged")
    token = "token-visitor" if user_first else "token-ada"
    assert world.executions.of("wake") == [(token, {"visit": "1", "outcome": slots.EXIT})]
    assert [each["reason"] for each in finished(world, ends)] == ["merged"]
    assert finished(world, stays) == []


def test_where_a_new_entry_replaces_the_last_run_goes_on() -> None:
    world = World(program(entry=entry("Started", reentry="always")))
    world.send(event("Started", number="ada"))
    visitor = enrolled(world, at=START + MINUTE)
    join(world, at=START + 2 * MINUTE)
    assert item(world, visitor)["status"] == slots.ACTIVE
    assert world.enrollment()["reason"] == "merged"


def test_an_identify_call_ends_the_second_run_as_well() -> None:
    world = World()
    world.send(event("Started", number="ada"))
    visitor = enrolled(world, at=START + MINUTE)
    world.send(identify("ada", "a", at=START + 2 * MINUTE))
    assert item(world, visitor)["reason"] == "merged"


def test_runs_with_different_keys_both_go_on() -> None:
    by_cart = entry("Started", key=path("event", "properties", "cart"))
    world = World(program(entry=by_cart))
    world.send(event("Started", number="ada", properties={"cart": "1"}))
    visitor = enrolled(world, properties={"cart": "2"})
    join(world)
    statuses = [each["status"] for _, _, each in world.ada().all_enrollments()]
    assert statuses == [slots.ACTIVE] * 2
    world.send(event("Ordered", at=START + 2 * MINUTE))
    statuses = [each["status"] for _, _, each in world.ada().all_enrollments()]
    assert set(statuses) == {slots.ENDED}
    assert len(finished(world, visitor)) == 1


def test_who_entered_as_a_visitor_does_not_enter_again() -> None:
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    join(world)
    (again,) = world.send(event("Started", number="2", at=START + 2 * MINUTE))
    assert again.commands == ()
    world.send(event("Ordered", at=START + 3 * MINUTE))
    (after,) = world.send(event("Started", number="3", at=START + 4 * MINUTE))
    assert after.commands == ()
    assert item(world, visitor)["status"] == slots.ENDED


def test_what_has_ended_is_remembered_and_the_other_is_read_no_more() -> None:
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    world.send(visit("a", "Ordered", number="2", at=START + MINUTE))
    join(world, at=START + 2 * MINUTE)
    profile = world.ada().profile or {}
    assert profile["merged"] == []
    memory = world.enrollment()
    assert (memory["status"], memory["began_at"]) == (slots.ENDED, visitor)
    (again,) = world.send(event("Started", number="3", at=START + 3 * MINUTE))
    assert again.commands == ()


def test_a_visitor_who_began_nothing_is_not_read_again() -> None:
    world = World()
    world.send(visit("a"), event("Seen"))
    join(world)
    assert (world.ada().profile or {})["merged"] == []


def test_a_run_that_lives_keeps_the_other_listed_until_it_has_ended() -> None:
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    join(world)
    assert (world.ada().profile or {})["merged"] == [visitor]
    world.send(event("Ordered", at=START + 2 * MINUTE))
    assert (world.ada().profile or {})["merged"] == [visitor]
    world.send(event("Seen", number="2", at=START + 3 * MINUTE))
    assert (world.ada().profile or {})["merged"] == []


def test_a_goal_counts_for_the_run_that_the_visitor_ended() -> None:
    goal = {"event": "Ordered", "where": None, "within_seconds": 3_600, "value": None}
    world = World(program(goal=goal, exits=[{"event": "Left", "where": None}]))
    world.send(event("Seen"))
    visitor = enrolled(world)
    world.send(visit("a", "Left", number="2", at=START + MINUTE))
    join(world, at=START + 2 * MINUTE)
    assert (world.ada().profile or {})["merged"] == [visitor]
    world.send(event("Ordered", at=START + 3 * MINUTE))
    assert "converted_at" in item(world, visitor)
    world.send(event("Ordered", number="2", at=START + 4 * MINUTE))
    records = world.store.query(
        TableName.RECORDS, keys.partition(visitor), prefix=keys.CONVERSION_PREFIX
    )
    assert len(records) == 1


def test_a_later_run_replaces_the_one_that_lives_with_the_other() -> None:
    world = World(program(entry=entry("Started", reentry="always"), exits=[]))
    world.send(event("Seen"))
    visitor = enrolled(world)
    arm(world, visitor, "token-1")
    join(world)
    world.send(event("Started", number="2", at=START + 2 * MINUTE))
    assert item(world, visitor)["outcome"] == "replaced"
    assert world.enrollment()["status"] == slots.ACTIVE
    assert world.executions.of("wake") == [("token-1", {"visit": "1", "outcome": slots.EXIT})]
    assert len(world.executions.of("start")) == 2


class StrictStore(MemoryStore):
    """Refuses the transactions that DynamoDB refuses."""

    def transact(self, operations: Sequence[Operation]) -> None:
        assert len(operations) <= 100
        assert len({each.key for each in operations}) == len(operations)
        super().transact(operations)


def test_many_memories_are_taken_over_in_parts() -> None:
    by_cart = entry("Started", key=path("event", "properties", "cart"))
    steps = [hold("wait")]
    world = World(program(entry=by_cart, steps=steps), store=StrictStore())
    world.send(event("Seen"))
    for number in range(120):
        at = START + number * MINUTE
        begin = visit("a", "Started", number=f"s{number}", properties={"cart": number}, at=at)
        world.send(begin, visit("a", "Ordered", number=f"o{number}", at=at))
    later = START + timedelta(hours=3)
    join(world, at=later)
    assert (world.ada().profile or {})["merged"] != []
    for number in range(2):
        world.send(event("Seen", number=f"seen-{number}", at=later + number * MINUTE))
    assert (world.ada().profile or {})["merged"] == []
    assert len(world.ada().enrollments) == 120


def test_reads_of_a_torn_transaction_see_the_other_s_enrollments_too() -> None:
    """The profile names what the last event wrote, also where that lies with the other."""
    world = World()
    world.send(event("Seen"))
    visitor = enrolled(world)
    join(world)
    world.send(event("Acted", at=START + 2 * MINUTE))
    person = world.ada()
    assert (person.profile or {})["touched"] == [f"{visitor}/cart#one"]
    assert person.is_whole
    before = {**item(world, visitor), "touched": 1}
    torn = {visitor: {"cart#one": before}}
    assert not replace(person, merged=torn).is_whole
