"""Each rule of what must never happen is broken on purpose, and seen; what ships breaks none."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.customers import keys
from stepwell.messages import caps, decisions, timing
from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, ProviderError
from stepwell.simulation.engine import Simulation
from stepwell.simulation.never import Rule, find_broken
from stepwell.simulation.trace import Sending, Status
from stepwell.storage.operations import TableName
from tests.support.simulations import (
    MONDAY,
    Person,
    broken_rules,
    carts,
    play,
    shipped,
    with_policies,
)

HOUR = timedelta(hours=1)
NIGHT = MONDAY + 10 * HOUR
NO_CAPS: list[Any] = []


def _by_hand(simulation: Simulation, like: int = -1, **changes: Any) -> Sending:
    """One more call to a provider, that no rule let through, with the same message's settings."""
    sending = simulation.trace.sendings[like]
    outgoing = {"message_id", "channel", "tags"} & changes.keys()
    made = replace(sending.outgoing, **{name: changes.pop(name) for name in outgoing})
    more = replace(sending, outgoing=made, **changes)
    simulation.trace.sendings.append(more)
    return more


# ---------------------------------------------------------------- what ships breaks none


def test_shipped_journeys_break_no_rule() -> None:
    ada = Person()
    events = [
        *ada.sign_up(),
        *(ada.cart(f"cart-{n}", MONDAY + n * 5 * HOUR) for n in range(12)),
        ada.order("o1", MONDAY + 70 * HOUR),
    ]
    simulation = play(Simulation(shipped(), MONDAY), *events)
    assert len(simulation.trace.sendings) >= 4
    assert find_broken(simulation) == []


CHANNELS = ("sms", "push", "email")
THROTTLED = ("Throttled", ErrorKind.THROTTLED)
GONE = ("Gone", ErrorKind.CONFIGURATION)
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "nowhere")


def _timeline(number: int, draw: random.Random) -> Iterator[Any]:
    """A person who signs up, fills carts, orders, travels, and changes their mind, at odd hours."""
    person = Person(f"user-{number}")
    yield from person.sign_up(draw.choice(ZONES), country=draw.choice(("GB", "US", "")))
    at = MONDAY
    for step in range(draw.randrange(4, 20)):
        at += timedelta(minutes=draw.choice((0, 1, 44, 45, 600, 1_440, 3_000)))
        channel = draw.choice(CHANNELS)
        kind = draw.randrange(10)
        if kind < 5:
            yield person.cart(f"cart-{draw.randrange(4)}", at)
        elif kind == 5:
            yield person.order(f"order-{step}", at)
        elif kind == 6:
            yield person.identify(at, timezone=draw.choice(ZONES), email="x@example.com")
        else:
            yield person.consent(draw.choice(("granted", "revoked")), channel, at)


def _random_simulation(seed: int) -> Simulation:
    """Three people, providers of every mood, functions that fail now and then."""
    draw = random.Random(seed)  # noqa: S311 - a case, not a secret

    def fault(_: str, number: int) -> str | None:
        share = draw.random() if number % 2 else 1.0
        return "Lambda.TooManyRequestsException" if share < 0.2 else "Lost" if share < 0.3 else None

    providers = _moody(draw)
    simulation = Simulation(shipped(), MONDAY, seed=seed, providers=providers, fault=fault)
    events = [each for number in range(3) for each in _timeline(number, draw)]
    return play(simulation, *sorted(events, key=lambda each: each.received_at))


