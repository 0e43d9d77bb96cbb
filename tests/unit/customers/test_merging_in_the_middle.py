"""Joining two customers: anything in the middle of it, and events in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers import slots
from stepwell.customers.routing import Routed
from stepwell.events.model import Event, EventType
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Key, Operation, TableName
from tests.support.joins import DEVICE, PROGRAMS, arm_all, at_moment, check, consent, items
from tests.support.world import START, World, alias, event, identify, visit

# ------------------------------------------------------------------------- interleavings


class Interrupted(MemoryStore):
    """Before its n-th call something else happens, whole."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.at = 0
        self.meanwhile: Callable[[], object] | None = None

    def _called(self) -> None:
        self.calls += 1
        if self.calls == self.at and self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        self._called()
        return super().get_many(keys)

    def query(self, table: TableName, pk: str, **options: Any) -> list[Item]:
        self._called()
        return super().query(table, pk, **options)

    def transact(self, operations: Sequence[Operation]) -> None:
        assert len({each.key for each in operations}) == len(operations) <= 100
        self._called()
        super().transact(operations)


TOKEN = {"device": {"token": "t1"}}
MEANWHILE: dict[str, list[Event]] = {
    "the visitor acts": [visit("a", "Acted", number="m", at=START + timedelta(minutes=5))],
    "the user leaves": [event("Ordered", number="m", at=START + timedelta(minutes=5))],
    "the visitor begins": [visit("a", "Began", number="m", at=START + timedelta(minutes=5))],
    "the visitor says no": [consent("revoked", **DEVICE)],
    "the visitor is described": [identify(None, "a", number="m", city="Rome")],
    "the user is described": [identify("ada", None, number="m", city="Oslo")],
    "another call joins them": [identify("ada", "a", number="m", email="ada@example.com")],
    "an alias joins them": [alias("ada", "a")],
    "a third one joins": [
        identify(None, "b", number="m1", email="ada@example.com"),
        identify("ada", None, number="m2", email="ada@example.com"),
    ],
    "the device is bob's": [event("Seen", number="m", user_id="bob", context=TOKEN)],
    "bob signs in there": [event("Seen", number="m", user_id="bob", anonymous_id="a")],
}


JOINS = [event("Signed In", anonymous_id="a", context=TOKEN, at=START + timedelta(minutes=5))]


@pytest.mark.parametrize("join_first", [True, False])
@pytest.mark.parametrize("name", MEANWHILE)
def test_whatever_happens_in_the_middle_is_applied_once(name: str, join_first: bool) -> None:
    """Something in the middle of a join, and a join in the middle of something."""
    begun, meanwhile = (JOINS, MEANWHILE[name]) if join_first else (MEANWHILE[name], JOINS)
    for number in range(1, 30):
        store = Interrupted()
        world = World(*PROGRAMS, store=store)
        world.send(
            *(visit("a", number=str(n)) for n in range(5)),
            visit("a", "Started", number="1", context=TOKEN),
            event("Started", number="2", at=START + timedelta(minutes=1)),
        )
        arm_all(world)
        routed: list[Routed] = []
        store.at, store.calls = number, 0
        store.meanwhile = lambda w=world, r=routed: r.extend(w.send(*meanwhile))
        routed += world.send(*begun)
        reached, store.meanwhile = store.meanwhile is None, None
        if not reached:
            return
        routed += world.send(event("Seen", number="last", at=START + timedelta(minutes=6)))
        check(world)
        markers = [item for _, pk, _, item in items(world) if pk.startswith("EVENT#")]
        assert len(markers) == 8 + len(begun) + len(meanwhile)
        places = [(item["customer"], item["seq"]) for item in markers]
        assert len(set(places)) == len(places)
        assert not any(each.repeated for each in routed)
        if name != "bob signs in there":
            _is_one_person(world, name)
    raise AssertionError("more calls are made than were tried")


