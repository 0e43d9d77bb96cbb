"""What is counted of customers whose whole story is known."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache, reduce
from pathlib import Path

import pytest

from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, ProviderError
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.report.counts import Tally
from stepwell.simulation.report.tally import harvest
from stepwell.storage.memory import MemoryStore
from tests.support.reports import STORIES, at, copied_project, definitions, never_acts, played, told
from tests.support.simulations import Person

SILENCE, STYLIST = "Wait for 45 minutes of silence", "Stylist suggestion"
MORNING, OUTFIT = "Until next morning", "Complete outfit"
HOLD, FIRST = "Wait for the first action", "First nudge"
AGAIN, SECOND = "Wait again for the first action", "Second nudge"
HOUR, DAY = 3_600, 86_400


@cache
def tally() -> Tally:
    return harvest(told())


def test_customers_events_and_calls_are_those_of_the_trace() -> None:
    simulation = told()
    found = harvest(simulation)
    assert found.customers == 6
    assert found.events == len(simulation.trace.applied)
    assert found.calls == simulation.trace.calls
    assert found.applied == {
        "Trial Started": 3,
        "First Action": 1,
        "Product Added": 5,
        "Order Completed": 2,
    }
    assert found.broken_count == 0


def test_entries_are_told_from_parallel_ones() -> None:
    trials, carts = tally().journeys["onboarding"], tally().journeys["cart_abandonment"]
    assert (trials.entries, trials.customers, trials.again, trials.parallel) == (3, 3, 0, 0)
    assert (carts.entries, carts.customers, carts.again, carts.parallel) == (4, 3, 0, 1)


def test_a_run_of_the_same_enrollment_is_a_re_entry() -> None:
    gus = Person("gus")
    found = harvest(played([*gus.sign_up(), gus.cart("c1"), gus.cart("c1", at(24 * 8))]))
    carts = found.journeys["cart_abandonment"]
    assert (carts.entries, carts.customers, carts.again, carts.parallel) == (2, 1, 1, 0)


def test_flow_and_time_in_state_of_the_nudges() -> None:
    trials = tally().journeys["onboarding"]
    assert {way: times.counts for way, times in trials.ways.items()} == {
        ("", HOLD): Counter({0: 3}),
        (HOLD, FIRST): Counter({3 * DAY: 2}),
        (FIRST, AGAIN): Counter({0: 2}),
        (AGAIN, SECOND): Counter({3 * DAY: 2}),
    }
    assert {way: times.counts for way, times in trials.leavings.items()} == {
        (HOLD, "converted"): Counter({DAY: 1}),
        (SECOND, "completed"): Counter({0: 2}),
    }
    assert trials.endings == {("completed", ""): 2, ("converted", "First Action"): 1}


def test_flow_with_a_restart_and_an_exit_while_a_message_waits() -> None:
    carts = tally().journeys["cart_abandonment"]
    assert carts.ways[SILENCE, SILENCE].counts == Counter({600: 1})
    assert carts.ways[SILENCE, STYLIST].counts == Counter({2700: 4})
    assert carts.ways[STYLIST, MORNING].counts == Counter({0: 3})
    assert carts.leavings[STYLIST, "converted"].counts == Counter({25 * 60: 1})
    assert carts.leavings[OUTFIT, "completed"].count() == 3


def test_messages_by_step_channel_and_outcome() -> None:
    journeys = tally().journeys
    assert journeys["onboarding"].messages == {
        (FIRST, "email", "sent"): 1,
        (FIRST, "", "suppressed"): 1,
        (SECOND, "email", "sent"): 1,
        (SECOND, "", "suppressed"): 1,
    }
    assert journeys["cart_abandonment"].messages == {
        (STYLIST, "sms", "sent"): 2,
        (STYLIST, "sms", "suppressed"): 1,
        (STYLIST, "sms", "deferred"): 1,
        (OUTFIT, "push", "sent"): 2,
        (OUTFIT, "push", "suppressed"): 1,
    }


def test_decisions_that_sent_nothing_have_their_reason() -> None:
    journeys = tally().journeys
    assert journeys["onboarding"].reasons == {
        (FIRST, "suppressed", "unreachable"): 1,
        (SECOND, "suppressed", "unreachable"): 1,
    }
    assert journeys["cart_abandonment"].reasons == {
        (STYLIST, "deferred", "quiet_hours"): 1,
        (STYLIST, "suppressed", "capped"): 1,
        (OUTFIT, "suppressed", "capped"): 1,
    }


def test_a_message_that_waited_and_went_counts_once() -> None:
    hal = Person("hal")
    carts = harvest(played([*hal.sign_up(), hal.cart("c1", at(8, 50))])).journeys[
        "cart_abandonment"
    ]
    assert carts.messages[STYLIST, "sms", "sent"] == 1
    assert (STYLIST, "sms", "deferred") not in carts.messages
    assert carts.reasons[STYLIST, "deferred", "quiet_hours"] == 1
    waited = 10 * HOUR + 25 * 60  # from 21:35 to 08:00
    assert carts.ways[STYLIST, MORNING].counts == Counter({waited: 1})


def test_hours_are_the_customers() -> None:
    ivy = Person("ivy")
    found = harvest(played([*ivy.sign_up(zone="America/New_York"), ivy.cart("c1", at(3))]))
    assert found.journeys["cart_abandonment"].hours == {("sms", 10): 1, ("push", 9): 1}
    assert tally().journeys["onboarding"].hours == {("email", 12): 2}


def test_the_hour_of_an_unknown_zone_is_unknown() -> None:
    joe = Person("joe")
    events = [joe.identify(email="joe@example.com"), joe.track("Trial Started")]
    assert harvest(played(events)).journeys["onboarding"].hours == {("email", -1): 2}


def test_conversions_with_their_value_time_and_what_came_before() -> None:
    carts, trials = tally().journeys["cart_abandonment"], tally().journeys["onboarding"]
    assert (carts.conversions, carts.converted_after_message) == (2, 1)
    assert (carts.valued, carts.value_micros) == (2, 500_000_000)
    assert carts.to_conversion.counts == Counter({22 * HOUR: 1, 70 * 60: 1})
    assert (trials.conversions, trials.converted_after_message, trials.valued) == (1, 0, 0)


def test_messages_per_customer() -> None:
    assert tally().sent_by_customer.counts == Counter({0: 3, 2: 3})


def test_caps_are_reached_and_refuse() -> None:
    caps = tally().caps
    assert caps["marketing_2_per_day"].reached.counts == Counter({2: 2})
    assert caps["marketing_sms_1_per_day"].reached.counts == Counter({1: 2})
    assert (
        caps["marketing_sms_1_per_day"].refusals,
        caps["marketing_push_1_per_day"].refusals,
    ) == (
        1,
        1,
    )
    assert caps["marketing_sms_1_per_day"].refused_customers == 1


def test_quiet_hours_defer_and_are_come_near() -> None:
    rule = tally().quiet[0]
    assert (rule.deferred, rule.suppressed, rule.passed_over) == (1, 0, 0)
    texts, pushes = {485: 1, 495: 1}, {720: 2}
    assert rule.before.counts == Counter(texts | pushes)


def test_a_quiet_channel_that_another_takes_the_place_of_is_passed_over(tmp_path: Path) -> None:
    wait = ("on_quiet_hours: wait", "on_quiet_hours: next_channel")
    root = copied_project(tmp_path, {"journeys/cart_abandonment/journey.yaml": wait})
    kim = Person("kim")
    events = [*kim.sign_up(), kim.cart("c1", at(8, 50))]
    found = harvest(played(events, using=read_definitions(root)))
    assert found.journeys["cart_abandonment"].hours["email", 21] == 1
    assert found.quiet[0].passed_over == 2  # the text and the push
    assert found.quiet[0].deferred == 0


class Failing:
    """A provider that refuses the first message for good and does not answer the second."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, outgoing: Outgoing) -> str:
        self.asked += 1
        if self.asked == 1:
            raise ProviderError("MessageRejected", ErrorKind.CONFIGURATION)
        raise OutcomeUnknownError


