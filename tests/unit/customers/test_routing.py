"""The router's rules on the store in memory: what one event does, once, whatever goes wrong."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys, slots
from stepwell.customers.routing import Routed, Router
from stepwell.customers.snapshot import Snapshot, load_snapshot
from stepwell.events.model import Event, EventType
from stepwell.journeys.program import Program
from stepwell.journeys.reactions import Catalog
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Delete, Key, Store, TableName, Update
from tests.support.fakes import (
    Crash,
    CrashError,
    CrashingStore,
    RecordedExecutions,
    plain_hasher,
)
from tests.support.programs import branch, entry, hold, path, program, same

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)


def event(name: str = "Started", *, number: str = "1", at: datetime = START, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "id": f"{name}-{number}",
        "source": "shop",
        "type": EventType.TRACK,
        "name": name,
        "user_id": "ada",
        "anonymous_id": None,
        "properties": {},
        "traits": {},
        "context": {},
        "timestamp": at,
        "received_at": at,
    }
    return Event(**(fields | more))


class World:
    """A router on a store in memory, with what it asked of Step Functions."""

    def __init__(self, *programs: Program, store: Store | None = None) -> None:
        self.programs = programs or (program(),)
        self.store: Store = store or MemoryStore()
        self.executions = RecordedExecutions()
        self.router = self.make_router()

    def make_router(self, store: Store | None = None, crash: Crash | None = None) -> Router:
        versions = {each.version: each for each in self.programs}
        numbers = itertools.count(1)
        if crash:
            self.executions.crash = crash
        return Router(
            store=store or self.store,
            catalog=Catalog(self.programs, versions.__getitem__),
            executions=self.executions,
            hasher=plain_hasher,
            new_id=lambda: f"c{next(numbers)}-{threading.get_ident()}",
        )

    def send(self, *events: Event, at: datetime | None = None) -> list[Routed]:
        return [self.router.route(each, at or each.received_at) for each in events]

    def ada(self) -> Snapshot:
        identity = self.store.get(keys.identity("user_id", plain_hasher("user_id", "ada")))
        assert identity is not None
        return load_snapshot(self.store, identity["customer"])

    def enrollment(self, name: str = "cart#one") -> dict[str, Any]:
        return self.ada().enrollments[name]

    def arm(self, token: str, visit: int = 1, name: str = "cart#one") -> None:
        """What the state machine's arm writes."""
        key = keys.enrollment(self.ada().customer, name)
        self.store.write(Update(key, set={"token": token, "token_for": f"wait#{visit}"}))

    def records(self, prefix: str) -> list[dict[str, Any]]:
        partition = keys.partition(self.ada().customer)
        return self.store.query(TableName.RECORDS, partition, prefix=prefix)


# identity


def test_the_first_event_makes_the_customer_and_later_ones_find_it() -> None:
    world = World()
    first, second = world.send(event(), event("Acted"))
    assert first.customer == second.customer
    assert (first.seq, second.seq) == (1, 2)


def test_an_anonymous_visitor_who_signs_in_is_the_same_customer() -> None:
    world = World()
    before, linked, after = world.send(
        event("Seen", user_id=None, anonymous_id="a"),
        event("Signed In", anonymous_id="a"),
        event("Seen", number="2", anonymous_id=None),
    )
    assert before.customer == linked.customer == after.customer
    assert world.ada().profile is not None
    assert (world.ada().profile or {})["anonymous_ids"] == ["a"]


def test_a_second_person_on_the_same_device_is_another_customer() -> None:
    world = World()
    first, second, device = world.send(
        event("Signed In", anonymous_id="a"),
        event("Signed In", number="2", user_id="bob", anonymous_id="a"),
        event("Seen", user_id=None, anonymous_id="a"),
    )
    assert first.customer != second.customer
    assert device.customer == first.customer


