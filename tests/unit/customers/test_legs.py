"""Later legs: started once, and never beside an enrollment that has been left."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from stepwell.customers import keys, legs, slots
from stepwell.customers.orders import issue
from stepwell.journeys.happening import Command
from stepwell.journeys.program import initial_state
from stepwell.journeys.reactions import Catalog
from stepwell.storage.operations import Item, Key, Store, Update
from tests.support.fakes import Crash, CrashError, CrashingStore
from tests.support.programs import entry, program
from tests.support.world import World, event

PARKING = program(
    first=None,
    entry=entry("Started", reentry="always"),
    steps=[{"kind": "long_delay", "id": "month", "name": "A month", "seconds": 2_592_000}],
    parks=True,
)
MACHINE = f"cart-{PARKING.version[:16]}"


@dataclass
class StepFunctions:
    """Executions by name, each name used once, as AWS has it."""

    used: list[tuple[str, str]] = field(default_factory=list)
    running: set[tuple[str, str]] = field(default_factory=set)
    inputs: list[Mapping[str, Any]] = field(default_factory=list)

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None:
        if (journey, execution) not in self.used:
            self.used.append((journey, execution))
            self.running.add((journey, execution))
        self.inputs.append(state)

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None:
        assert error == legs.EXITED
        assert cause is not None
        self.running.discard((journey, execution))

    def wake(self, token: str, result: Mapping[str, Any]) -> None:
        raise AssertionError(f"nobody waits: {token} {result}")

    def settle_later(self, customer: str, execution: str) -> None:
        raise AssertionError(f"nothing was claimed: {customer} {execution}")


class Parked:
    """An enrollment whose first leg has parked its wait, and the message of its alarm."""

    def __init__(self) -> None:
        self.world = World(PARKING)
        self.world.send(event())
        self.item = self.world.enrollment()
        self.key: Key = keys.enrollment(self.world.ada().customer, "cart#one")
        self.execution = self.item["execution"]
        self.leg = (MACHINE, f"{self.execution}-2")
        ((_, _, state),) = self.world.executions.of("start")
        literals = {"command": legs.RESUME, "version": PARKING.version, "after": "month"}
        self.message = {**state, **literals}
        self.set(leg=2, parked_at="month")

    def set(self, **changes: Any) -> None:
        self.world.store.write(Update(self.key, set=changes))

    def exit(self) -> None:
        self.set(status=slots.ENDED, outcome="exited", reason="Ordered")

    def stop(self, executions: StepFunctions) -> None:
        """What the router does after an exit, with what it had read then."""
        found = self.world.store.get(self.key)
        assert found is not None
        command = Command("stop", self.world.ada().customer, "cart#one", found["run"])
        issue(command, {self.key: found}, Catalog([PARKING], lambda _: PARKING), executions)

    def resume(
        self, executions: StepFunctions, store: Store | None = None, *, repeated: bool = False
    ) -> None:
        legs.resume(self.message, store or self.world.store, executions, repeated=repeated)


def test_the_first_leg_knows_the_next_one_and_journeys_that_do_not_park_know_nothing() -> None:
    state = {"customer": "c", "partition": "p", "sort_key": "s", "enrollment": "e"}
    parks = initial_state(PARKING, **state, run=1, execution="x")
    assert parks["next_leg"] == "2"
    assert "next_leg" not in initial_state(program(), **state, run=1, execution="x")


def test_a_leg_goes_on_with_the_state_of_the_one_before_in_the_machine_of_its_version() -> None:
    parked, executions = Parked(), StepFunctions()
    parked.resume(executions)
    assert executions.running == {parked.leg}
    (state,) = executions.inputs
    assert (state["after"], state["next_leg"]) == ("month", "3")
    assert state["ids"]["execution"] == parked.execution  # message ids are made of it
    assert not {"command", "version"} & state.keys()


def test_an_alarm_that_rings_twice_starts_once() -> None:
    parked, executions = Parked(), StepFunctions()
    parked.resume(executions)
    parked.resume(executions)
    parked.resume(executions, repeated=True)
    assert executions.used == [parked.leg]
    assert executions.running == {parked.leg}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": slots.ENDED, "outcome": "exited", "reason": "Ordered"},
        {"status": slots.ENDED, "outcome": "completed"},
        {"run": 77},
        {"leg": 3},
    ],
    ids=["exited", "completed", "replaced", "parked again since"],
)
def test_an_alarm_for_what_is_over_opens_no_execution(changes: dict[str, Any]) -> None:
    parked, executions = Parked(), StepFunctions()
    parked.set(**changes)
    parked.resume(executions)
    parked.resume(executions, repeated=True)
    assert executions.used == []


def test_an_alarm_whose_wait_was_not_parked_after_all_is_for_nothing() -> None:
    parked, executions = Parked(), StepFunctions()
    parked.world.store.write(Update(parked.key, remove=("leg",)))
    parked.resume(executions)
    parked.resume(executions, repeated=True)
    assert executions.used == []


def test_an_enrollment_that_is_forgotten_is_not_gone_on_with() -> None:
    parked, executions = Parked(), StepFunctions()
    gone = World(PARKING).store
    parked.resume(executions, gone)
    assert executions.used == []


def _crashes() -> Iterator[tuple[int, bool]]:
    yield from itertools.product(range(1, 6), (False, True))
    yield (0, False)


def test_wherever_it_is_cut_off_the_next_try_starts_the_leg_once() -> None:
    for at, after in _crashes():
        parked, crash, executions = Parked(), Crash(at, after=after), StepFunctions()
        crashing = CrashingStore(parked.world.store, crash)
        try:
            parked.resume(_watched(executions, crash), crashing)
        except CrashError:
            parked.resume(executions, repeated=True)
        assert executions.used == [parked.leg], (at, after)
        assert executions.running == {parked.leg}, (at, after)


def test_an_exit_at_any_moment_leaves_no_leg_running_wherever_it_is_cut_off() -> None:
    """The exit's mark before the n-th call of the resumption, its stop before the m-th, and a crash
    at each call, before or after it acted; then the message comes again.
    """
    moments = range(1, 8)
    for marked, stopped in itertools.combinations_with_replacement(moments, 2):
        for at, after in _crashes():
            case = f"marked {marked}, stopped {stopped}, crash {at} {after}"
            assert _exit_while_resuming(marked, stopped, Crash(at, after=after)) == set(), case


def _exit_while_resuming(marked: int, stopped: int, crash: Crash) -> set[tuple[str, str]]:
    """What runs in the end."""
    parked, executions, calls = Parked(), StepFunctions(), itertools.count(1)
    todo = {marked: [parked.exit], stopped: [lambda: parked.stop(executions)]}
    if marked == stopped:
        todo = {marked: [parked.exit, lambda: parked.stop(executions)]}

    def meanwhile() -> None:
        for act in todo.pop(next(calls), ()):
            act()

    store = _Told(CrashingStore(parked.world.store, crash), meanwhile)
    watched = _watched(executions, crash, meanwhile)
    try:
        parked.resume(watched, store)
    except CrashError:
        parked.resume(watched, store, repeated=True)
    for _ in range(8):  # what had its moment after all of that
        meanwhile()
    assert len(executions.used) <= 1
    return executions.running


def _watched(
    executions: StepFunctions, crash: Crash, meanwhile: Callable[[], None] = lambda: None
) -> Any:
    class Watched:
        def start(self, *arguments: Any) -> None:
            meanwhile()
            crash.watch(lambda: executions.start(*arguments))

        def stop(self, *arguments: Any, **named: Any) -> None:
            meanwhile()
            crash.watch(lambda: executions.stop(*arguments, **named))

    return Watched()


class _Told:
    """A store that tells before it is read."""

    def __init__(self, store: CrashingStore, before: Callable[[], None]) -> None:
        self._store, self._before = store, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, key: Key) -> Item | None:
        self._before()
        return self._store.get(key)


def test_what_a_new_entry_replaces_is_stopped_in_the_leg_that_runs() -> None:
    parked = Parked()
    parked.world.send(event(number="2"))
    assert parked.world.executions.of("stop") == [
        (MACHINE, f"{parked.execution}-2", "Exited", "Replaced by a new entry")
    ]
    assert "leg" not in parked.world.enrollment()


def test_an_exit_stops_the_leg_that_runs_or_is_next() -> None:
    parked = Parked()
    parked.set(leg=3)
    parked.world.send(event("Ordered"))
    assert parked.world.executions.of("stop") == [
        (MACHINE, f"{parked.execution}-3", "Exited", "Ordered")
    ]
    ((record),) = parked.world.records(keys.FINISHED_PREFIX)
    assert record["execution"] == parked.execution
