"""An address that takes no messages takes none, whichever customer has it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stepwell.messages.suppression import (
    FOR_ALL,
    INVALID,
    STOP,
    suppressing,
    suppression_key,
    unsubscribed_from,
)
from stepwell.ports import ErrorKind, ProviderError
from tests.support.fakes import plain_hasher
from tests.support.messages import NOON, World, message_program

PHONE = "+447700900123"
EMAIL = "ada@example.com"


def suppress(world: World, channel: str, address: str, reason: str) -> None:
    key = suppression_key(channel, address, plain_hasher)
    world.store.write(suppressing(key, reason, at=NOON, proof="event-9"))


def reach_of(world: World) -> dict[str, object]:
    [decision] = world.decisions()
    return next(each for each in decision["rules"] if each["rule"] == "reach")


@pytest.mark.parametrize("reason", [*FOR_ALL, unsubscribed_from("marketing")])
def test_a_suppressed_address_is_passed_over(reason: str) -> None:
    world = World()
    suppress(world, "sms", PHONE, reason)
    assert world.send()["channel"] == "push"
    assert not world.sms.sent
    assert reach_of(world)["suppressed"] == {reason: 1}


def test_nothing_is_left_to_send_to() -> None:
    world = World(program=message_program(channels=["sms"]))
    suppress(world, "sms", PHONE, STOP)
    answer = world.send()
    assert (answer["outcome"], answer["reason"]) == ("suppressed", "address_suppressed")
    assert not world.units()


def test_no_address_at_all_is_said_so() -> None:
    world = World(program=message_program(channels=["sms"]))
    world.put_profile(addresses={})
    assert world.send()["reason"] == "unreachable"


def test_unsubscribing_ends_one_purpose() -> None:
    world = World(program=message_program(channels=["email"], purpose="transactional"))
    suppress(world, "email", EMAIL, unsubscribed_from("marketing"))
    assert world.send()["outcome"] == "sent"


def test_emails_are_compared_in_small_letters() -> None:
    world = World(program=message_program(channels=["email"]))
    suppress(world, "email", " ADA@Example.com ", STOP)
    assert world.send()["reason"] == "address_suppressed"


def test_an_opt_out_between_the_decision_and_the_send_counts() -> None:
    world = World(program=message_program(channels=["sms"]))
    state = world.state()
    world.consent(state)
    world.cap(state)
    suppress(world, "sms", PHONE, STOP)
    world.now += timedelta(seconds=6)  # throttled functions are asked again for minutes
    answer = world.deliver(state)["answer"]
    assert (answer["outcome"], answer["reason"]) == ("failed", "all_channels_refused")
    assert world.decisions()[0]["detail"] == "no_usable_address"
    assert not world.sent()
    assert not world.units()


def test_what_the_provider_says_of_an_address_is_remembered() -> None:
    world = World(program=message_program(channels=["push"]))
    world.push.fails = [ProviderError("EndpointDisabled", ErrorKind.ADDRESS)]
    assert world.send()["outcome"] == "sent"
    assert [each.address for each in world.push.sent] == ["old-token"]
    found = world.store.get(suppression_key("push", "new-token", plain_hasher)) or {}
    assert INVALID in found


def test_a_refusal_that_is_about_the_account_suppresses_nothing() -> None:
    world = World(program=message_program(channels=["push"]))
    world.push.fails = [ProviderError("NoPushApplication", ErrorKind.CONFIGURATION)]
    world.send()
    assert world.store.get(suppression_key("push", "new-token", plain_hasher)) is None
