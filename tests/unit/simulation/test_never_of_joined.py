"""What must never happen to customers who became one: counted apart before, together after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.messages.policies import Cap
from stepwell.simulation.never import Rule, find_broken
from stepwell.simulation.never.enrollments import check_replaced
from stepwell.simulation.never.knowledge import Known
from stepwell.simulation.never.people import People
from stepwell.simulation.never.sends import Send, check_caps
from stepwell.simulation.trace import Joined, Run, Status
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Put
from tests.agreement.cases import read_case
from tests.agreement.on_simulation import _simulation
from tests.agreement.test_kept_cases import KEPT
from tests.support.messages import shipped_policies
from tests.support.world import START, event, identify

POLICIES = shipped_policies(caps=(Cap("one", ("marketing",), (), 1, 86_400),))


def send(number: int, customer: str) -> Send:
    run = f"{customer}-{number}"
    moment = START + timedelta(minutes=number)
    return Send(number, moment, customer, run, f"{run}.m", "j", "m", "marketing", "sms", True)


def caps_broken(sends: Sequence[Send], *joined: Joined) -> list[int]:
    """The numbers of the sends that broke the cap."""
    found = check_caps(sends, POLICIES, People(joined))
    return [int((each.when - START).total_seconds() // 60) for each in found if each.when]


def test_a_cap_counts_together_from_the_join_on() -> None:
    sends = [send(0, "a"), send(1, "b"), send(2, "b")]
    assert caps_broken(sends[:2], Joined("a", "b", 9, 2)) == []
    assert caps_broken(sends[:2], Joined("a", "b", 9, 1)) == [1]
    assert caps_broken(sends, Joined("a", "b", 9, 2)) == [2]
    chain = (Joined("b", "c", 0, 1), Joined("a", "b", 1, 1))
    assert caps_broken([send(0, "a"), send(1, "c")], *chain) == [1]


def told(*events: Event) -> Known:
    known = Known()
    for each in events:
        known.learn(each)
    return known


def answer(status: str, at: datetime) -> Event:
    properties = {"purpose": "marketing", "channel": "sms", "status": status}
    return event(CONSENT_EVENT, properties=properties, at=at)


def test_a_no_of_either_counts_and_the_last_word_on_traits() -> None:
    early, late = START, START + timedelta(hours=1)
    ours = told(answer("granted", late), identify(timezone="Europe/London", at=early))
    theirs = told(answer("revoked", early), identify(timezone="Asia/Tokyo", plan="x", at=late))
    assert ours.allows(POLICIES, "marketing", "sms")
    ours.unite(theirs)
    assert not ours.allows(POLICIES, "marketing", "sms")
    assert [zone.key for zone in ours.zones()] == ["Asia/Tokyo"]
    ours.learn(identify(timezone="Europe/Paris", at=early))  # an old word that comes late
    assert [zone.key for zone in ours.zones()] == ["Asia/Tokyo"]


def test_a_join_that_was_played_is_held_to_the_rules() -> None:
    path = next(each for each in KEPT if each.stem.startswith("a_visitor_whose"))
    case = read_case(path.read_text(encoding="utf-8"))
    simulation = _simulation(case, MemoryStore())
    for call in case.in_order():
        simulation.schedule(call.at, call.event(call.at))
    simulation.run()
    assert len(simulation.trace.joined) == 1
    assert len(simulation.trace.people()) == 1
    assert find_broken(simulation) == []
    caps = (Cap("longer", ("marketing",), (), 1, 864_000),)
    longer = replace(simulation.definitions.loaded_policies, caps=caps)
    assert [each.rule for each in find_broken(simulation, longer)] == [Rule.CAP_EXCEEDED]


def test_an_execution_that_nobody_stopped_is_found() -> None:
    store = MemoryStore()
    run = Run("old", "cart", "a", "cart#one", 1, START)
    ended = Run("ended", "cart", "a", "cart#one", 2, START, status=Status.ABORTED)
    store.write(Put(keys.enrollment("a", "cart#one"), {"execution": "new", "status": "active"}))
    (broken,) = check_replaced(store, "a", [run, ended])
    assert broken.rule is Rule.STUCK
    store.write(Put(keys.enrollment("a", "cart#one"), {"execution": "old", "status": "active"}))
    assert list(check_replaced(store, "a", [run, ended])) == []


def test_an_alias_tells_nothing_of_somebody() -> None:
    assert told(event("", type=EventType.ALIAS, previous_id="x")).traits == {}
