"""A process may die before or after each call; asked again, at most one message goes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.messages.records import MessageChangedError
from stepwell.ports import ErrorKind, OutcomeUnknownError, ProviderError
from stepwell.storage.operations import ConditionFailedError, Operation, Update
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.messages import CUSTOMER, ENROLLMENT, World, message_program

MOST_CALLS = 17
REFUSED = ProviderError("InvalidParameter", ErrorKind.CONFIGURATION)
PUSHED_BACK = ProviderError("Throttling", ErrorKind.THROTTLED)


def ask_until_answered(world: World, crash: Crash) -> tuple[Mapping[str, Any], bool]:
    """The answer after the one crash, and whether there was one."""
    store = CrashingStore(world.store, crash)
    try:
        return world.send(store=store), False
    except CrashError:
        world.now += timedelta(minutes=1)
        return world.send(store=store), True


def crashes() -> list[Any]:
    return [
        pytest.param(number, after, id=f"{'after' if after else 'before'}-call-{number}")
        for number in range(1, MOST_CALLS + 1)
        for after in (False, True)
    ]


def check_one_answer(world: World, answer: Mapping[str, Any]) -> None:
    assert [each["decision"] for each in world.decisions()] == [answer["decision"]]
    assert world.send() == answer
    counted = 1 if answer["outcome"] in {"sent", "unknown"} else 0
    assert [each["state"] for each in world.units()] == ["confirmed"] * counted


def test_the_crashes_cover_every_call() -> None:
    crash = Crash(at=0)
    world = World()
    world.sms.fails, world.push.fails = [REFUSED], [REFUSED, REFUSED]
    world.send(store=CrashingStore(world.store, crash))
    assert crash.calls == MOST_CALLS


@pytest.mark.parametrize(("number", "after"), crashes())
def test_marketing_goes_out_once_at_most(number: int, after: bool) -> None:
    world = World()
    answer, crashed = ask_until_answered(world, Crash(number, after))
    assert len(world.sent()) <= 1
    assert crashed or answer["outcome"] == "sent"
    assert (answer["outcome"] == "sent") <= (len(world.sent()) == 1)
    check_one_answer(world, answer)


@pytest.mark.parametrize(("number", "after"), crashes())
def test_marketing_with_fallback_goes_out_once_at_most(number: int, after: bool) -> None:
    world = World()
    world.sms.fails, world.push.fails = [REFUSED], [REFUSED, REFUSED]
    answer, _ = ask_until_answered(world, Crash(number, after))
    assert len(world.sent()) <= 1
    assert answer["outcome"] in {"sent", "unknown"}
    check_one_answer(world, answer)


@pytest.mark.parametrize(("number", "after"), crashes())
def test_transactional_goes_out_at_least_once(number: int, after: bool) -> None:
    world = World(program=message_program(purpose="transactional"))
    answer, crashed = ask_until_answered(world, Crash(number, after))
    assert answer["outcome"] == "sent"
    assert 1 <= len(world.sent()) <= 1 + crashed
    assert [each["decision"] for each in world.decisions()] == [answer["decision"]]


@pytest.mark.parametrize(("number", "after"), crashes())
def test_a_deferral_is_recorded_once_and_leaves_no_unit(number: int, after: bool) -> None:
    world = World(now=datetime(2026, 11, 24, 21, 0, tzinfo=UTC))
    answer, _ = ask_until_answered(world, Crash(number, after))
    assert answer["outcome"] == "deferred"
    check_one_answer(world, answer)


@pytest.mark.parametrize(("number", "after"), crashes())
def test_a_push_back_is_deferred_or_after_a_crash_unknown(number: int, after: bool) -> None:
    world = World()
    world.sms.fails = [PUSHED_BACK, PUSHED_BACK]
    answer, crashed = ask_until_answered(world, Crash(number, after))
    assert answer["outcome"] == "deferred" or (crashed and answer["outcome"] == "unknown")
    assert not world.sent()
    check_one_answer(world, answer)


def test_a_process_that_dies_after_the_provider_took_it_is_unknown() -> None:
    world = World()

    def die() -> None:
        raise CrashError

    world.sms.after = die
    with pytest.raises(CrashError):
        world.send()
    answer = world.send()
    assert (answer["outcome"], answer["reason"]) == ("unknown", "interrupted")
    assert len(world.sent()) == 1
    check_one_answer(world, answer)


def test_an_unexpected_error_of_a_provider_is_not_answered() -> None:
    world = World()
    world.sms.fails = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        world.send()
    assert not world.decisions()


def test_a_delivery_repeated_alone_finds_the_first_ones_claim() -> None:
    world = World()
    world.sms.fails = [CrashError()]
    state = world.state()
    world.consent(state)
    world.cap(state)
    with pytest.raises(CrashError):
        world.deliver(state)
    assert world.deliver(state)["answer"]["outcome"] == "unknown"
    assert not world.sent()


class LostAnswers:
    """A store whose transactions are written, their answer lost, and repeated, as botocore does."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.store, name)

    def transact(self, operations: list[Operation]) -> None:
        self.world.store.transact(operations)
        self.world.store.transact(operations)

    def write(self, operation: Any) -> Any:
        self.world.store.write(operation)
        return self.world.store.write(operation)


