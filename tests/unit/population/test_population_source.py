"""Made-up customers: known as the router would know them, and the same in any grouping."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation, plain_hash
from stepwell.simulation.population import sources
from stepwell.simulation.population.behaviour import period_of
from stepwell.simulation.population.model import Population
from stepwell.simulation.population.people import make_person, sign_up
from stepwell.simulation.population.settling import customer_id, number_of, settle
from stepwell.simulation.population.sources import PopulationSource
from stepwell.simulation.trace import Status, Trace
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import TableName
from tests.support.populations import ROOT, population, shipped_population

SEED = 3


@pytest.fixture(scope="module")
def cart() -> Definitions:
    return read_definitions(ROOT, frozenset({"cart_abandonment"}))


def play_all(source: PopulationSource, definitions: Definitions) -> list[Simulation]:
    return [source.play(chunk, definitions, SEED) for chunk in source.chunks()]


def lived(simulations: list[Simulation]) -> dict[str, list[Any]]:
    """What every customer lived through, in order, by internal id."""
    lives: dict[str, list[Any]] = {}
    for simulation in simulations:
        trace = simulation.trace
        for sending in trace.sendings:
            lives.setdefault(sending.outgoing.tags["customer"], []).append(sending)
        for applied in trace.applied:
            lives.setdefault(applied.customer, []).append(applied.event)
        for run in trace.runs.values():
            lives.setdefault(run.customer, []).append((run.started, run.ended, run.states))
        for customer in trace.customers:
            items = simulation.store.query(TableName.RECORDS, keys.partition(customer))
            lives.setdefault(customer, []).append([_without_counts(each) for each in items])
    return lives


def _without_counts(item: Any) -> Any:
    """Provider's ids and attempts are numbered over everybody in a simulation."""
    if isinstance(item, dict):
        names = (name for name in item if name not in ("provider_id", "claimed_by"))
        return {name: _without_counts(item[name]) for name in names}
    return [_without_counts(each) for each in item] if isinstance(item, list) else item


def test_settled_customers_are_as_the_router_would_make_them(cart: Definitions) -> None:
    start = period_of(shipped_population()).start
    for number in range(1, 40):
        events = sign_up(make_person(shipped_population(), SEED, number), start)
        routed = Simulation(cart, start, new_id=lambda number=number: customer_id(number))  # type: ignore[misc]
        for event in events:
            routed.send(event)
        store, trace = MemoryStore(), Trace()
        settle(number, events, store, plain_hash, trace, cart.loaded_policies.profile)
        partition = keys.partition(customer_id(number))
        assert store.query(TableName.CUSTOMERS, partition) == routed.store.query(
            TableName.CUSTOMERS, partition
        )
        assert trace.applied == routed.trace.applied
        assert trace.customers == routed.trace.customers
        found = trace.applied[0]
        again = Simulation(cart, start, store=store)
        assert again.send(replace(found.event, id="again")).customer == customer_id(number)


def test_ids_name_the_customers_number() -> None:
    assert number_of(customer_id(77)) == 77
    assert len(customer_id(10**9)) == 25


