"""What a stopped execution left without an answer gets the one that its next ask would have got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.customers.merging import merge
from stepwell.customers.snapshot import load_snapshot
from stepwell.messages.unanswered import (
    AT_WORK,
    LOOKED_AT_AFTER,
    NO_ANSWER,
    Looked,
    settle_unanswered,
)
from stepwell.ports import ErrorKind, OutcomeUnknownError, ProviderError
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Operation, Put, Store, Update
from stepwell.timestamps import to_text
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.messages import (
    CUSTOMER,
    EXECUTION,
    NOON,
    RUN,
    World,
    end_enrollment,
    message_program,
)

MESSAGE = f"{EXECUTION}.suggest"
SETTLED = Looked((MESSAGE,))
REFUSED = ProviderError("InvalidParameter", ErrorKind.CONFIGURATION)


def die() -> None:
    raise CrashError


def crashed(world: World | None = None) -> World:
    """The provider took it, and the function died before the record."""
    world = world or World()
    world.sms.after = die
    with pytest.raises(CrashError):
        world.send()
    return world


def left(world: World, after: timedelta = LOOKED_AT_AFTER) -> World:
    end_enrollment(world)
    world.now += after
    return world


def look(world: World, store: Store | None = None) -> Looked:
    store = store or world.store
    return settle_unanswered(store, world.policies, CUSTOMER, EXECUTION, world.now)


def facts(world: World) -> tuple[Any, ...]:
    """The message's status, its decisions and the states of its cap units."""
    decided = [(each["outcome"], each["reason"]) for each in world.decisions()]
    status = (world.message() or {}).get("status")
    return status, decided, [each["state"] for each in world.units()]


UNKNOWN = "unknown", [("unknown", "interrupted")], ["confirmed"]
CLAIMED: tuple[Any, ...] = "claimed", [], ["reserved"]


def test_a_claim_that_was_left_is_unknown_and_keeps_its_unit() -> None:
    world = left(crashed())
    assert facts(world) == CLAIMED
    assert look(world) == SETTLED
    assert facts(world) == UNKNOWN
    (decision,) = world.decisions()
    assert (decision["at"], decision["detail"]) == (to_text(world.now), "exited")
    claim, active = decision["rules"]
    assert (claim["rule"], claim["claimed_at"]) == ("claim", to_text(NOON))
    assert (active["rule"], active["result"], active["ended_as"]) == ("active", "exited", "exited")
    assert len(world.sent()) == 1


def test_it_is_settled_once() -> None:
    world = left(crashed())
    look(world)
    world.now += timedelta(hours=1)
    assert look(world) == Looked()
    assert facts(world) == UNKNOWN


def test_an_ask_that_comes_after_all_gets_the_same_answer() -> None:
    world = left(crashed())
    look(world)
    (decision,) = world.decisions()
    answer = world.send()
    assert (answer["outcome"], answer["decision"]) == ("unknown", decision["decision"])
    assert facts(world) == UNKNOWN


def test_what_somebody_may_be_at_work_on_is_looked_at_again() -> None:
    world = left(crashed(), AT_WORK - timedelta(seconds=1))
    assert look(world) == Looked(again=True)
    assert facts(world) == CLAIMED
    world.now += timedelta(seconds=1)
    assert look(world) == SETTLED


def test_who_may_still_ask_is_left_to_ask() -> None:
    world = crashed()
    world.now += timedelta(hours=1)
    assert look(world) == Looked()
    assert facts(world) == CLAIMED


@pytest.mark.parametrize("changes", [{"run": RUN + 1}, None], ids=["replaced", "forgotten"])
def test_a_run_that_is_no_more_asks_no_more(changes: dict[str, Any] | None) -> None:
    world = crashed()
    world.put_enrollment(**changes or {"status": "ended"})
    world.now += LOOKED_AT_AFTER
    assert look(world) == SETTLED
    assert facts(world) == UNKNOWN


def test_a_transactional_message_is_not_sent_again_by_nobody() -> None:
    world = left(crashed(World(program=message_program(purpose="transactional"))))
    assert look(world) == SETTLED
    assert facts(world) == ("unknown", [("unknown", "interrupted")], [])
    (decision,) = world.decisions()
    assert decision["rules"][0]["after_unknown_outcome"] == "resend"
    assert len(world.sent()) == 1


def test_a_purpose_that_the_policies_have_no_more_is_settled_all_the_same() -> None:
    world = left(crashed())
    others = {name: each for name, each in world.policies.purposes.items() if name != "marketing"}
    world.policies = replace(world.policies, purposes=others)
    assert look(world) == SETTLED
    assert facts(world) == UNKNOWN