class MeanwhileStore(MemoryStore):
    """Does something once, right after the first single read."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []

    def get(self, key: Key) -> dict[str, Any] | None:
        item = super().get(key)
        while self.meanwhile:
            self.meanwhile.pop()()
        return item


def test_two_people_who_sign_in_on_one_device_at_once_are_two_customers() -> None:
    store = MeanwhileStore()
    world = World(store=store)
    world.send(event("Seen", user_id=None, anonymous_id="a"))
    store.meanwhile = [
        lambda: world.send(event("Signed In", number="2", user_id="bob", anonymous_id="a"))
    ]
    (ada,) = world.send(event("Signed In", anonymous_id="a"))
    (bob,) = world.send(event("Seen", number="3", user_id="bob"))
    assert ada.customer != bob.customer
    assert (world.ada().profile or {})["user_id"] == "ada"


# profile


def test_identify_keeps_traits_zone_and_addresses_and_null_removes_them() -> None:
    world = World()
    traits = {
        "first_name": "Ada",
        "email": " ada@example.com",
        "phone": "+447700900123",
        "timezone": "Europe/London",
        "age": 1e300,
    }
    identify: dict[str, Any] = {"type": EventType.IDENTIFY, "traits": traits}
    world.send(
        event("", number="1", **identify, context={"device": {"token": "t1"}}),
        event("Seen", context={"timezone": "America/New_York", "device": {"token": "t2"}}),
    )
    profile = world.ada().profile or {}
    assert world.ada().traits == traits
    assert (profile["zone"], profile["context_zone"]) == ("Europe/London", "America/New_York")
    assert profile["addresses"] == {
        "email": "ada@example.com",
        "sms": "+447700900123",
        "push": ["t1", "t2"],
    }
    gone = {"email": None, "timezone": "Mars/Olympus"}
    world.send(event("", number="2", type=EventType.IDENTIFY, traits=gone))
    profile = world.ada().profile or {}
    assert "zone" not in profile
    assert profile["addresses"] == {"sms": "+447700900123", "push": ["t1", "t2"]}
    assert world.ada().traits["timezone"] == "Mars/Olympus"


def test_a_consent_is_kept_with_its_proof_and_an_older_answer_does_not_replace_it() -> None:
    world = World()

    def consent(number: str, status: str, at: datetime) -> Event:
        properties = {"purpose": "marketing", "channel": "sms", "status": status}
        return event("Consent Updated", number=number, properties=properties, timestamp=at)

    world.send(
        consent("1", "revoked", START - timedelta(hours=1)),
        consent("2", "granted", START - timedelta(hours=2)),
    )
    assert world.ada().consent_view() == {"marketing": {"sms": False}}
    world.send(consent("3", "granted", START))
    grants = (world.ada().consents or {})["grants"]
    assert grants["marketing#sms"]["proof"] == "Consent Updated-3"
    assert world.ada().consent_view() == {"marketing": {"sms": True}}


# entry


def test_an_entry_opens_the_first_hold_and_starts_the_execution() -> None:
    world = World()
    (routed,) = world.send(event())
    enrollment = world.enrollment()
    assert enrollment["status"] == slots.ACTIVE
    assert (enrollment["wait_visit"], enrollment["wait_seq"]) == (1, 1)
    ((journey, execution, state),) = world.executions.of("start")
    assert (journey, execution) == ("cart", f"{routed.customer}-one-1")
    assert state["ids"]["run"] == 1
    assert "ada" not in str(state)


@pytest.mark.parametrize(
    ("policy", "seconds", "after", "ended", "again"),
    [
        ("never", 0, 0, True, False),
        ("after_exit", 0, 0, False, False),
        ("after_exit", 0, 0, True, True),
        ("after", 3600, 3599, True, False),
        ("after", 3600, 3600, True, True),
        ("after", 3600, 3600, False, False),
        ("always", 0, 0, False, True),
        ("always", 0, 0, True, True),
    ],
)
def test_reentry(policy: str, seconds: int, after: int, ended: bool, again: bool) -> None:
    world = World(program(entry=entry("Started", reentry=policy, seconds=seconds)))
    world.send(event())
    if ended:
        world.send(event("Ordered"))
    later = START + timedelta(seconds=after)
    world.send(event(number="2", at=later))
    runs = [state["ids"]["run"] for _, _, state in world.executions.of("start")]
    assert runs == ([1, 3 if ended else 2] if again else [1])
    if policy == "always" and not ended:
        ((_, execution, error, _),) = world.executions.of("stop")
        assert execution.endswith("-one-1")
        assert error == "Exited"
        assert [each["outcome"] for each in world.records(keys.FINISHED_PREFIX)] == ["replaced"]


def test_a_key_makes_parallel_enrollments_and_only_its_hash_is_kept() -> None:
    cart = path("event", "properties", "cart")
    world = World(program(entry=entry("Started", key=cart)))
    world.send(
        *(event(number=cart, properties={"cart": cart}) for cart in ("ada@example.com", "b"))
    )
    world.send(event(number="3", properties={"cart": "b"}), event(number="4"))
    names = set(world.ada().enrollments)
    assert names == {f"cart#{plain_hasher('journey_key', key)}" for key in ("ada@example.com", "b")}
    assert "ada@example.com" not in str([call[1] for call in world.executions.of("start")])


def test_an_entry_without_its_key_is_reported_and_begins_nothing() -> None:
    world = World(program(entry=entry("Started", key=path("event", "properties", "cart"))))
    (routed,) = world.send(event())
    assert world.ada().enrollments == {}
    assert len(routed.problems) == 1
    assert "cart entry key" in routed.problems[0]


def test_an_entry_condition_decides() -> None:
    where = [">=", path("event", "properties", "value"), ["double", 50.0]]
    world = World(program(entry=entry("Started", where=where)))
    world.send(event(properties={"value": 49}))
    assert world.ada().enrollments == {}
    world.send(event(number="2", properties={"value": 50}))
    assert set(world.ada().enrollments) == {"cart#one"}


def test_a_draining_journey_takes_nobody_in() -> None:
    world = World(program(draining=True))
    world.send(event())
    assert world.ada().enrollments == {}


def test_an_old_event_informs_but_begins_nothing() -> None:
    world = World()
    old = event(
        timestamp=START - timedelta(hours=24, seconds=1), context={"timezone": "Asia/Tokyo"}
    )
    world.send(old)
    assert world.ada().enrollments == {}
    assert (world.ada().profile or {})["context_zone"] == "Asia/Tokyo"


# holds


def test_an_event_decides_the_hold_and_wakes_its_token() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    world.send(event("Acted"))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert world.executions.of("wake") == [("token-1", {"visit": "1", "outcome": "acted"})]


def test_an_event_before_the_arming_is_kept_in_the_slot() -> None:
    world = World()
    world.send(event(), event("Acted"))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert world.executions.of("wake") == []


def test_only_the_first_event_decides() -> None:
    both = hold("wait", branch("acted", "Acted"), branch("left", "Left"))
    world = World(program(steps=[both]))
    world.send(event())
    world.arm("token-1")
    world.send(event("Left"), event("Acted"))
    assert world.enrollment()["wait_outcome"] == "left"
    assert len(world.executions.of("wake")) == 1


def test_a_hold_that_has_timed_out_is_not_decided() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    key = keys.enrollment(world.ada().customer, "cart#one")
    world.store.write(Update(key, set={"wait_outcome": slots.TIMEOUT}))
    world.send(event("Acted"))
    assert world.enrollment()["wait_outcome"] == slots.TIMEOUT
    assert world.executions.of("wake") == []


def test_restarts_open_the_next_visit_and_are_bounded() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    world.send(*(event("Touched", number=str(n)) for n in range(5)))
    enrollment = world.enrollment()
    assert enrollment["wait_visit"] == 4
    assert "wait_outcome" not in enrollment
    assert world.executions.of("wake") == [
        ("token-1", {"visit": str(visit), "outcome": "restart"}) for visit in (2, 3, 4)
    ]


def test_a_branch_opens_the_hold_that_follows_it() -> None:
    steps = [
        hold("wait", branch("acted", "Acted", opens="second")),
        hold("second", branch("again", "Acted")),
    ]
    world = World(program(steps=steps))
    world.send(event(), event("Acted"))
    assert world.enrollment()["wait_outcome"] == "acted"
    assert (world.enrollment()["second_visit"], world.enrollment()["second_seq"]) == (1, 2)
    assert "second_outcome" not in world.enrollment()
    world.send(event("Acted", number="2"))
    assert world.enrollment()["second_outcome"] == "again"


def test_a_condition_compares_with_the_event_of_entry() -> None:
    cart = hold("wait", branch("restart", "Started", where=same("cart"), restarts=True))
    world = World(
        program(steps=[cart], entry=entry("Started", key=path("event", "properties", "cart")))
    )
    world.send(
        event(number="1", properties={"cart": "a"}),
        event(number="2", properties={"cart": "b"}),
        event(number="3", properties={"cart": "a"}),
    )
    visits = {
        each["entry_event"].count('"a"'): each["wait_visit"]
        for each in world.ada().enrollments.values()
    }
    assert visits == {1: 2, 0: 1}


# exits and goals


def test_an_exit_in_a_hold_marks_it_and_wakes_the_execution() -> None:
    world = World()
    world.send(event())
    world.arm("token-1")
    world.send(event("Ordered"))
    enrollment = world.enrollment()
    assert (enrollment["status"], enrollment["outcome"]) == (slots.ENDED, "exited")
    assert (enrollment["reason"], enrollment["wait_outcome"]) == ("Ordered", slots.EXIT)
    assert world.executions.of("wake") == [("token-1", {"visit": "1", "outcome": "exit"})]
    assert world.executions.of("stop") == []


def test_an_exit_elsewhere_stops_the_execution() -> None:
    world = World(program(first=None))
    (routed, _) = world.send(event(), event("Ordered"))
    assert world.executions.of("stop") == [
        ("cart", f"{routed.customer}-one-1", "Exited", "Ordered")
    ]
    ((finished),) = world.records(keys.FINISHED_PREFIX)
    assert (finished["outcome"], finished["reason"]) == ("exited", "Ordered")


def test_an_exit_outranks_a_branch_and_the_same_event_does_not_enter_again() -> None:
    again = program(
        entry=entry("Started", reentry="after_exit"), exits=[{"event": "Started", "where": None}]
    )
    world = World(again)
    world.send(event(), event(number="2"))
    assert world.enrollment()["status"] == slots.ENDED
    assert len(world.executions.of("start")) == 1


def test_a_goal_is_recorded_once_also_after_the_end_and_within_its_time() -> None:
    goal = {
        "event": "Ordered",
        "where": None,
        "within_seconds": 3600,
        "value": path("event", "properties", "revenue"),
    }
    world = World(program(goal=goal, exits=[{"event": "Left", "where": None}]))
    world.send(event(), event("Left"))
    in_time = START + timedelta(seconds=3600)
    world.send(event("Ordered", at=in_time, properties={"revenue": 415}))
    world.send(event("Ordered", number="2", at=in_time, properties={"revenue": 10}))
    ((conversion),) = world.records(keys.CONVERSION_PREFIX)
    assert (conversion["value"], conversion["event"]) == (415, "Ordered-1")

    late = World(program(goal=goal, exits=[]))
    late.send(event(), event("Ordered", at=in_time + timedelta(seconds=1)))
    assert late.records(keys.CONVERSION_PREFIX) == []


def test_an_exit_by_the_goal_is_a_conversion() -> None:
    goal = {"event": "Ordered", "where": None, "within_seconds": 60, "value": None}
    world = World(program(goal=goal))
    world.send(event(), event("Ordered"))
    assert world.enrollment()["outcome"] == "converted"
    assert len(world.records(keys.CONVERSION_PREFIX)) == 1


class TornStore(MemoryStore):
    """Some reads see a transaction's profile already, but none of its enrollments."""

    torn = 0

    def query(self, table: TableName, pk: str, **options: Any) -> list[dict[str, Any]]:
        items = super().query(table, pk, **options)
        if self.torn and table is TableName.CUSTOMERS:
            self.torn -= 1
            return [each for each in items if not each["sk"].startswith(keys.ENROLLMENT_PREFIX)]
        return items