def test_every_customer_lives_the_same_life_in_any_grouping_and_number(
    cart: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PopulationSource(shipped_population(), 60)
    whole = lived(play_all(source, cart))
    monkeypatch.setattr(sources, "CHUNK", 7)
    assert [each.customers for each in source.chunks()] == [*[7] * 8, 4]
    assert source.chunks()[1].first == "customer-8"
    assert lived(play_all(source, cart)) == whole
    fewer = lived(play_all(replace(source, customers=20), cart))
    assert fewer == {customer_id(n): whole[customer_id(n)] for n in range(1, 21)}
    assert sum(len(each) for each in whole.values()) > 500


def test_customers_who_do_nothing_are_customers_too(cart: Definitions) -> None:
    [simulation] = play_all(PopulationSource(population(""), 5), cart)
    assert list(simulation.trace.customers) == [customer_id(n) for n in range(1, 6)]


# ---------------------------------------------------------------- answers

ANSWERING = """\
days: 2
addresses: {sms: 100%}
consents: {marketing: {sms: {granted: 100%}}}
behaviours:
  - name: fills a cart
    event: Product Added
    rate: 1 per 2d
    hours: {9-12: 1}
    properties: {cart_id: {fresh: cart}, product_id: x, cart_value: 80}
responses:
  - to: {journey: cart_abandonment, step: Stylist suggestion, channel: sms}
    event: Order Completed
    chance: CHANCE
    after: 20m to 30m
    properties: {order_id: {fresh: order}, cart_id: {carried: cart_id}, revenue: 80}
"""


def answering(chance: str) -> Population:
    return population(ANSWERING.replace("CHANCE", chance))


def test_answers_follow_messages_and_know_what_the_journey_was_entered_with(
    cart: Definitions,
) -> None:
    [simulation] = play_all(PopulationSource(answering("100%"), 80), cart)
    sent = {
        simulation.trace.runs[each.outgoing.message_id.rpartition(".")[0]].enrollment: each.at
        for each in simulation.trace.sendings
    }
    orders = [each for each in simulation.trace.applied if each.event.name == "Order Completed"]
    assert len(orders) == len(sent) > 40
    ended = Counter(each.error for each in simulation.trace.runs.values())
    assert ended["Exited"] > 40
    for order in orders:
        cart_hash = plain_hash("journey_key", order.event.properties["cart_id"])
        at = sent[keys.enrollment_id("cart_abandonment", cart_hash)]
        assert timedelta(minutes=20) <= order.at - at <= timedelta(minutes=30)


def test_the_chance_of_an_answer_is_as_declared(cart: Definitions) -> None:
    [simulation] = play_all(PopulationSource(answering("30%"), 300), cart)
    names = Counter(each.event.name for each in simulation.trace.applied)
    sent = len(simulation.trace.sendings)
    assert abs(names["Order Completed"] / sent - 0.3) < 5 * (0.21 / sent) ** 0.5


def test_what_is_begun_after_the_end_gets_no_answers() -> None:
    """Otherwise customers who answer each message with an order would be won back for ever."""
    win_back = read_definitions(ROOT, frozenset({"win_back"}))
    eager = population("""\
days: 100
addresses: {email: 100%}
consents: {marketing: {email: {granted: 100%}}}
behaviours:
  - {name: orders, event: Order Completed, rate: 2 per 1d, at_most: 1,
     properties: {order_id: {fresh: order}}}
responses:
  - {event: Order Completed, to: {journey: win_back}, chance: 100%, after: 1h,
     properties: {order_id: {fresh: order}}}
""")
    [simulation] = play_all(PopulationSource(eager, 5), win_back)
    end = period_of(eager).end
    runs = simulation.trace.runs.values()
    assert all(each.status is not Status.RUNNING for each in runs)
    late = [each for each in runs if each.started >= end]
    assert len(late) == 5
    assert all(each.status is Status.SUCCEEDED for each in late)


# ---------------------------------------------------------------- ends and costs


def test_what_was_begun_is_played_to_its_end_unless_cut(cart: Definitions) -> None:
    source = PopulationSource(shipped_population(), 300, days=2)
    [played] = play_all(source, cart)
    assert {each.status for each in played.trace.runs.values()} <= {
        Status.SUCCEEDED,
        Status.ABORTED,
    }
    [cut] = play_all(replace(source, cut=True), cart)
    assert cut.now == source.until
    assert any(each.status is Status.RUNNING for each in cut.trace.runs.values())
    assert cut.trace.applied[-1].at <= source.until


def test_nobody_is_charged_for_customers_who_were_there_before(cart: Definitions) -> None:
    [simulation] = play_all(PopulationSource(population(""), 5), cart)
    assert isinstance(simulation.store, MeteredStore)
    assert not simulation.store.writes.total()
    assert simulation.store.stored_bytes(0) > 0
