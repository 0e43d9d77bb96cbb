"""Made-up customers: the same for a number and a seed, true to the declared rates, unreachable."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.customers.zones import candidates
from stepwell.events.envelope import read_call
from stepwell.events.model import Event, EventType
from stepwell.simulation.population.behaviour import Period, make_events, period_of
from stepwell.simulation.population.model import Population
from stepwell.simulation.population.people import Person, make_person, sign_up
from stepwell.timestamps import to_text
from tests.support.populations import population, shipped_population

MANY = 4_000
FICTIONAL_PHONE = re.compile(r"\+121255501\d{2}|\+447700900\d{3}|\+3363998\d{4}|\+999\d{12}")


def people(of: Population, count: int = MANY) -> Iterator[Person]:
    return (make_person(of, 7, number) for number in range(1, count + 1))


def events(of: Population, person: Person, days: int | None = None) -> list[Event]:
    return make_events(of, period_of(of, days), 7, person)


def near(found: float, expected: float, count: int) -> bool:
    """Within five standard deviations of a share drawn `count` times."""
    return abs(found - expected) < 5 * sqrt(expected * (1 - expected) / count) + 1e-9


# ---------------------------------------------------------------- who they are


def test_a_customer_is_the_same_whenever_made_and_another_under_another_seed() -> None:
    shipped = shipped_population()
    first = make_person(shipped, 7, 42)
    assert first == make_person(shipped, 7, 42)
    others = [make_person(shipped, seed, 42) for seed in range(20)]
    assert len({each.zone for each in others}) > 2
    assert len({json.dumps(each.traits, sort_keys=True) for each in others}) > 15


def test_nobody_can_be_reached() -> None:
    traits = [each.traits for each in people(shipped_population())]
    emails = [each["email"] for each in traits if "email" in each]
    assert len(emails) == len(set(emails))
    assert all(re.fullmatch(r"customer-\d+@example\.com", each) for each in emails)
    phones = [each["phone"] for each in traits if "phone" in each]
    assert len(phones) > MANY / 2
    assert all(FICTIONAL_PHONE.fullmatch(each) for each in phones)


def test_homes_addresses_and_consents_are_as_declared() -> None:
    shipped = shipped_population()
    made = list(people(shipped))
    zones = Counter(each.zone for each in made)
    assert near(zones["America/New_York"] / MANY, 0.38, MANY)
    assert near(zones["Australia/Sydney"] / MANY, 0.03, MANY)
    assert near(sum("timezone" not in each.traits for each in made) / MANY, 0.04, MANY)
    assert near(sum("phone" in each.traits for each in made) / MANY, 0.70, MANY)
    assert near(sum(each.token is not None for each in made) / MANY, 0.60, MANY)
    sms = Counter(each.consents.get(("marketing", "sms")) for each in made)
    assert near(sms["granted"] / MANY, 0.55, MANY)
    assert near(sms["revoked"] / MANY, 0.25, MANY)
    assert near(sms[None] / MANY, 0.20, MANY)


def test_who_does_not_tell_where_they_live_has_no_zone_by_phone_or_country_either() -> None:
    for person in people(shipped_population(), 500):
        addresses = {"sms": person.traits.get("phone")}
        profile = {"addresses": addresses, "country": person.traits.get("country")}
        profile["zone"] = person.traits.get("timezone")
        assert bool(candidates(profile).zones) == ("timezone" in person.traits)


# ---------------------------------------------------------------- what they do


RATES = """\
behaviours:
  - name: shops
    event: Product Added
    share: 40%
    rate: 3 per 10d
    hours: {9-12: 1, 18-21: 3}
    properties: {cart_id: {fresh: cart}, product_id: x, cart_value: {between: [5, 9]}}
    then:
      - event: Order Completed
        chance: 25%
        after: 10m to 20m
        properties: {order_id: {carried: cart_id}, total: {carried: cart_value, plus: [1, 2]}}