@pytest.mark.parametrize("torn", [1, 3])
def test_an_exit_that_reads_its_entry_in_part_reads_again(torn: int) -> None:
    store = TornStore()
    world = World(store=store)
    world.send(event())
    store.torn = torn
    world.send(event("Ordered"))
    assert world.enrollment()["status"] == slots.ENDED


def test_an_enrollment_that_was_forgotten_holds_no_event_up() -> None:
    world = World()
    world.send(event(), event("Ordered"))
    world.store.write(Delete(keys.enrollment(world.ada().customer, "cart#one")))
    (routed, *_) = world.send(event("Seen"), event(number="2"))
    assert routed.seq == 3
    assert world.enrollment()["status"] == slots.ACTIVE


# once, whatever happens


def test_a_redelivered_event_changes_nothing() -> None:
    world = World()
    story = [event(), event("Touched"), event("Acted")]
    world.send(*story)
    before = world.ada()
    repeated = world.send(*story, at=START + timedelta(hours=2))
    assert [routed.repeated for routed in repeated] == [True, True, True]
    assert world.ada() == before


def test_a_redelivered_event_whose_slot_was_closed_again_wakes_nothing() -> None:
    """The message before the hold was pushed back, so delivery took the opening back."""
    world = World()
    story = [event(), event("Acted")]
    world.send(*story)
    gone = ("wait_visit", "wait_seq", "wait_opened", "wait_outcome", "wait_event")
    world.store.write(Update(keys.enrollment(world.ada().customer, "cart#one"), remove=gone))
    world.arm("token")
    assert [routed.repeated for routed in world.send(*story)] == [True, True]
    assert world.executions.of("wake") == []


