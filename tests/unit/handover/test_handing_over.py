"""Handing over on the store in memory: once, only while it is wanted, whatever breaks off."""

from __future__ import annotations

import json
from collections import UserDict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.handover.destinations import Destination, EventBus
from stepwell.handover.errors import (
    AlreadyHandedOverError,
    DestinationAwayError,
    DestinationRefusedError,
    EnrollmentEndedError,
)
from stepwell.handover.handing_over import (
    Ask,
    Failure,
    give_up,
    hand_over,
    read_failure,
)
from stepwell.handover.telling import HandOver, Reference
from stepwell.journeys.program import Entry, Program, Reentry
from stepwell.journeys.program import HandOver as Step
from stepwell.messages.policies import load_policies
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Put, Update

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
STEP = Step("ask", "Ask", "helpdesk", "Stuck", opens="wait", otherwise_opens=None)
REFERENCE = Reference(
    customer="c1", enrollment="care#one", run=3, execution="x1", version="v1", step="ask"
)
RECORD = keys.hand_over("c1", "x1-ask")
ENROLLMENT = keys.enrollment("c1", "care#one")
POLICIES = load_policies(
    json.dumps(
        {
            "purposes": {},
            "caps": [],
            "quiet_hours": [],
            "spread_seconds": 0,
            "max_asks": 5,
            "default_zone": None,
            "keep_seconds": 86_400,
        }
    )
)
FAILED = Failure("DestinationAwayError", "HTTP 503")


def ask(step: Step = STEP, now: datetime = NOW) -> Ask:
    entry = Entry("Began", None, None, Reentry.NEVER, 0)
    program = Program("care", "v1", False, entry, (), None, None, {step.id: step})
    return Ask(REFERENCE, program, POLICIES, asked_at=NOW, now=now)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.write(Put(keys.profile("c1"), {"seq": 7, "user_id": "ada"}))
    store.write(Put(ENROLLMENT, {"status": slots.ACTIVE, "run": 3}))
    return store


def destinations(*answers: str, include: tuple[str, ...] = ()) -> SimulatedDestinations:
    declared = Destination("helpdesk", EventBus("default", "stepwell", "Hand-over"), include)
    return SimulatedDestinations({"helpdesk": declared}, {"helpdesk": answers})


def record(store: MemoryStore) -> Item:
    found = store.get(RECORD)
    assert found is not None
    return {name: value for name, value in found.items() if name not in {"pk", "sk"}}


def test_somebody_is_told_and_it_is_recorded_without_values(store: MemoryStore) -> None:
    desk = destinations(include=("user_id",))
    answer = hand_over(ask(now=LATER), store=store, destinations=desk)
    assert answer == {"outcome": "handed_over", "reference": "helpdesk-1"}
    assert [each.document["customer"] for each in desk.told] == [{"id": "c1", "user_id": "ada"}]
    assert record(store) == {
        "hand_over": "x1-ask",
        "at": "2026-11-24T21:14:00.000Z",
        "ended_at": "2026-11-24T21:15:00.000Z",
        "outcome": "handed_over",
        "destination": "helpdesk",
        "reason": "Stuck",
        "enrollment": "care#one",
        "run": 3,
        "execution": "x1",
        "journey": "care",
        "version": "v1",
        "step": "ask",
        "included": ["user_id"],
        "reference": "helpdesk-1",
        "expires": int(LATER.timestamp()) + 86_400,
    }


def test_a_repeated_task_finds_the_record_and_tells_nobody(store: MemoryStore) -> None:
    desk = destinations()
    answers = [hand_over(ask(), store=store, destinations=desk) for _ in range(3)]
    assert len(desk.told) == 1
    assert answers[0] == answers[1] == answers[2]


def test_the_hold_that_follows_is_open_before_anybody_is_told(store: MemoryStore) -> None:
    desk = destinations("away", "accepted")
    with pytest.raises(DestinationAwayError):
        hand_over(ask(), store=store, destinations=desk)
    enrollment = store.get(ENROLLMENT) or {}
    assert (enrollment["wait_visit"], enrollment["wait_seq"]) == (1, 7)
    store.write(Update(ENROLLMENT, {"wait_outcome": "acted"}))  # answered before the answer came
    hand_over(ask(now=LATER), store=store, destinations=desk)
    assert (store.get(ENROLLMENT) or {})["wait_outcome"] == "acted"
    assert desk.told[0].text == desk.told[1].text