"""


@pytest.fixture(scope="module")
def shopping() -> list[list[Event]]:
    declared = population(RATES)
    return [events(declared, each, 10) for each in people(declared)]


def test_rates_shares_and_chances_are_as_declared(shopping: list[list[Event]]) -> None:
    added = [sum(each.name == "Product Added" for each in one) for one in shopping]
    ever = sum(count > 0 for count in added) / MANY
    assert near(ever, 0.4 * (1 - 0.0498), MANY)  # e^-3 of those who shop do not happen to
    mean = sum(added) / MANY
    assert abs(mean - 1.2) < 5 * sqrt((0.4 * (3 + 9) - 1.44) / MANY)
    orders = sum(each.name == "Order Completed" for one in shopping for each in one)
    assert near(orders / sum(added), 0.25, sum(added))


def test_local_hours_are_as_weighted(shopping: list[list[Event]]) -> None:
    added = [each for one in shopping for each in one if each.name == "Product Added"]
    hours = Counter(each.timestamp.astimezone(ZoneInfo("Europe/London")).hour for each in added)
    assert set(hours) == {9, 10, 11, 18, 19, 20}
    assert near(hours[9] / len(added), 1 / 12, len(added))
    assert near(hours[20] / len(added), 3 / 12, len(added))


def test_a_follow_up_carries_what_it_follows_on_and_keeps_its_distance(
    shopping: list[list[Event]],
) -> None:
    checked = 0
    for one in shopping:
        carts = {each.properties.get("cart_id"): each for each in one}
        for order in (each for each in one if each.name == "Order Completed"):
            cart = carts[order.properties["order_id"]]
            passed = (order.timestamp - cart.timestamp).total_seconds()
            assert 600 <= passed <= 1_200
            more = order.properties["total"] - cart.properties["cart_value"]
            assert more in {1, 2}
            checked += 1
    assert checked > 500


def test_ids_are_distinct(shopping: list[list[Event]]) -> None:
    ids = [each.id for one in shopping for each in one]
    carts = [each.properties["cart_id"] for one in shopping for each in one[:1]]
    assert len(ids) == len(set(ids))
    assert len(carts) == len(set(carts))


def test_about_is_a_mean_and_at_most_a_limit() -> None:
    declared = population("""\
behaviours:
  - name: tries
    event: Trial Started
    rate: 9 per 1d
    at_most: 2
    then: [{event: First Action, chance: 100%, after: about 3h}]
""")
    gaps = []
    for person in people(declared, 1_000):
        made = events(declared, person, 10)
        assert [each.name for each in made] == ["Trial Started", "First Action"] * 2
        gaps += [
            (after.timestamp - before.timestamp).total_seconds()
            for before, after in zip(made[::2], made[1::2], strict=True)
        ]
    assert abs(sum(gaps) / len(gaps) - 10_800) < 5 * 10_800 / sqrt(len(gaps))


def test_another_behaviour_leaves_the_first_one_as_it_was() -> None:
    more = RATES + "  - {name: acts, event: First Action, rate: 2 per 1d}\n"
    one, both = population(RATES), population(more)
    for person in people(one, 50):
        kept = [each for each in events(both, person) if each.name != "First Action"]
        assert kept == events(one, person)


@settings(max_examples=30, deadline=None)
@given(
    zone=st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"]),
    start=st.dates(datetime(2026, 1, 1).date(), datetime(2027, 1, 1).date()),  # noqa: DTZ001
    days=st.integers(1, 4),
)
def test_what_is_begun_is_begun_in_the_period(zone: str, start: object, days: int) -> None:
    declared = population(f"""\
start: {start}
days: {days}
behaviours: [{{name: acts, event: First Action, rate: 40 per 1d}}]
""")
    period = period_of(declared)
    person = Person(1, zone, {}, None, {})
    moments = [each.timestamp for each in make_events(declared, period, 7, person)]
    assert moments == sorted(moments)
    assert all(period.start <= each < period.end for each in moments)
    assert len(moments) > 5


def test_the_period_may_be_shorter_or_longer() -> None:
    shipped = shipped_population()
    start = datetime(2026, 11, 2, tzinfo=UTC)
    assert period_of(shipped) == Period(start, start + timedelta(days=30))
    assert period_of(shipped, 3).end == start + timedelta(days=3)


# ---------------------------------------------------------------- their events


def test_events_are_those_that_the_api_would_make_of_the_calls() -> None:
    shipped, seen = shipped_population(), set[str]()
    for person in people(shipped, 60):
        start = period_of(shipped).start
        for event in [*sign_up(person, start), *events(shipped, person)]:
            call = {"messageId": event.id, "userId": event.user_id, "context": event.context}
            call["timestamp"] = to_text(event.timestamp)
            if event.type is EventType.TRACK:
                call |= {"event": event.name, "properties": event.properties}
            else:
                call |= {"traits": event.traits}
            [read] = read_call(
                event.type.value,
                json.dumps(call).encode(),
                source=event.source,
                received_at=event.received_at,
                new_id=lambda: "none",
            )
            assert read == event
            seen.add(event.name)
    assert {"", "Consent Updated", "Product Added", "Order Completed", "Trial Started"} <= seen