@pytest.mark.parametrize("fails", [[], [REFUSED], [PUSHED_BACK], [OutcomeUnknownError()]])
def test_writes_that_were_repeated_after_a_lost_answer_change_nothing(
    fails: list[Exception],
) -> None:
    plain, repeated = World(), World()
    plain.sms.fails, repeated.sms.fails = [*fails], [*fails]
    store: Any = LostAnswers(repeated)
    answer = repeated.send(store=store)
    assert answer == plain.send()
    assert repeated.sent() == plain.sent()
    assert repeated.units() == plain.units()
    assert len(repeated.decisions()) == 1


def test_a_claim_of_another_living_attempt_is_left_alone() -> None:
    world = World()
    state = world.state()
    world.consent(state)
    world.cap(state)
    other = dict(state)

    def overtake() -> None:
        world.sms.before = lambda: None
        assert world.deliver(other)["answer"]["outcome"] == "unknown"

    world.sms.before = overtake
    # The slow attempt finds what the other one has recorded and answers the same.
    assert world.deliver(state)["answer"]["outcome"] == "unknown"
    assert len(world.decisions()) == 1


def test_two_claims_at_once_one_wins() -> None:
    world = World()
    state = world.state()
    world.consent(state)
    world.cap(state)
    store = world.store

    class Overtaking:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def transact(self, operations: list[Operation]) -> None:
            claim = operations[0]
            assert isinstance(claim, Update)
            if claim.set["status"] == "claimed":
                store.write(Update(claim.key, {**claim.set, "claimed_by": "the other"}))
            store.transact(operations)

    overtaking: Any = Overtaking()
    with pytest.raises(MessageChangedError):
        world.deliver(state, overtaking)
    assert not world.sent()


def test_the_slot_opened_by_a_crashed_attempt_is_not_opened_anew() -> None:
    world = World(program=message_program(purpose="transactional"))
    world.sms.fails = [CrashError()]
    with pytest.raises(CrashError):
        world.send()
    key = keys.enrollment(CUSTOMER, ENROLLMENT)
    world.store.write(Update(key, {"wait_event": "e9", "wait_visit": 2}))
    world.put_profile(seq=12)
    assert world.send()["outcome"] == "sent"
    kept = world.enrollment()
    assert (kept["wait_visit"], kept["wait_seq"], kept["wait_event"]) == (2, 9, "e9")


def test_a_slot_opened_by_another_write_meanwhile_does_not_stop_the_send() -> None:
    world = World()
    store = world.store
    key = keys.enrollment(CUSTOMER, ENROLLMENT)

    class Opening:
        done = False

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def transact(self, operations: list[Operation]) -> None:
            if not self.done:
                self.done = True
                store.write(Update(key, {"wait_visit": 1}))
            store.transact(operations)

    opening: Any = Opening()
    assert world.send(store=opening)["outcome"] == "sent"


def test_caps_that_change_under_the_record_are_computed_anew() -> None:
    world = World()
    store = world.store

    class Busy:
        times = 3

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def transact(self, operations: list[Operation]) -> None:
            if len(operations) == 3 and self.times:
                self.times -= 1
                caps = store.get(keys.caps(CUSTOMER)) or {}
                store.write(Update(keys.caps(CUSTOMER), {"version": caps["version"] + 1}))
                with pytest.raises(ConditionFailedError):
                    store.transact(operations)
            store.transact(operations)

    busy: Any = Busy()
    assert world.send(store=busy)["outcome"] == "sent"
    assert [each["state"] for each in world.units()] == ["confirmed"]