def test_a_message_that_one_channel_refused_was_not_sent() -> None:
    world = World()
    world.sms.fails = [REFUSED]
    state = world.state()
    world.consent(state)
    world.cap(state)
    assert world.deliver(state)["outcome"] == "next_channel"
    assert facts(world) == ("released", [], ["reserved"])
    left(world)
    assert look(world) == SETTLED
    assert facts(world) == ("suppressed", [("suppressed", "exited")], [])


def test_a_lost_answer_that_was_to_be_asked_about_later_is_unknown() -> None:
    world = World(program=message_program(purpose="transactional"))
    world.sms.fails = [OutcomeUnknownError()]
    assert world.send()["outcome"] == "deferred"
    left(world)
    assert look(world) == SETTLED
    status, decided, _ = facts(world)
    assert status == "unknown"
    assert decided == [("deferred", "no_provider_answer"), ("unknown", "interrupted")]
    assert world.decisions()[-1]["detail"] == "exited"


def test_a_deferred_message_was_not_sent_and_says_so() -> None:
    world = World(now=NOON + timedelta(hours=9))
    assert world.send()["outcome"] == "deferred"
    before = facts(left(world))
    assert look(world) == Looked()
    assert facts(world) == before


def test_a_message_on_its_way_by_the_next_channel_has_somebody_who_asks() -> None:
    world = World()
    world.send()
    key = keys.message(CUSTOMER, MESSAGE)
    world.store.write(Update(key, {"status": "claimed", "failed_channels": ["sms"]}))
    left(world)
    assert look(world) == Looked()


def test_a_journey_that_gave_up_asking_has_decided_already() -> None:
    world = left(crashed())
    given_up = NOON + timedelta(hours=1)
    name = f"{to_text(given_up)}#{MESSAGE}#0"
    written = {"decision": name, "message": MESSAGE, "at": to_text(given_up), "reason": NO_ANSWER}
    item = {**written, "outcome": "unknown", "rules": []}
    world.store.write(Put(keys.decision(CUSTOMER, name), item))
    world.now += timedelta(hours=2)
    assert look(world) == SETTLED
    assert facts(world) == ("unknown", [("unknown", NO_ANSWER)], ["confirmed"])
    assert (world.message() or {})["answer"]["decision"] == name


def test_a_customer_who_became_part_of_another_one_keeps_the_unit_there() -> None:
    world = left(crashed())
    begun = {"created_at": to_text(NOON), "updated_at": to_text(NOON)}
    world.put_profile(**begun)
    world.store.write(Put(keys.profile("c0"), {"seq": 3, "traits": "{}", **begun}))
    winner, loser = (load_snapshot(world.store, each) for each in ("c0", CUSTOMER))
    rules = ProfileRules()
    world.store.transact(merge(winner, loser, by="user_id", event="e", now=world.now, rules=rules))
    assert look(world) == SETTLED
    caps = world.store.get(keys.caps("c0")) or {}
    assert [(each["message"], each["state"]) for each in caps["units"]] == [(MESSAGE, "confirmed")]
    assert (world.message() or {})["status"] == "unknown"


class Overtaken(MemoryStore):
    """Something happens before the next transaction, once."""

    def __init__(self) -> None:
        super().__init__()
        self.happens: Any = None

    def transact(self, operations: Sequence[Operation]) -> None:
        happens, self.happens = self.happens, None
        if happens:
            happens()
        super().transact(operations)


def test_an_answer_that_is_faster_stands() -> None:
    store = Overtaken()
    world = left(crashed(World(store=store)))
    store.happens = world.send
    assert look(world) == SETTLED
    assert facts(world) == UNKNOWN
    assert len(world.decisions()) == 1


def test_who_is_at_work_after_all_is_not_answered_for() -> None:
    store = Overtaken()
    world = left(crashed(World(store=store)))
    changed = {"revision": 5, "updated_at": to_text(world.now)}
    key = keys.message(CUSTOMER, MESSAGE)
    store.happens = lambda: store.write(Update(key, changed))
    assert look(world) == Looked(again=True)
    assert facts(world) == CLAIMED


CALLS = 5
"""The messages, the enrollment, the caps, the decisions; and the record."""


def test_the_crashes_cover_every_call() -> None:
    world, crash = left(crashed()), Crash(at=0)
    look(world, CrashingStore(world.store, crash))
    assert crash.calls == CALLS


@pytest.mark.parametrize("number", range(1, CALLS + 1))
@pytest.mark.parametrize("after", [False, True])
def test_wherever_it_dies_one_answer_comes_of_it(number: int, after: bool) -> None:
    world = left(crashed())
    with pytest.raises(CrashError):
        look(world, CrashingStore(world.store, Crash(number, after)))
    look(world)
    assert facts(world) == UNKNOWN


@pytest.mark.parametrize("opens", ["wait", None])
def test_a_claim_marks_its_enrollment(opens: str | None) -> None:
    world = World(program=message_program(opens=opens))
    world.send()
    assert world.enrollment()["claimed"] is True
