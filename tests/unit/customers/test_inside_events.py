"""Events that the engine itself tells go by the internal id, to whoever the customer is now."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.events.model import CONSENT_EVENT, Event, from_message, to_message
from stepwell.events.told import inside_event
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.programs import branch, hold, program
from tests.support.world import START, World, event, identify, visit

OPENED = "Message Opened"


def told(customer: str, name: str = OPENED, number: int = 1, **more: Any) -> Event:
    properties = more.pop("properties", {"step": "nudge"})
    return inside_event(
        f"{name}-{number}", name, customer, properties, at=START, received_at=START, **more
    )


def test_it_wakes_the_customers_hold_and_names_nobody_new() -> None:
    world = World(program(steps=[hold("wait", branch("opened", OPENED))]))
    world.send(event())
    before = world.ada()
    (routed,) = world.send(told(before.customer))
    after = world.ada()
    assert (routed.customer, routed.seq) == (before.customer, before.seq + 1)
    assert world.enrollment()["wait_outcome"] == "opened"
    assert after.profile is not None
    assert before.profile is not None
    same = {"seq": 0, "touched": [], "updated_at": "", "applied": ""}
    assert after.profile | same == before.profile | same


def test_a_redelivery_is_the_same_event() -> None:
    world = World()
    world.send(event())
    first, again = world.send(*[told(world.ada().customer)] * 2)
    assert (again.repeated, again.seq) == (True, first.seq)


def test_it_follows_a_customer_who_became_another() -> None:
    world = World()
    (before,) = world.send(visit("phone"))
    world.send(event(), identify("ada", "phone"))
    assert world.ada().customer != before.customer
    (routed,) = world.send(told(before.customer))
    assert routed.customer == world.ada().customer


def test_nobody_knows_the_customer() -> None:
    world = World()
    (routed,) = world.send(told("c404"))
    assert (routed.customer, routed.seq) == ("", 0)
    assert world.store.get(keys.profile("c404")) is None


def test_an_answer_to_a_text_is_found_in_empty_tables_by_the_other_id() -> None:
    properties = {"purpose": "marketing", "channel": "sms", "status": "revoked"}
    stop = told("c404", CONSENT_EVENT, properties=properties, user_id="ada")
    world = World()
    world.send(event(), stop)
    assert world.ada().consent_view() == {"marketing": {"sms": False}}


def test_the_queue_carries_whose_it_is_and_other_events_stay_as_they_were() -> None:
    inside = told("c1")
    assert from_message(to_message(inside)) == inside
    assert "customer" not in json.loads(to_message(event()))
    assert inside.fingerprint != replace(inside, customer="c2").fingerprint
    assert inside.group == told("c1", number=2).group != event().group


def test_it_takes_two_reads_and_one_transaction() -> None:
    world = World()
    world.send(event())
    customer, crash = world.ada().customer, Crash(0)
    world.make_router(CrashingStore(world.store, crash)).route(told(customer), START)
    assert crash.calls == 3


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_crash_anywhere_and_a_redelivery_are_one_event(number: int, after: bool) -> None:
    world = World(program(steps=[hold("wait", branch("opened", OPENED))]))
    world.send(event())
    world.arm("token-1")
    before, crash = world.ada(), Crash(number, after)
    router = world.make_router(CrashingStore(world.store, crash), crash)
    with pytest.raises(CrashError):
        router.route(told(before.customer), START)
    world.send(told(before.customer))
    assert world.ada().seq == before.seq + 1
    assert world.enrollment()["wait_outcome"] == "opened"
    assert set(world.executions.of("wake")[0][1].values()) == {"1", "opened"}