@settings(max_examples=settings().max_examples // 4)
@given(st.integers(0, 2**32))
def test_no_timeline_of_shipped_journeys_breaks_a_rule(seed: int) -> None:
    assert find_broken(_random_simulation(seed)) == []


def test_such_timelines_send_and_meet_every_rule() -> None:
    """Otherwise the test above would say little."""
    simulations = [_random_simulation(seed) for seed in range(8)]
    reasons = {
        item["reason"]
        for simulation in simulations
        for customer in simulation.trace.customers
        for item in simulation.store.query(
            TableName.RECORDS, keys.partition(customer), prefix=keys.DECISION_PREFIX
        )
    }
    assert reasons >= {"accepted", "no_provider_answer", "capped", "quiet_hours", "no_consent"}
    ended = [run.status for each in simulations for run in each.trace.runs.values()]
    assert {Status.SUCCEEDED, Status.ABORTED} <= set(ended)
    assert sum(len(each.trace.sendings) for each in simulations) > 50


def _moody(draw: random.Random) -> dict[str, Any]:
    class Moody:
        def send(self, outgoing: Outgoing) -> str:
            mood = draw.random()
            if mood < 0.1:
                raise OutcomeUnknownError
            if mood < 0.3:
                raise ProviderError(*(THROTTLED if mood < 0.2 else GONE))
            return outgoing.message_id

    return {channel: Moody() for channel in CHANNELS}


def test_message_that_went_late_counts_from_then() -> None:
    """Delivery fails once, so the journey asks five minutes later; a day after the first ask, but
    not after the send, the next message has to wait.
    """

    def fault(name: str, number: int) -> str | None:
        return "Lost" if (name, number) == ("delivery", 1) else None

    ada = Person()
    day = timedelta(hours=24)
    events = [*ada.sign_up(), ada.cart("cart-1"), ada.cart("cart-2", MONDAY + day)]
    simulation = play(Simulation(shipped(), MONDAY, fault=fault), *events)
    first = simulation.trace.sendings[0]
    assert first.at == MONDAY + timedelta(minutes=50)
    sms = [
        each.at - first.at for each in simulation.trace.sendings if each.outgoing.channel == "sms"
    ]
    assert sms == [timedelta(0)]
    assert find_broken(simulation) == []


# ---------------------------------------------------------------- caps


def test_sends_beyond_a_cap_are_seen() -> None:
    simulation = play(Simulation(with_policies(caps=[]), MONDAY), *carts(3))
    assert set(broken_rules(simulation)) == {Rule.CAP_EXCEEDED}
    found = find_broken(simulation, shipped().loaded_policies)
    assert any("marketing_sms_1_per_day, which allows 1" in each.text for each in found)
    assert find_broken(simulation) == []  # by its own policies there is nothing to exceed


def test_broken_cap_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caps, "_count", lambda *_: 0)
    simulation = play(Simulation(shipped(), MONDAY), *carts(3))
    assert Rule.CAP_EXCEEDED in broken_rules(simulation)


def test_window_ends_exactly_when_it_is_over() -> None:
    simulation = play(Simulation(shipped(), MONDAY), *carts(1))
    first = simulation.trace.sendings[0]
    day = timedelta(hours=24)
    for after, rules in ((day - timedelta(seconds=1), [Rule.CAP_EXCEEDED]), (day, [])):
        again = _by_hand(simulation, 0, message_id="by-hand.stylist", at=first.at + after)
        found = [each for each in find_broken(simulation) if "sms_1_per" in each.text]
        assert [each.rule for each in found] == rules
        simulation.trace.sendings.remove(again)


def test_one_message_counts_once_whatever_its_outcome() -> None:
    simulation = play(Simulation(with_policies(caps=[]), MONDAY), *carts(1))
    for result in ("unknown", "accepted"):
        _by_hand(simulation, 0, result=result)
    assert Rule.CAP_EXCEEDED not in broken_rules(simulation)


# ---------------------------------------------------------------- quiet hours


def test_message_at_night_is_seen() -> None:
    simulation = play(Simulation(with_policies(quiet_hours=[]), MONDAY), *carts(1, NIGHT))
    (found,) = find_broken(simulation, shipped().loaded_policies)
    assert found.rule is Rule.QUIET_HOURS
    assert found.text == "sms at 22:45 in Europe/London, which is quiet from 21:00 to 08:00"
    assert (found.journey, found.step) == ("cart_abandonment", "Stylist suggestion")


def test_broken_quiet_hours_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "next_allowed", lambda moment, *_: moment)
    simulation = play(Simulation(shipped(), MONDAY), *carts(1, NIGHT))
    assert Rule.QUIET_HOURS in broken_rules(simulation)


