"""Joining two customers: crashes at every call, redeliveries, races, and any order of events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers import keys, slots
from stepwell.customers.routing import Routed
from stepwell.events.model import Event, EventType
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Key, Operation, TableName, Update
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.programs import entry, program
from tests.support.races import together
from tests.support.world import START, World, alias, event, identify, visit

PROGRAMS = (
    program(),
    program("again", entry=entry("Started", reentry="always"), exits=[]),
    program("other", entry=entry("Began")),
)


def consent(status: str, **who: Any) -> Event:
    properties = {"purpose": "marketing", "channel": "sms", "status": status}
    return event("Consent Updated", number=f"{status}-{who}", properties=properties, **who)


DEVICE: dict[str, Any] = {"user_id": None, "anonymous_id": "a"}


def story() -> list[Event]:
    """A visitor and a user, each under way, become one; both had begun the same journey."""
    minutes = iter(range(100))
    moments = (START + timedelta(minutes=each) for each in minutes)
    events = [
        visit("a", "Started", number="1"),
        visit("a", "Began", number="1"),
        consent("revoked", **DEVICE),
        event("Started", number="2"),
        consent("granted"),
        identify(None, "a", email="ada@example.com", city="London"),
        identify("ada", city="Paris"),
        event("Signed In", anonymous_id="a"),
        event("Acted"),
        visit("a", "Ordered", number="3"),
        event("Seen"),
    ]
    return [_at(each, moment) for each, moment in zip(events, moments, strict=False)]


def _at(each: Event, moment: datetime) -> Event:
    return replace(each, timestamp=moment, received_at=moment)


def arm_all(world: World) -> None:
    """What state machines would have armed by now: every open hold."""
    for table, pk, sk, item in items(world):
        active = item.get("status") == slots.ACTIVE and "token" not in item
        if table == TableName.CUSTOMERS and sk.startswith(keys.ENROLLMENT_PREFIX) and active:
            key = keys.enrollment(keys.customer_of(pk), sk.removeprefix(keys.ENROLLMENT_PREFIX))
            token = f"token-{item['journey']}-{item['entered_at']}"
            world.store.write(Update(key, set={"token": token, "token_for": "wait#1"}))


def items(world: World) -> list[tuple[TableName, str, str, Item]]:
    assert isinstance(world.store, MemoryStore)
    return [
        (table, pk, sk, item)
        for (table, pk), partition in world.store._partitions.items()
        for sk, item in partition.items()
    ]


def told(world: World) -> list[str]:
    """Everything that is stored, with the customers named by what they are."""
    person = world.ada()
    names = {person.customer: "ADA"}
    former = (person.profile or {}).get("former", [])
    names |= {each: f"FORMER {number}" for number, each in enumerate(former)}
    stored = items(world)
    lines = sorted(json.dumps([t, pk, sk, item], sort_keys=True) for t, pk, sk, item in stored)
    asked = sorted({json.dumps(call[:3]) for call in world.executions.calls if call[0] != "start"})
    asked += sorted({json.dumps(call[1:3]) for call in world.executions.of("start")})
    text = "\n".join([*lines, *asked])
    for customer, name in sorted(names.items(), reverse=True):
        text = text.replace(f"{customer}#", f"{name}#").replace(f'{customer}"', f'{name}"')
        text = text.replace(f"{customer}-", f"{name}-").replace(f"{customer}/", f"{name}/")
    return sorted(text.splitlines())


def calm() -> World:
    world = World(*PROGRAMS)
    for each in story():
        world.send(each)
        arm_all(world)
    return world


def count_calls() -> int:
    world, crash = World(*PROGRAMS), Crash(0)
    for each in story():
        world.make_router(CrashingStore(world.store, crash), crash).route(each, each.received_at)
        arm_all(world)
    return crash.calls


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_call_and_a_redelivery_give_the_same(after: bool) -> None:
    expected, calls = told(calm()), count_calls()
    assert calls > 40
    for number in range(1, calls + 1):
        world, crash = World(*PROGRAMS), Crash(number, after=after)
        for each in story():
            router = world.make_router(CrashingStore(world.store, crash), crash)
            try:
                router.route(each, each.received_at)
            except CrashError:
                world.executions.crash = Crash(0)
                world.make_router().route(each, each.received_at)
            world.executions.crash = Crash(0)
            arm_all(world)
        assert told(world) == expected, f"call {number}"


def test_all_events_again_change_nothing() -> None:
    world = calm()
    before = told(world)
    again = world.send(*story(), at=START + timedelta(hours=3))
    assert all(each.repeated for each in again)
    assert told(world) == before


def test_the_story_ends_as_it_should() -> None:
    world = calm()
    person = world.ada()
    assert person.traits == {"city": "Paris", "email": "ada@example.com"}
    assert person.consent_view() == {"marketing": {"sms": False}}
    ended = {
        (item["journey"], item["outcome"], item["reason"])
        for _, _, _, item in items(world)
        if item.get("status") == slots.ENDED
    }
    assert ended == {
        ("cart", "replaced", "merged"),
        ("cart", "exited", "Ordered"),
        ("again", "replaced", "merged"),
        ("other", "exited", "Ordered"),
    }


# ------------------------------------------------------------------------- races


def race(world: World, *lanes: list[Event]) -> list[Routed]:
    routed: list[Routed] = []

    def run(lane: list[Event]) -> None:
        router = world.make_router()
        routed.extend(router.route(each, each.received_at) for each in lane)

    together(*(partial(run, lane) for lane in lanes))
    return routed


def test_events_of_both_while_they_become_one_are_all_applied_once() -> None:
    for turn in range(30):
        world = World(*PROGRAMS)
        world.send(visit("a", number="first"), event("Seen", number="first"))
        lanes = [
            [visit("a", "Started", number=f"v{n}") for n in range(3)],
            [event("Started", number=f"u{n}") for n in range(3)],
            [event("Signed In", number="join", anonymous_id="a")],
            [identify("ada", "a", number="join too", email="ada@example.com")],
        ]
        routed = race(world, *lanes)
        world.send(event("Seen", number="last"), event("Seen", number="very last"))
        person = world.ada()
        assert world.person("a", "anonymous_id").customer == person.customer, turn
        assert len(routed) == 8
        assert {each.repeated for each in routed} == {False}
        markers = [item for _, pk, _, item in items(world) if pk.startswith("EVENT#")]
        assert len(markers) == 12
        by_customer: dict[str, list[int]] = {}
        for item in markers:
            by_customer.setdefault(item["customer"], []).append(item["seq"])
        assert all(len(set(each)) == len(each) for each in by_customer.values())
        active = [
            name for _, name, item in person.all_enrollments() if item["status"] == slots.ACTIVE
        ]
        assert sorted(active) == ["again#one", "cart#one"], turn


def test_two_who_sign_in_on_one_device_at_once_are_two() -> None:
    for _ in range(30):
        world = World(*PROGRAMS)
        world.send(visit("a", number="first"))
        race(
            world,
            [event("Signed In", anonymous_id="a")],
            [event("Signed In", number="2", user_id="bob", anonymous_id="a")],
        )
        ada, bob = world.person("ada"), world.person("bob")
        assert ada.customer != bob.customer
        assert world.person("a", "anonymous_id").customer in (ada.customer, bob.customer)


def test_two_joins_that_meet_make_one_customer() -> None:
    """a is b by an email, b is c by a sign-in, both at once."""
    for _ in range(30):
        world = World(*PROGRAMS)
        world.send(identify(None, "a", email="x@example.com"), visit("b"), event("Seen"))
        race(
            world,
            [identify(None, "b", email="x@example.com")],
            [event("Signed In", anonymous_id="b")],
        )
        world.send(identify(None, "b", email="x@example.com", number="again"))
        assert world.person("a", "anonymous_id").customer == world.ada().customer
        assert world.person("x@example.com", "email").customer == world.ada().customer


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
    return _at(made_, moment)


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


def check(world: World) -> None:
    owners: dict[str, str] = {}
    for _, pk, _, item in items(world):
        if pk.startswith("IDENTITY#"):
            person = _follow(world, item["customer"])
            assert "merged_into" not in (world.store.get(keys.profile(person)) or {})
            owners[pk] = person
    people = set(owners.values())
    tokens: list[str] = []
    users: list[str] = []
    for person in people:
        profile = world.store.get(keys.profile(person)) or {}
        users += [profile["user_id"]] if "user_id" in profile else []
        tokens += profile.get("addresses", {}).get("push", [])
        for former in profile.get("merged", []):
            assert _follow(world, former) == person
    assert len(set(users)) == len(users)
    assert len(set(tokens)) == len(tokens), "a device is somebody's alone"


def _follow(world: World, customer: str) -> str:
    while into := (world.store.get(keys.profile(customer)) or {}).get("merged_into"):
        customer = into
    return customer
