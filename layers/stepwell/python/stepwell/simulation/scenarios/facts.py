"""What happened in a simulation, as facts that expectations are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.customers import keys, slots
from stepwell.customers.people import load_person
from stepwell.customers.snapshot import load_snapshot
from stepwell.handover.errors import AWAY, REFUSED
from stepwell.handover.handing_over import HANDED_OVER
from stepwell.journeys.compiler import names
from stepwell.simulation.engine import Simulation
from stepwell.simulation.providers import ACCEPTED
from stepwell.simulation.scenarios.model import ACTIVE, Fact, Kind
from stepwell.storage.operations import Item, TableName
from stepwell.timestamps import from_text

_WHY_NOT = {REFUSED: "refused", AWAY: "away"}


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer of the scenario with all that the store has of them."""

    id: str
    user: str
    decisions: tuple[Item, ...]
    hand_overs: tuple[Item, ...]
    finished: tuple[Item, ...]
    conversions: tuple[Item, ...]
    enrollments: Mapping[str, Item]


def customers(simulation: Simulation) -> list[Customer]:
    """In the order in which they were met."""
    found = []
    for customer in simulation.trace.customers:
        snapshot = load_snapshot(simulation.store, customer)
        person = load_person(simulation.store, customer)

        def records(prefix: str, of: str = customer) -> tuple[Item, ...]:
            partition = keys.partition(of)
            return tuple(simulation.store.query(TableName.RECORDS, partition, prefix=prefix))

        found.append(
            Customer(
                customer,
                str((person.profile or {}).get("user_id", customer)),
                records(keys.DECISION_PREFIX),
                records(keys.HAND_OVER_PREFIX),
                records(keys.FINISHED_PREFIX),
                records(keys.CONVERSION_PREFIX),
                snapshot.enrollments,
            )
        )
    return found


def facts_of(simulation: Simulation) -> list[Fact]:
    """Everything that an expectation can be about, by time; what is still active comes last."""
    texts = _texts(simulation)
    found = [
        fact
        for customer in customers(simulation)
        for part in (
            _messages(simulation, customer, texts),
            _hand_overs(simulation, customer),
            _conversions(customer),
            _ended(customer),
            _active(simulation, customer),
        )
        for fact in part
    ]
    return sorted(found, key=lambda fact: (fact.at is None, fact.at or simulation.now))


def step_names(simulation: Simulation) -> dict[tuple[str, str], str]:
    """(journey, step id) -> the step's name."""
    return {
        (program.journey, step.id): step.name
        for program in simulation.definitions.loaded_programs
        for step in program.steps.values()
    }


def _texts(simulation: Simulation) -> dict[str, tuple[str, ...]]:
    """What was sent, by message id."""
    return {
        sending.outgoing.message_id: tuple(sending.outgoing.content.values())
        for sending in simulation.trace.sendings
        if sending.result == ACCEPTED
    }


def _messages(
    simulation: Simulation, customer: Customer, texts: Mapping[str, tuple[str, ...]]
) -> Iterator[Fact]:
    named = step_names(simulation)
    for each in customer.decisions:
        kind = Kind(each["outcome"])
        yield Fact(
            kind,
            from_text(each["at"]),
            customer.user,
            each["journey"],
            named[each["journey"], each["step"]],
            by=each.get("channel"),
            because=None if kind is Kind.SENT else each.get("reason"),
            until=from_text(each["until"]) if each.get("until") else None,
            says=texts.get(each["message"], ()) if kind is Kind.SENT else (),
        )


def _hand_overs(simulation: Simulation, customer: Customer) -> Iterator[Fact]:
    named = step_names(simulation)
    for each in customer.hand_overs:
        taken = each["outcome"] == HANDED_OVER
        yield Fact(
            Kind.HANDED_OVER if taken else Kind.NOT_HANDED_OVER,
            from_text(each["at"]),
            customer.user,
            each["journey"],
            named[each["journey"], each["step"]],
            by=each["destination"],
            because=None if taken else why_not(each),
        )


def why_not(record: Item) -> str:
    """`refused`, `away`, or the name of what else went wrong."""
    return _WHY_NOT.get(record["failure"], str(record["failure"]))


def _conversions(customer: Customer) -> Iterator[Fact]:
    for each in customer.conversions:
        at, value = from_text(each["at"]), _number(each.get("value"))
        yield Fact(Kind.CONVERSION, at, customer.user, each["journey"], each["name"], value=value)


def _ended(customer: Customer) -> Iterator[Fact]:
    for each in customer.finished:
        at, reason = from_text(each["ended_at"]), each.get("reason")
        yield Fact(
            Kind.ENROLLMENT, at, customer.user, each["journey"], each["outcome"], because=reason
        )


def _active(simulation: Simulation, customer: Customer) -> Iterator[Fact]:
    for each in customer.enrollments.values():
        if each["status"] == slots.ACTIVE:
            run = simulation.trace.runs.get(each["execution"])
            step = step_of(run.states[-1][1]) if run and run.states else None
            yield Fact(Kind.ENROLLMENT, None, customer.user, each["journey"], ACTIVE, step=step)


def step_of(state: str) -> str:
    """The name of the step that a state belongs to."""
    for suffix in names.SUFFIXES:
        if state.endswith(suffix):
            return state.removesuffix(suffix)
    return state


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