def test_night_is_that_of_the_zone_at_the_time_of_sending() -> None:
    """Noon in London is night in Tokyo, where she was until an hour before, and has gone since."""
    ada = Person()
    phone = {"phone": "+447700900001"}
    there = [*ada.sign_up("Asia/Tokyo"), ada.cart("cart-1")]
    home = ada.identify(MONDAY + HOUR / 2, timezone="Europe/London", **phone)
    late = Simulation(with_policies(quiet_hours=[]), MONDAY)
    assert broken_rules(play(late, *there)) == [Rule.QUIET_HOURS]
    back = Simulation(with_policies(quiet_hours=[]), MONDAY)
    assert broken_rules(play(back, *there, home)) == []
    gone = Simulation(with_policies(quiet_hours=[]), MONDAY)
    away = ada.identify(MONDAY + HOUR, timezone="Asia/Tokyo", **phone)
    assert broken_rules(play(gone, *there, home, away)) == []


def test_message_to_an_unknown_zone_is_seen_and_a_default_zone_allows_it() -> None:
    ada = Person()
    nowhere = ada.sign_up("nowhere", phone=None)
    nowhere += [ada.cart("cart-1")]
    definitions = with_policies(default_zone="Europe/London")
    simulation = play(Simulation(definitions, MONDAY), *nowhere)
    assert [each.outgoing.channel for each in simulation.trace.sendings] == ["push"]
    assert broken_rules(simulation) == [Rule.UNKNOWN_TIME_ZONE]
    assert find_broken(simulation) == []


def test_default_zone_has_its_own_night() -> None:
    ada = Person()
    nowhere = [*ada.sign_up("nowhere", phone=None), ada.cart("cart-1")]
    document = json.loads(shipped().policies)
    open_ = with_policies(default_zone="Europe/London", quiet_hours=[])
    simulation = play(Simulation(open_, MONDAY), *nowhere)
    tokyo = with_policies(**document | {"default_zone": "Asia/Tokyo"}).loaded_policies
    assert broken_rules(simulation, tokyo) == [Rule.QUIET_HOURS]


# ---------------------------------------------------------------- consent


def test_send_without_consent_is_seen() -> None:
    document = json.loads(shipped().policies)["purposes"]
    document["marketing"]["consent"] = "assumed"
    ada = Person()
    signed_up, *_ = ada.sign_up()
    simulation = play(
        Simulation(with_policies(purposes=document), MONDAY), signed_up, ada.cart("cart-1")
    )
    assert set(broken_rules(simulation)) == {Rule.NO_CONSENT}


def test_broken_consent_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(_: Any, purpose: Any, channels: Any) -> Any:
        return tuple(channels), {"rule": "consent", "result": "allowed", "purpose": purpose.name}

    monkeypatch.setattr(decisions, "check_consent", everything)
    ada = Person()
    events = [*ada.sign_up(), ada.consent("revoked", "sms"), ada.cart("cart-1")]
    assert Rule.NO_CONSENT in broken_rules(play(Simulation(shipped(), MONDAY), *events))


def test_consent_counts_as_it_was_when_the_message_went() -> None:
    """Revoked right after the send, at the same moment: in order. Revoked before: broken."""
    ada = Person()
    simulation = play(Simulation(shipped(), MONDAY), *ada.sign_up(), ada.cart("cart-1"))
    sent = simulation.trace.sendings[-1]
    simulation.send(ada.consent("revoked", sent.outgoing.channel, simulation.now))
    assert find_broken(simulation) == []
    simulation.trace.sendings.append(
        replace(sent, outgoing=replace(sent.outgoing, message_id="by-hand.outfit"))
    )
    assert Rule.NO_CONSENT in broken_rules(simulation)