@pytest.mark.parametrize(
    "left", [{"status": slots.ENDED, "run": 3}, {"status": slots.ACTIVE, "run": 4}]
)
def test_who_was_exited_meanwhile_is_not_handed_over(
    store: MemoryStore, left: dict[str, Any]
) -> None:
    store.write(Put(ENROLLMENT, left))
    desk = destinations()
    with pytest.raises(EnrollmentEndedError):
        hand_over(ask(), store=store, destinations=desk)
    assert (desk.told, store.get(RECORD)) == ([], None)


def test_an_exit_after_the_read_is_seen_when_the_hold_is_opened(store: MemoryStore) -> None:
    class LeftMeanwhile(UserDict[str, Destination]):
        def __getitem__(self, name: str) -> Destination:
            store.write(Update(ENROLLMENT, {"status": slots.ENDED}))
            return super().__getitem__(name)

    desk = SimulatedDestinations(LeftMeanwhile(destinations().declared))
    with pytest.raises(EnrollmentEndedError):
        hand_over(ask(), store=store, destinations=desk)
    assert desk.told == []


def test_a_destination_that_this_deployment_has_not_refuses(store: MemoryStore) -> None:
    with pytest.raises(DestinationRefusedError, match="no destination 'elsewhere'"):
        hand_over(ask(replace(STEP, to="elsewhere")), store=store, destinations=destinations())


def test_whoever_was_faster_is_believed(store: MemoryStore) -> None:
    class Slow(SimulatedDestinations):
        def tell(self, wanted: HandOver) -> str:
            hand_over(ask(), store=store, destinations=destinations())
            return super().tell(wanted) + " of the slow one"

    answer = hand_over(ask(), store=store, destinations=Slow(destinations().declared))
    assert answer["reference"] == record(store)["reference"] == "helpdesk-1"


def test_giving_up_records_why_and_closes_the_hold_that_nobody_waits_in(store: MemoryStore) -> None:
    with pytest.raises(DestinationRefusedError):
        hand_over(ask(), store=store, destinations=destinations("refused"))
    answers = [give_up(ask(now=LATER), FAILED, store=store) for _ in range(2)]
    assert answers == [{"outcome": "failed", "reference": ""}] * 2
    found = record(store)
    assert (found["failure"], found["detail"]) == ("DestinationAwayError", "HTTP 503")
    left = store.get(ENROLLMENT) or {}
    assert {name for name in left if name.startswith("wait")} == set()


def test_giving_up_opens_the_hold_that_the_fallback_begins_with(store: MemoryStore) -> None:
    step = replace(STEP, otherwise_opens="other")
    give_up(ask(step), FAILED, store=store)
    assert (store.get(ENROLLMENT) or {})["other_seq"] == 7


def test_giving_up_leaves_a_hold_open_that_both_ways_lead_to(store: MemoryStore) -> None:
    with pytest.raises(DestinationAwayError):
        hand_over(ask(), store=store, destinations=destinations("away"))
    give_up(ask(replace(STEP, otherwise_opens="wait")), FAILED, store=store)
    assert (store.get(ENROLLMENT) or {})["wait_visit"] == 1


def test_what_was_taken_is_not_given_up(store: MemoryStore) -> None:
    """The last try's answer was lost: the function died after it had recorded."""
    hand_over(ask(), store=store, destinations=destinations())
    with pytest.raises(AlreadyHandedOverError):
        give_up(ask(), FAILED, store=store)
    assert record(store)["outcome"] == "handed_over"
    assert (store.get(ENROLLMENT) or {})["wait_visit"] == 1


def test_what_was_given_up_is_not_told_by_a_late_try(store: MemoryStore) -> None:
    give_up(ask(), FAILED, store=store)
    desk = destinations()
    assert hand_over(ask(), store=store, destinations=desk)["outcome"] == "failed"
    assert desk.told == []


def test_an_exit_before_giving_up_leaves(store: MemoryStore) -> None:
    store.write(Update(ENROLLMENT, {"status": slots.ENDED}))
    with pytest.raises(EnrollmentEndedError):
        give_up(ask(), FAILED, store=store)
    assert store.get(RECORD) is None


@pytest.mark.parametrize(
    ("error", "cause", "detail"),
    [
        ("DestinationAwayError", '{"errorMessage": "HTTP 503", "errorType": "…"}', "HTTP 503"),
        ("DestinationRefusedError", "refused", "refused"),
        ("DestinationRefusedError", "[1]", "[1]"),
        ("DestinationAwayError", '{"errorMessage": "' + "x" * 900 + '"}', "x" * 200),
        ("KeyError", '{"errorMessage": "ada@example.com"}', ""),
        ("States.Timeout", "", ""),
    ],
)
def test_only_our_own_words_are_taken_from_a_failure(error: str, cause: str, detail: str) -> None:
    assert read_failure({"Error": error, "Cause": cause}) == Failure(error, detail)