def test_a_redelivered_event_does_not_decide_what_came_later() -> None:
    """Its condition would be true now, but it was applied before the hold was open."""
    steps = [
        hold("wait", branch("acted", "Acted", opens="second")),
        hold("second", branch("again", "Seen")),
    ]
    world = World(program(steps=steps))
    seen = event("Seen")
    world.send(event(), seen, event("Acted"), seen)
    assert "second_outcome" not in world.enrollment()


def story(world: World) -> list[Event]:
    return [event(), event("Touched"), event("Acted", anonymous_id="a"), event("Ordered")]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 25))
def test_a_crash_at_any_call_and_a_redelivery_give_the_same(at: int, after: bool) -> None:
    calm = World()
    for each in story(calm):
        calm.send(each)
        if each.name == "Started":
            calm.arm("token")
    world = World()
    crash = Crash(at, after=after)
    for each in story(world):
        router = world.make_router(CrashingStore(world.store, crash), crash)
        try:
            router.route(each, START)
        except CrashError:
            world.executions.crash = Crash(0)
            world.make_router().route(each, START)
        if each.name == "Started":
            world.executions.crash = Crash(0)
            world.arm("token")
            world.executions.crash = crash
    assert world.ada().enrollments.keys() == calm.ada().enrollments.keys()
    assert strip(world.enrollment()) == strip(calm.enrollment())
    assert (world.ada().profile or {})["seq"] == (calm.ada().profile or {})["seq"] == 4
    assert distinct(world.executions) == distinct(calm.executions)