def test_what_providers_answered() -> None:
    found = harvest(played(never_acts(), providers={"email": Failing()}))
    assert found.providers == {("email", "MessageRejected"): 1, ("email", "unknown"): 1}
    trials = found.journeys["onboarding"]
    assert trials.messages == {(FIRST, "email", "failed"): 1, (SECOND, "email", "unknown"): 1}
    assert trials.failures == {(FIRST, "all_channels_refused", "MessageRejected"): 1}
    assert found.sent_by_customer.counts == Counter({0: 1})
    assert found.billed == {("email", ""): 1}


def test_what_the_tables_were_asked_is_counted_before_harvesting_asks_more() -> None:
    store = MeteredStore(MemoryStore())
    simulation = played(never_acts(), store=store)
    reads = Counter(store.reads)
    found = harvest(simulation)
    assert found.metered.reads == reads
    assert found.metered.calls == simulation.trace.calls
    assert found.metered.customers == 1
    assert harvest(played(never_acts())).metered.reads == Counter()


@pytest.mark.parametrize("size", [1, 2, 4])
def test_parts_add_up_to_the_whole(size: int) -> None:
    people = [story() for story in STORIES]
    parts = [
        harvest(played(*people[first : first + size])) for first in range(0, len(people), size)
    ]
    assert reduce(Tally.merge, parts, Tally()) == tally()


def test_what_must_never_happen_is_listed_and_counted() -> None:
    leo = Person("leo")
    simulation = played([*leo.sign_up(), leo.cart("c1")])
    late = simulation.trace.sendings[0]
    night = late.at + timedelta(hours=10)  # 22:45
    simulation.trace.sendings.append(type(late)(night, late.outgoing, late.result))
    found = harvest(simulation)
    assert found.broken_count == len(found.broken) >= 1
    assert "quiet" in " ".join(str(each) for each in found.broken)
    assert {each.customer for each in found.broken} == {"leo"}


def test_definitions_are_those_of_the_journeys_asked_for() -> None:
    assert set(definitions().machines) == {"cart_abandonment", "onboarding"}
