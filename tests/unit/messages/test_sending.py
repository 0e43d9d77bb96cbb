"""The way of one message through consent, frequency cap and delivery, on the store in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.ports import ErrorKind, OutcomeUnknownError, ProviderError
from stepwell.storage.operations import Update
from tests.support.messages import (
    CUSTOMER,
    ENROLLMENT,
    EXECUTION,
    TEMPLATE,
    World,
    end_enrollment,
    message_program,
    shipped_policies,
)

EVENING = datetime(2026, 11, 24, 21, 59, tzinfo=UTC)
MORNING = "2026-11-25T08:00:00.000Z"
REFUSED = ProviderError("InvalidParameter", ErrorKind.CONFIGURATION)
PUSHED_BACK = ProviderError("Throttling", ErrorKind.THROTTLED)


def rule(world: World, name: str, decision: int = -1) -> dict[str, Any]:
    rules = [each for each in world.decisions()[decision]["rules"] if each["rule"] == name]
    assert rules, f"no rule {name}"
    found: dict[str, Any] = rules[-1]
    return found


class TestSent:
    def test_the_answer_has_exactly_what_journeys_read(self) -> None:
        world = World()
        assert world.send() == {
            "outcome": "sent",
            "reason": "accepted",
            "channel": "sms",
            "until": None,
            "decision": f"2026-11-24T12:00:00.000Z#{EXECUTION}.suggest#0",
            "message": f"{EXECUTION}.suggest",
            "asked": 0,
        }

    def test_the_rendered_text_goes_to_the_address_with_ids_as_tags(self) -> None:
        world = World()
        world.send()
        (outgoing,) = world.sent()
        assert (outgoing.address, outgoing.content) == ("+447700900123", {"body": "Hello Ada"})
        assert set(outgoing.tags) == {"customer", "message", "journey", "purpose"}

    def test_one_decision_has_every_rule_in_order_and_nothing_personal(self) -> None:
        world = World()
        world.send()
        (decision,) = world.decisions()
        names = [each["rule"] for each in decision["rules"]]
        assert names == [
            "active",
            "promotion_hold",
            "worth",
            "consent",
            "reach",
            "channel",
            "time",
            "caps",
            "content",
            "send",
        ]
        assert decision["outcome"] == "sent"
        text = json.dumps(decision)
        assert not any(each in text for each in ("Ada", "7700900123", "ada@", "token", "Dress"))

    def test_the_unit_is_confirmed(self) -> None:
        world = World()
        world.send()
        assert [(each["channel"], each["state"]) for each in world.units()] == [
            ("sms", "confirmed")
        ]

    def test_the_same_ask_again_is_answered_the_same_and_sends_nothing(self) -> None:
        world = World()
        first = world.send()
        world.now += timedelta(hours=1)
        assert world.send() == first
        assert len(world.sent()) == len(world.decisions()) == 1

    def test_the_claim_opens_the_following_hold(self) -> None:
        world = World()
        seen: list[dict[str, Any]] = []
        world.sms.before = lambda: seen.append(world.enrollment())
        world.send()
        assert slots.is_open(seen[0], "wait")
        assert (seen[0]["wait_visit"], seen[0]["wait_seq"]) == (1, 9)

    def test_an_event_during_the_send_decides_the_hold_and_stays(self) -> None:
        world = World()
        key = keys.enrollment(CUSTOMER, ENROLLMENT)
        world.sms.before = lambda: (world.store.write(Update(key, {"wait_outcome": "b1"})), None)[1]
        world.send()
        assert world.enrollment()["wait_outcome"] == "b1"

    def test_a_message_before_no_hold_opens_nothing(self) -> None:
        world = World(program=message_program(opens=None))
        world.send()
        assert not [name for name in world.enrollment() if name.startswith("wait_")]


class TestSuppressed:
    @pytest.mark.parametrize("change", [{"status": "ended"}, {"run": 8}])
    def test_an_ended_or_replaced_enrollment_gets_nothing(self, change: dict[str, Any]) -> None:
        world = World()
        world.put_enrollment(**change)
        assert (world.send()["outcome"], world.send()["reason"]) == ("suppressed", "exited")
        assert not world.sent()

    def test_a_customer_without_items_gets_nothing(self) -> None:
        world = World()
        assert world.send(customer="c2")["reason"] == "exited"

    def test_an_exit_just_before_the_claim_wins_and_frees_the_unit(self) -> None:
        world = World()
        state = world.state()
        world.consent(state)
        world.cap(state)
        end_enrollment(world)
        answer = world.deliver(state)["answer"]
        assert (answer["outcome"], answer["reason"]) == ("suppressed", "exited")
        assert rule(world, "active")["ended_by"] == "e2"
        assert not world.sent()
        assert not world.units()

    def test_an_exit_just_after_the_claim_comes_after_the_send(self) -> None:
        world = World()
        world.sms.before = lambda: end_enrollment(world)
        assert world.send()["outcome"] == "sent"

    def test_without_consent_on_any_channel(self) -> None:
        world = World()
        world.put_consents("sms", "push", "email", status="revoked")
        assert world.send()["reason"] == "no_consent"
        assert rule(world, "consent")["channels"]["sms"]["proof"] == "event-1"

    def test_without_an_address_on_a_consented_channel(self) -> None:
        world = World()
        world.put_profile(addresses={"email": "ada@example.com"})
        world.put_consents("sms")
        assert world.send()["reason"] == "unreachable"

    def test_full_caps_name_themselves(self) -> None:
        world = World()
        world.put_units(("email", timedelta(hours=1)), ("email", timedelta(hours=2)))
        answer = world.send()
        assert (answer["outcome"], answer["reason"]) == ("suppressed", "capped")
        assert rule(world, "caps")["refused"]["sms"]["full"] == {"marketing_2_per_day": 2}

    def test_an_unknown_zone_suppresses_what_has_quiet_hours(self) -> None:
        world = World()
        world.put_profile(zone=None, addresses={"push": ["token"]})
        assert world.send()["reason"] == "unknown_time_zone"
        assert not world.sent()

    def test_an_unknown_zone_lets_the_next_channel_without_quiet_hours_go(self) -> None:
        world = World(program=message_program(on_quiet_hours="next_channel"))
        world.put_profile(zone=None, addresses={"push": ["token"], "email": "ada@example.com"})
        assert world.send()["channel"] == "email"

    def test_an_unknown_zone_uses_the_policys_zone_where_it_names_one(self) -> None:
        world = World(policies=shipped_policies(default_zone="Europe/London"))
        world.put_profile(zone=None, addresses={"push": ["token"]})
        assert world.send()["outcome"] == "sent"


class TestQuietHours:
    def test_from_22_the_message_of_21_59_goes(self) -> None:
        world = World(policies=shipped_policies(quiet_from="22:00"), now=EVENING)
        assert world.send()["outcome"] == "sent"

    def test_from_21_it_is_deferred_to_8_and_then_goes(self) -> None:
        world = World(now=EVENING)
        answer = world.send()
        assert (answer["outcome"], answer["reason"], answer["until"], answer["asked"]) == (
            "deferred",
            "quiet_hours",
            MORNING,
            1,
        )
        assert not world.units()
        world.now = datetime.fromisoformat(MORNING)
        assert world.send(asked=1)["outcome"] == "sent"
        assert [each["outcome"] for each in world.decisions()] == ["deferred", "sent"]

    def test_the_same_ask_after_the_deferral_ended_is_answered_as_before(self) -> None:
        world = World(now=EVENING)
        first = world.send()
        world.now = datetime.fromisoformat(MORNING)
        assert world.send(asked=0) == first
        assert len(world.decisions()) == 1

    def test_skip_suppresses(self) -> None:
        world = World(program=message_program(on_quiet_hours="skip"), now=EVENING)
        assert world.send()["reason"] == "quiet_hours"

    def test_next_channel_takes_one_without_quiet_hours(self) -> None:
        world = World(program=message_program(on_quiet_hours="next_channel"), now=EVENING)
        assert world.send()["channel"] == "email"

    def test_next_channel_waits_when_all_are_quiet(self) -> None:
        program = message_program(on_quiet_hours="next_channel", channels=["sms", "push"])
        world = World(program=program, now=EVENING)
        assert (world.send()["outcome"], world.send()["until"]) == ("deferred", MORNING)

    def test_a_quiet_channel_is_no_fallback_either(self) -> None:
        world = World(program=message_program(channels=["email", "sms"]), now=EVENING)
        world.email.fails = [REFUSED]
        assert world.send()["reason"] == "all_channels_refused"
        assert not world.sent()

    def test_a_wait_past_its_worth_is_suppressed_at_once(self) -> None:
        world = World(program=message_program(worthless_after_seconds=3_600), now=EVENING)
        assert (world.send()["outcome"], world.send()["reason"]) == ("suppressed", "worthless")

    def test_worth_counts_from_the_first_ask(self) -> None:
        world = World(program=message_program(worthless_after_seconds=11 * 3_600), now=EVENING)
        assert world.send()["outcome"] == "deferred"
        world.now = EVENING + timedelta(hours=11)
        assert world.send(asked=1)["reason"] == "worthless"

    def test_asking_is_bounded(self) -> None:
        world = World(policies=shipped_policies(max_asks=2), now=EVENING)
        assert [world.send(asked=asked)["outcome"] for asked in (0, 1, 2)] == [
            "deferred",
            "deferred",
            "suppressed",
        ]
        assert world.send(asked=2)["reason"] == "worthless"

    def test_deferrals_are_spread_when_the_policy_says_so(self) -> None:
        untils = set()
        for number in range(20):
            world = World(policies=shipped_policies(spread_seconds=900), now=EVENING)
            until = datetime.fromisoformat(world.send(execution=f"x{number}")["until"])
            late = until - datetime.fromisoformat(MORNING)
            assert timedelta() <= late < timedelta(minutes=15)
            untils.add(until)
        assert len(untils) > 15


class TestCaps:
    def test_wait_defers_until_the_next_unit_frees(self) -> None:
        world = World(program=message_program(on_cap="wait"))
        world.put_units(("email", timedelta(hours=1)), ("email", timedelta(hours=2)))
        answer = world.send()
        assert (answer["reason"], answer["until"]) == ("capped", "2026-11-25T10:00:00.000Z")
        world.now = datetime.fromisoformat(answer["until"])
        assert world.send(asked=1)["outcome"] == "sent"

    def test_a_full_channel_with_skip_suppresses(self) -> None:
        world = World()
        world.put_units(("sms", timedelta(hours=1)))
        assert world.send()["reason"] == "capped"

    def test_a_full_channel_with_next_channel_takes_the_next(self) -> None:
        world = World(program=message_program(on_cap="next_channel"))
        world.put_units(("sms", timedelta(hours=1)))
        assert world.send()["channel"] == "push"

    def test_transactional_messages_are_exempt_and_leave_no_unit(self) -> None:
        world = World(program=message_program(purpose="transactional"))
        world.put_units(*[("sms", timedelta(hours=1))] * 6)
        assert world.send()["outcome"] == "sent"
        assert len(world.units()) == 6

    def test_a_unit_left_by_a_broken_ask_is_freed_when_the_next_defers(self) -> None:
        world = World(now=EVENING - timedelta(hours=1))
        state = world.state()
        world.consent(state)
        world.cap(state)
        assert len(world.units()) == 1
        world.now = EVENING
        assert world.send()["outcome"] == "deferred"
        assert not world.units()


class TestFallback:
    def test_a_refused_channel_tries_the_next_under_one_unit_and_one_decision(self) -> None:
        world = World()
        world.sms.fails = [REFUSED]
        assert world.send()["channel"] == "push"
        assert [(each["channel"], each["state"]) for each in world.units()] == [
            ("push", "confirmed")
        ]
        sends = [each for each in world.decisions()[0]["rules"] if each["rule"] == "send"]
        assert [(each["channel"], each["result"]) for each in sends] == [
            ("sms", "refused"),
            ("push", "accepted"),
        ]

    def test_a_push_tries_the_newest_token_first(self) -> None:
        world = World(program=message_program(channels=["push"]))
        world.push.fails = [REFUSED]
        world.send()
        assert [each.address for each in world.push.sent] == ["old-token"]

    def test_all_refused_fails_and_frees_the_unit(self) -> None:
        world = World()
        world.sms.fails, world.push.fails, world.email.fails = [REFUSED], [REFUSED] * 2, [REFUSED]
        answer = world.send()
        assert (answer["outcome"], answer["reason"]) == ("failed", "all_channels_refused")
        assert not world.units()
        assert len(world.decisions()) == 1

    def test_the_next_channels_own_cap_is_asked(self) -> None:
        world = World(program=message_program(channels=["email", "sms"]))
        world.put_units(("sms", timedelta(hours=1)))
        world.email.fails = [REFUSED]
        assert world.send()["reason"] == "capped"
        assert [each["message"] for each in world.units()] == ["other-0"]


class TestContent:
    def test_a_missing_variable_fails_with_its_name(self) -> None:
        world = World()
        world.put_profile(traits="{}")
        answer = world.send()
        assert (answer["outcome"], answer["reason"]) == ("failed", "missing_variable")
        assert world.decisions()[0]["detail"] == "body: customer.traits.first_name"
        assert not world.sent()
        assert not world.units()

    def test_a_null_is_missing_too(self) -> None:
        body = {"body": "{{ event.properties.note }}"}
        world = World(program=message_program(template=TEMPLATE | {"sms": body}))
        assert world.send()["reason"] == "missing_variable"


class TestUnknown:
    def test_a_lost_answer_is_not_sent_again_and_counts(self) -> None:
        world = World()
        world.sms.fails = [OutcomeUnknownError()]
        answer = world.send()
        assert (answer["outcome"], answer["reason"]) == ("unknown", "no_provider_answer")
        assert world.units()[0]["state"] == "confirmed"
        assert world.send(asked=0) == answer
        assert not world.sent()

    def test_a_transactional_message_is_sent_again_after_a_pause(self) -> None:
        world = World(program=message_program(purpose="transactional"))
        world.sms.fails = [OutcomeUnknownError()]
        assert (world.send()["outcome"], world.send()["asked"]) == ("deferred", 1)
        assert world.send(asked=1)["outcome"] == "sent"

    def test_what_may_have_been_sent_is_never_said_to_be_suppressed(self) -> None:
        world = World(program=message_program(purpose="transactional"))
        world.sms.fails = [OutcomeUnknownError()]
        world.send()
        end_enrollment(world)
        answer = world.send(asked=1)
        assert (answer["outcome"], answer["reason"]) == ("unknown", "interrupted")
        assert world.decisions()[-1]["detail"] == "exited"


def test_message_of_a_purpose_that_is_no_more_is_suppressed() -> None:
    """A journey goes on in the version it began with, the policies are those of now."""
    world = World(program=message_program(purpose="newsletter"))
    answer = world.send()
    assert (answer["outcome"], answer["reason"]) == ("suppressed", "unknown_purpose")
    (decision,) = world.decisions()
    assert decision["rules"] == [
        {"rule": "purpose", "result": "unknown_purpose", "purpose": "newsletter"}
    ]
    assert world.sent() == []