def strip(enrollment: dict[str, Any]) -> dict[str, Any]:
    """Without what names the customer, whose id is made anew."""
    return {name: enrollment[name] for name in enrollment if name not in ("pk", "execution")}


def distinct(executions: RecordedExecutions) -> list[tuple[str, Any]]:
    """What was asked, each once: repeating a call is harmless, leaving one out is not."""
    asked: list[tuple[str, Any]] = []
    for call in executions.calls:
        summary = (call[0], call[2] if call[0] == "wake" else call[1])
        if summary not in asked:
            asked.append(summary)
    return asked


def test_two_groups_that_meet_in_one_customer_lose_nothing() -> None:
    world = World()
    world.send(event("Signed In", anonymous_id="a"))
    events = [
        event("Seen", number=f"{who}-{n}", user_id=user, anonymous_id=anonymous)
        for n in range(10)
        for who, user, anonymous in (("user", "ada", None), ("device", None, "a"))
    ]
    lanes = [events[0::2], events[1::2]]
    routed: list[Routed] = []

    def run(lane: list[Event]) -> None:
        routed.extend(world.make_router().route(each, START) for each in lane)

    threads = [threading.Thread(target=run, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.seq for each in routed) == list(range(2, 22))
    assert len({each.customer for each in routed}) == 1


def test_racing_first_events_make_one_customer_and_one_enrollment() -> None:
    for _ in range(20):
        world = World()
        barrier = threading.Barrier(4)

        def run(number: int, world: World = world, barrier: threading.Barrier = barrier) -> None:
            router = world.make_router()
            barrier.wait()
            router.route(event(number=str(number)), START)

        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (world.ada().profile or {})["seq"] == 4
        assert len(world.executions.of("start")) == 1


def test_an_arming_between_read_and_write_is_noticed() -> None:
    """The token that is stored while an event is being applied must still be woken."""
    world = World()
    world.send(event())

    class ArmingStore(MemoryStore):
        armed = False

        def transact(self, operations: Any) -> None:
            if not self.armed:
                self.armed = True
                world.arm("late-token")
            world.store.transact(operations)

    arming = ArmingStore()
    arming.get_many = world.store.get_many  # type: ignore[method-assign]
    arming.query = world.store.query  # type: ignore[method-assign]
    replace(world.router, store=arming).route(event("Acted"), START)
    assert world.executions.of("wake") == [("late-token", {"visit": "1", "outcome": "acted"})]
