"""Goals, entries and executions of customers who became one, where two runs meet in one event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Put, TableName, Update
from tests.support.programs import entry, path, program
from tests.support.world import START, World, alias, event, identify, visit

MINUTE = timedelta(minutes=1)
WEEK = 7 * 86_400


def goal(name: str) -> dict[str, Any]:
    return {"event": name, "where": None, "within_seconds": WEEK, "value": None}


def conversions(world: World, *customers: str) -> int:
    return sum(
        len(
            world.store.query(
                TableName.RECORDS, keys.partition(each), prefix=keys.CONVERSION_PREFIX
            )
        )
        for each in customers
    )


def arm(world: World, customer: str, token: str) -> None:
    key = keys.enrollment(customer, "cart#one")
    world.store.write(Update(key, set={"token": token, "token_for": "wait#1"}))


def test_an_event_that_is_goal_and_entry_converts_the_run_it_replaces() -> None:
    journey = program(entry=entry("Started", reentry="always"), goal=goal("Started"), exits=[])
    world = World(journey)
    (ada, visitor) = world.send(event("Seen"), visit("a", "Started"))
    for number in range(2, 5):
        at = START + number * MINUTE
        world.send(event("Started", number=str(number), anonymous_id="a", at=at))
    assert conversions(world, ada.customer, visitor.customer) == 3
    assert world.enrollment()["status"] == slots.ACTIVE


@pytest.mark.parametrize("reentry", ["never", "always"])
def test_a_goal_counts_once_for_a_person_with_two_runs(reentry: str) -> None:
    world = World(program(entry=entry("Started", reentry=reentry), goal=goal("Won")))
    (ada,) = world.send(event("Started", number="ada"))
    (visitor,) = world.send(visit("a", "Started", at=START + MINUTE))
    world.send(event("Signed In", anonymous_id="a", at=START + 2 * MINUTE))
    world.send(event("Won", at=START + 3 * MINUTE))
    assert conversions(world, ada.customer, visitor.customer) == 1


def test_a_run_that_a_later_one_replaces_elsewhere_reaches_no_goal_any_more() -> None:
    journey = program(entry=entry("Started", reentry="always"), goal=goal("Won"), exits=[])
    world = World(journey)
    ada, visitor = world.send(event("Seen"), visit("a", "Started"))
    world.send(event("Signed In", anonymous_id="a", at=START + MINUTE))
    world.send(event("Started", number="2", at=START + 2 * MINUTE))
    world.send(event("Won", at=START + 3 * MINUTE))
    assert conversions(world, ada.customer, visitor.customer) == 1


def test_the_execution_of_every_run_that_is_replaced_gets_to_know_it() -> None:
    """The call that joins begins a run as well: three runs meet, and one goes on."""
    world = World(program(entry=entry("Started", reentry="always"), exits=[]))
    (ada,) = world.send(event("Started", number="ada"))
    (visitor,) = world.send(visit("a", "Started", at=START + MINUTE))
    arm(world, ada.customer, "token-ada")
    arm(world, visitor.customer, "token-visitor")
    world.send(event("Started", number="join", anonymous_id="a", at=START + 2 * MINUTE))
    woken = [token for token, _ in world.executions.of("wake")]
    stopped = [execution for _, execution, *_ in world.executions.of("stop")]
    assert woken == ["token-visitor"]
    assert len(stopped) == 1
    assert stopped[0].startswith(f"{ada.customer}-")
    active = [item for _, _, item in world.ada().all_enrollments() if item["status"] == "active"]
    assert len(active) == 1


def test_re_entry_counts_from_the_visitor_s_entry_once_the_user_s_own_run_has_ended() -> None:
    reentry = entry("Started", reentry="after", seconds=WEEK)
    world = World(program(entry=reentry))
    world.send(event("Started", number="ada"))
    later = START + timedelta(days=8)
    world.send(visit("a", "Started", at=later), visit("a", "Ordered", at=later))
    world.send(event("Signed In", anonymous_id="a", at=later + MINUTE))
    world.send(event("Ordered", number="2", at=later + 2 * MINUTE))
    world.send(event("Seen", number="3", at=later + 3 * MINUTE))
    (soon,) = world.send(event("Started", number="4", at=later + timedelta(days=2)))
    assert soon.commands == ()
    (week,) = world.send(event("Started", number="5", at=later + timedelta(days=7)))
    assert [each.kind for each in week.commands] == ["start"]


def test_who_became_the_other_earlier_is_still_heard() -> None:
    world = World(program(entry=entry("Started", key=path("event", "properties", "cart"))))
    world.send(event("Seen"), visit("b"))
    world.send(visit("a", "Started", properties={"cart": 1}, at=START + MINUTE))
    world.send(identify(None, "b", number="x", email="x@example.com"))
    world.send(identify(None, "a", number="y", email="x@example.com"))
    world.send(event("Signed In", anonymous_id="b", at=START + 2 * MINUTE))
    world.send(event("Ordered", at=START + 3 * MINUTE))
    assert [item["outcome"] for _, _, item in world.ada().all_enrollments()] == ["exited"]


def test_events_under_a_former_user_id_do_not_bring_it_back() -> None:
    world = World()
    old = event("Seen", user_id="old")
    world.send(old, alias("ada", "old"))
    world.send(*(alias("ada", f"visitor-{number}") for number in range(20)))
    world.send(event("Seen", number="2", user_id="old"))
    assert (world.ada().profile or {})["user_id"] == "ada"


def test_an_active_run_counts_before_one_that_was_entered_later() -> None:
    world = World(program(entry=entry("Started", reentry="after_exit")))
    world.send(event("Started", number="ada"))
    world.send(visit("a", "Started", at=START + MINUTE), visit("a", "Ordered", at=START + MINUTE))
    world.send(event("Signed In", anonymous_id="a", at=START + 2 * MINUTE))
    (again,) = world.send(event("Started", number="2", at=START + 3 * MINUTE))
    assert again.commands == ()


def test_the_goal_that_the_replacing_event_reaches_is_told_of_the_replaced_run() -> None:
    journey = program(entry=entry("Started", reentry="always"), goal=goal("Started"), exits=[])
    world = World(journey)
    _, visitor = world.send(event("Seen"), visit("a", "Started"))
    world.send(event("Started", number="2", anonymous_id="a", at=START + 2 * MINUTE))
    replaced = world.store.get(keys.enrollment(visitor.customer, "cart#one")) or {}
    assert (replaced["outcome"], replaced["conversion_event"]) == ("replaced", "Started-2")


def test_a_memory_is_written_only_over_what_was_read() -> None:
    class Meanwhile(MemoryStore):
        armed = False

        def transact(self, operations: Any) -> None:
            memory = any("began_at" in getattr(each, "item", {}) for each in operations)
            if memory and not self.armed:
                self.armed = True
                self.write(Put(keys.enrollment(ada.customer, "cart#one"), {"status": "other"}))
            super().transact(operations)

    store = Meanwhile()
    world = World(store=store)
    (ada,) = world.send(event("Seen"))
    world.send(visit("a", "Started"), visit("a", "Ordered", at=START + MINUTE))
    with pytest.raises(KeyError):  # what lies there now is no enrollment, and is not overwritten
        world.send(event("Signed In", anonymous_id="a", at=START + 2 * MINUTE))
    assert (store.get(keys.enrollment(ada.customer, "cart#one")) or {})["status"] == "other"


def test_a_reader_sees_whether_it_has_a_memory_that_the_last_event_wrote() -> None:
    world = World()
    world.send(event("Seen"), visit("a", "Started"), visit("a", "Ordered", at=START + MINUTE))
    world.send(event("Signed In", anonymous_id="a", at=START + 2 * MINUTE))
    assert (world.ada().profile or {})["touched"] == ["cart#one"]
    assert world.ada().is_whole
