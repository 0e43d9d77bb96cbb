"""The shipped cart journey in the simulator, event by event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.events.model import Event, EventType
from stepwell.ports import Outgoing
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.machines.errors import UnsupportedError
from stepwell.simulation.trace import Sending, Status
from stepwell.storage.operations import Item, TableName
from stepwell.timestamps import to_text

ROOT = Path(__file__).parents[3]
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DUE = START + timedelta(minutes=45)


@cache
def shipped() -> Definitions:
    return read_definitions(ROOT, frozenset({"cart_abandonment"}))


def event(at: datetime, name: str = "", number: int = 1, user: str = "ada", **more: Any) -> Event:
    fields: dict[str, Any] = {
        "id": f"{name}-{number}",
        "source": "shop",
        "type": EventType.TRACK if name else EventType.IDENTIFY,
        "name": name,
        "user_id": user,
        "anonymous_id": None,
        "properties": {},
        "traits": {},
        "context": {},
        "timestamp": at,
        "received_at": at,
    }
    return Event(**(fields | more))


def cart(at: datetime, number: int = 1, cart_id: str = "c1", **more: Any) -> Event:
    properties = {"cart_id": cart_id, "cart_value": 280.0, "name": "Silk dress", "currency": "GBP"}
    return event(at, "Product Added", number, properties=properties, **more)


def order(at: datetime, **more: Any) -> Event:
    return event(at, "Order Completed", properties={"order_id": "o1", "revenue": 415.0}, **more)


def simulation(**more: Any) -> Simulation:
    """Ada, who may be reached by text and email, and has just left a cart."""
    made = Simulation(shipped(), START, **more)
    traits = {"phone": "+447700900123", "email": "ada@example.com", "timezone": "Europe/London"}
    made.send(event(START, traits=traits | {"first_name": "Ada"}))
    for number, channel in enumerate(("sms", "email")):
        consent = {"purpose": "marketing", "channel": channel, "status": "granted"}
        made.send(event(START, "Consent Updated", number, properties=consent))
    made.send(cart(START))
    return made


def sent(made: Simulation) -> list[tuple[datetime, str]]:
    return [(each.at, each.outgoing.channel) for each in made.trace.sendings]


def enrollment(made: Simulation) -> Item:
    (customer,) = made.trace.customers
    (item,) = made.store.query(
        TableName.CUSTOMERS, keys.partition(customer), prefix=keys.ENROLLMENT_PREFIX
    )
    return item


def test_silence_then_a_text_then_an_email_the_next_morning() -> None:
    made = simulation()
    made.run()
    morning = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    assert sent(made) == [(DUE, "sms"), (morning, "email")]
    assert enrollment(made)["outcome"] == "completed"
    (run,) = made.trace.runs.values()
    assert (run.status, run.ended) == (Status.SUCCEEDED, morning)
    assert made.trace.problems == []


def test_an_event_at_the_moment_of_the_timer_comes_first() -> None:
    made = simulation()
    made.schedule(DUE, order(DUE))
    made.run()
    assert sent(made) == []
    assert enrollment(made)["outcome"] == "converted"
    assert enrollment(made)["wait_for_45_minutes_of_silence_outcome"] == "exit"


def test_an_event_a_millisecond_later_comes_too_late_for_the_text() -> None:
    made = simulation()
    late = DUE + timedelta(milliseconds=1)
    made.schedule(late, order(late))
    made.run()
    assert sent(made) == [(DUE, "sms")]
    (run,) = made.trace.runs.values()
    assert (run.status, run.error, run.cause) == (Status.ABORTED, "Exited", "Order Completed")


def test_more_in_the_cart_starts_the_silence_anew() -> None:
    made = simulation()
    again = DUE - timedelta(seconds=1)
    made.schedule(again, cart(again, 2))
    made.run()
    assert sent(made)[0] == (again + timedelta(minutes=45), "sms")


def test_run_until_stands_before_what_is_due_then() -> None:
    made = simulation()
    made.run_until(DUE)
    assert (made.now, sent(made), made.waiting()) == (DUE, [], DUE)
    made.run(DUE)
    assert sent(made) == [(DUE, "sms")]


def test_the_past_is_refused() -> None:
    made = simulation()
    made.run_until(DUE)
    with pytest.raises(ValueError, match="is due at 2026-11-24 12:00"):
        made.schedule(START, order(START))


def test_an_event_that_comes_again_is_applied_once() -> None:
    made = simulation()
    routed = made.send(cart(START))
    assert routed.repeated
    assert len(made.trace.runs) == 1
    assert [each.event.name for each in made.trace.applied].count("Product Added") == 1


def test_what_follows_from_a_message_happens_in_its_time() -> None:
    def answer(sending: Sending) -> None:
        later = sending.at + timedelta(hours=2)
        made.schedule(later, order(later))

    made = simulation(on_sent=answer)
    made.run()
    assert sent(made) == [(DUE, "sms")]
    assert enrollment(made)["ended_at"] == to_text(DUE + timedelta(hours=2))


def test_functions_that_fail_are_tried_again_and_the_message_goes_once() -> None:
    made = simulation(
        fault=lambda name, call: (
            "Lambda.ServiceException" if name == "consent" and call < 3 else None
        )
    )
    made.run()
    first, second = sent(made)
    assert (first[1], second[1]) == ("sms", "email")
    assert DUE < first[0] <= DUE + timedelta(seconds=3)


def test_a_delivery_that_always_fails_ends_as_unknown_and_the_journey_goes_on() -> None:
    made = simulation(fault=lambda name, _: "Sandbox.Timedout" if name == "delivery" else None)
    made.run()
    (customer,) = made.trace.customers
    decisions = made.store.query(
        TableName.RECORDS, keys.partition(customer), prefix=keys.DECISION_PREFIX
    )
    assert [(each["outcome"], each["reason"]) for each in decisions] == [
        ("unknown", "no_answer")
    ] * 2
    assert sent(made) == []
    assert enrollment(made)["outcome"] == "completed"


def test_an_exception_in_a_function_is_that_functions_error() -> None:
    class Broken:
        def send(self, _: Outgoing) -> str:
            raise LookupError("no such thing")

    made = simulation(providers=dict.fromkeys(("sms", "push", "email"), Broken()))
    made.run()
    assert {each.text for each in made.trace.problems} == {
        "delivery failed: LookupError('no such thing')"
    }


def test_the_seed_decides_what_is_drawn_and_nothing_else_does() -> None:
    def first_sent(seed: int) -> datetime:
        made = simulation(
            seed=seed,
            fault=lambda name, call: "Boom" if (name, call) == ("delivery", 1) else None,
        )
        made.run()
        return sent(made)[0][0]

    assert first_sent(1) == first_sent(1)
    jitters = {made.draw("x") for made in (Simulation(shipped(), START, seed=n) for n in range(9))}
    assert len(jitters) == 9


def test_a_machine_beyond_the_compilers_is_refused_before_anything_happens() -> None:
    machines = {"cart_abandonment": {"StartAt": "A", "States": {"A": {"Type": "Map"}}}}
    with pytest.raises(UnsupportedError, match="cart_abandonment, state 'A': the state type Map"):
        Simulation(replace(shipped(), machines=machines), START)