def _is_one_person(world: World, name: str) -> None:
    person = world.ada()
    assert world.person("a", "anonymous_id").customer == person.customer
    runs = [item for _, each, item in person.all_enrollments() if each == "cart#one"]
    active = [item for item in runs if item["status"] == slots.ACTIVE]
    told_ = {each["run"]: each.get("wait_outcome") for each in runs}
    if name == "the user leaves":
        # Before they were one it was no event of the visitor's.
        assert person.enrollments["cart#one"]["status"] == slots.ENDED
    elif name == "the visitor acts":
        assert [item["wait_outcome"] for item in active] == ["acted"], told_
    else:
        assert len(active) == 1
    if name == "the visitor says no":
        assert person.consent_view() == {"marketing": {"sms": False}}
    if name in ("the visitor is described", "the user is described"):
        assert person.traits == {"city": "Rome" if "visitor" in name else "Oslo"}
    if name == "the visitor begins":
        assert "other#one" in {each for _, each, _ in person.all_enrollments()}
    if name != "the device is bob's":
        assert (person.profile or {})["addresses"]["push"] == ["t1"]


def test_a_device_that_moves_while_its_owner_is_described_undoes_nothing() -> None:
    for number in range(1, 10):
        store = Interrupted()
        world = World(*PROGRAMS, store=store)
        world.send(event("Seen", context=TOKEN))
        store.at, store.calls = number, 0
        store.meanwhile = lambda w=world: w.send(identify("ada", email="ada@example.com"))
        world.send(event("Seen", user_id="bob", context=TOKEN))
        if store.meanwhile is None:
            addresses = (world.ada().profile or {})["addresses"]
            assert addresses == {"email": "ada@example.com"}


def test_first_events_of_one_identity_never_make_two_customers() -> None:
    for number in range(1, 8):
        store = Interrupted()
        world = World(*PROGRAMS, store=store)
        store.at = number
        store.meanwhile = lambda w=world: w.send(identify(None, "b", email="x@example.com"))
        (first,) = world.send(identify(None, "a", email="x@example.com"))
        if store.meanwhile is None:
            assert world.person("a", "anonymous_id").customer == first.customer
            assert world.person("b", "anonymous_id").customer == first.customer
        check(world)


# ------------------------------------------------------------------------- any order

_who = st.sampled_from(
    [
        {"user_id": "ada"},
        {"user_id": "bob"},
        {"user_id": None, "anonymous_id": "a"},
        {"user_id": None, "anonymous_id": "b"},
        {"user_id": "ada", "anonymous_id": "a"},
        {"user_id": "bob", "anonymous_id": "a"},
        {"user_id": "ada", "anonymous_id": "b"},
    ]
)
_tracked = st.builds(
    lambda name, who: ("track", name, who),
    st.sampled_from(["Started", "Began", "Acted", "Ordered", "Seen", "Touched"]),
    _who,
)
_identified = st.builds(
    lambda email, who: ("identify", email, who),
    st.sampled_from(["x@example.com", "y@example.com", "null"]),
    _who,
)
_aliased = st.builds(
    lambda user, previous: ("alias", user, previous),
    st.sampled_from(["ada", "bob"]),
    st.sampled_from(["a", "b", "ada", "bob", "null"]),
)
_tokens = st.sampled_from([{}, {"device": {"token": "t1"}}, {"device": {"token": "t2"}}])
_steps = st.lists(
    st.tuples(st.one_of(_tracked, _identified, _aliased), _tokens, st.booleans()), max_size=14
)


def made(number: int, what: Any, context: dict[str, Any]) -> Event:
    moment = START + timedelta(minutes=number)
    kind, first, second = what
    if kind == "track":
        made_ = event(first, number=str(number), context=context, **second)
    elif kind == "identify":
        made_ = event(
            "",
            number=str(number),
            type=EventType.IDENTIFY,
            traits={"email": first},
            context=context,
            **second,
        )
    else:
        made_ = alias(first, second)
    return at_moment(made_, moment)


@given(_steps)
def test_whatever_comes_every_identity_leads_to_one_person(steps: Any) -> None:
    world = World(*PROGRAMS)
    for number, (what, context, again) in enumerate(steps):
        each = made(number, what, context)
        (routed,) = world.send(each)
        arm_all(world)
        if again:
            (repeated,) = world.send(each)
            assert repeated.repeated or not routed.customer
        check(world)