def test_late_news_of_an_older_answer_change_nothing() -> None:
    ada = Person()
    old = ada.consent("granted", "sms", MONDAY - HOUR)
    late = replace(old, received_at=MONDAY + HOUR / 4)
    events = [*ada.sign_up(), ada.consent("revoked", "sms"), ada.cart("cart-1"), late]
    simulation = play(Simulation(shipped(), MONDAY), *events)
    assert {each.outgoing.channel for each in simulation.trace.sendings} == {"push"}
    assert find_broken(simulation) == []
    _by_hand(simulation, 0, message_id="by-hand.stylist", channel="sms")
    assert Rule.NO_CONSENT in broken_rules(simulation)


# ---------------------------------------------------------------- sent twice, sent after the end


@pytest.mark.parametrize("result", ["accepted", "unknown"])
def test_message_that_goes_out_twice_is_seen(result: str) -> None:
    simulation = play(Simulation(shipped(), MONDAY), *carts(1))
    _by_hand(simulation, result=result, at=simulation.now)
    assert Rule.SENT_TWICE in broken_rules(simulation)


def test_refused_attempts_are_no_second_message() -> None:
    simulation = play(Simulation(shipped(), MONDAY), *carts(1))
    _by_hand(simulation, result="InvalidToken", at=simulation.now)
    assert find_broken(simulation) == []


def test_only_purposes_that_resend_may_send_again_what_may_be_lost() -> None:
    document = json.loads(shipped().policies)["purposes"]
    document["marketing"]["after_unknown_outcome"] = "resend"
    resends = with_policies(purposes=document)

    class Once:
        lost = False

        def send(self, outgoing: Outgoing) -> str:
            if not self.lost:
                self.lost = True
                raise OutcomeUnknownError
            return outgoing.message_id

    providers = {channel: Once() for channel in CHANNELS}
    simulation = play(Simulation(resends, MONDAY, providers=providers), *carts(1))
    assert [each.result for each in simulation.trace.sendings[:2]] == ["unknown", "accepted"]
    assert find_broken(simulation) == []
    assert Rule.SENT_TWICE in broken_rules(simulation)


def test_message_of_a_run_that_an_event_has_ended_is_seen() -> None:
    ada = Person()
    events = [*ada.sign_up(), ada.cart("cart-1")]
    simulation = play(Simulation(shipped(), MONDAY), *events, ada.order("o1", MONDAY + HOUR))
    sent = simulation.trace.sendings[0]
    assert sent.outgoing.tags["journey"] == "cart_abandonment"
    assert find_broken(simulation) == []
    simulation.trace.sendings.append(replace(sent, at=MONDAY + 2 * HOUR))
    assert Rule.SENT_AFTER_END in broken_rules(simulation)


def test_message_of_a_run_that_has_completed_is_seen() -> None:
    ada = Person()
    simulation = play(Simulation(shipped(), MONDAY), *ada.sign_up(), ada.cart("cart-1"))
    sent = simulation.trace.sendings[-1]
    again = replace(sent.outgoing, message_id=sent.outgoing.message_id + "2")
    simulation.trace.sendings.append(replace(sent, at=simulation.now + HOUR, outgoing=again))
    found = [each for each in find_broken(simulation) if each.rule is Rule.SENT_AFTER_END]
    assert [each.text for each in found] == ["its run had ended: completed"]


def test_order_of_a_send_and_an_exit_at_one_moment_counts() -> None:
    ada = Person()
    simulation = Simulation(shipped(), MONDAY)
    for each in (*ada.sign_up(), ada.cart("cart-1")):
        simulation.schedule(MONDAY, each)
    simulation.run(until=MONDAY + timedelta(minutes=45))
    (sent,) = simulation.trace.sendings
    assert sent.at == simulation.now
    simulation.send(ada.order("o1", simulation.now))
    simulation.run()
    assert find_broken(simulation) == []
    late = replace(sent, outgoing=replace(sent.outgoing, message_id=f"{_execution(sent)}.outfit"))
    simulation.trace.sendings.append(late)
    assert Rule.SENT_AFTER_END in broken_rules(simulation)


def _execution(sending: Sending) -> str:
    return sending.outgoing.message_id.rpartition(".")[0]
