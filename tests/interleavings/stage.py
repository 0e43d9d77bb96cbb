"""A stage in memory whose parts run interleaved: the real rules and the compiled state machines.

Every invocation of a function, every execution that goes on, every timer that rings is an actor of
its own. Events come through FIFO groups: what fails or dies comes again, and holds up its group.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from stepwell.customers import keys, slots
from stepwell.customers.routing import Router
from stepwell.events.model import Event
from stepwell.journeys.reactions import Catalog
from stepwell.messages.unanswered import LOOKED_AT_AFTER, settle_unanswered
from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, ProviderError
from stepwell.simulation.agenda import Agenda, Rank
from stepwell.simulation.definitions import Definitions, LoadedPrograms
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.simulation.engine import plain_hash
from stepwell.simulation.functions import FUNCTIONS, Functions
from stepwell.simulation.machines.errors import TIMEOUT, StateError
from stepwell.simulation.machines.interpreter import Execution, Interpreter
from stepwell.simulation.trace import Problem, Status, Trace
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import (
    Delete,
    Item,
    Key,
    Operation,
    Put,
    StoreBusyError,
    TableName,
    Update,
)
from tests.interleavings.baton import Actor, Baton, Interruption, KilledError, What

Answer = TypeVar("Answer")

SOON = timedelta(seconds=30)
"""How long an invocation may take: so far time may go on while one is at work."""
REDELIVERY = timedelta(seconds=60)


class LostAnswerError(Exception):
    """A call acted and its answer never came, as botocore's read time-out."""


def pushed_back() -> ProviderError:
    return ProviderError("Throttled", ErrorKind.THROTTLED)


class Machines(Interpreter):
    """Executions of which one may be stopped or woken while it is at work."""

    def wake(self, token: str, result: Mapping[str, Any]) -> None:
        """The token is spent at once: a timer that rings before the execution goes on is late."""
        self._trace.calls["wake"] += 1
        execution = self._tokens.pop(token, None)
        if execution is None or execution.status is not Status.RUNNING:
            return
        execution.ticket += 1
        ticket = execution.ticket
        self._host.soon(lambda: self._resume(execution, ticket, dict(result)))

    def _end(
        self, execution: Execution, status: Status, error: str | None = None, cause: str = ""
    ) -> None:
        if execution.status is Status.RUNNING:
            super()._end(execution, status, error, cause)


class InterleavedStage:
    """`accepted` are the ids of messages that providers took, in order."""

    def __init__(
        self, definitions: Definitions, start: datetime, schedule: Sequence[Interruption]
    ) -> None:
        self.now = start
        self.trace = Trace()
        self.memory = MemoryStore()
        self.baton = Baton(schedule, self._tick, self._again)
        self.store = PausingStore(self.memory, self.baton)
        self.applied: dict[str, datetime] = {}
        """When an event was last applied, and what follows from it carried out."""
        self.accepted: list[tuple[datetime, Outgoing]] = []
        self._agenda = Agenda()
        self._groups: dict[str, deque[Event]] = defaultdict(deque)
        self._numbers = itertools.count(1)
        programs = LoadedPrograms(definitions.loaded_programs)
        provider = FlakyProvider(self)
        self._functions = Functions(
            destinations=SimulatedDestinations({}),
            store=self.store,
            programs=programs,
            policies=definitions.loaded_policies,
            providers=dict.fromkeys(("sms", "push", "email"), provider),
            hasher=plain_hash,
            now=lambda: self.now,
            warn=self._warn,
        )
        self.policies = definitions.loaded_policies
        self._send_message = definitions.loaded_send_message
        self.machines = Machines(self, definitions.loaded_machines, self.trace)
        self.router = Router(
            store=self.store,
            catalog=Catalog(programs.live(), programs.version),
            executions=QueuedExecutions(self),
            hasher=plain_hash,
            new_id=lambda: f"c{next(self._numbers)}",
            rules=definitions.loaded_policies.identities,
        )

    def schedule(self, at: datetime, event: Event) -> None:
        made = replace(event, timestamp=at, received_at=at)
        self._agenda.put(at, Rank.EVENT, lambda: self._arrive(made))

    def run(self) -> None:
        """Until nothing is due any more. What is due at one moment begins together."""
        while (moment := self._agenda.next_moment()) is not None:
            self.now = max(self.now, moment)
            while self._agenda.next_moment() == moment:
                self._begin_next()
            self.baton.run()

    def _begin_next(self) -> None:
        _, action = self._agenda.pop()
        self.baton.spawn("machine", action)

    def _tick(self) -> bool:
        moment = self._agenda.next_moment()
        if moment is None or moment > self.now + SOON:
            return False
        self.now = max(self.now, moment)
        self._begin_next()
        return True

    def _again(self, actor: Actor) -> bool:
        event = actor.about
        if not isinstance(event, Event):
            return False
        self.baton.spawn("router", lambda: self._route(event), about=event)
        return True

    # ------------------------------------------------------------------ the queue

    def _arrive(self, event: Event) -> None:
        self._groups[event.group].append(event)
        if len(self._groups[event.group]) == 1:
            self._deliver(event.group)

    def _deliver(self, group: str) -> None:
        if self._groups[group]:
            event = self._groups[group][0]
            self.baton.spawn("router", lambda: self._route(event), about=event)

    def _warn(self, customer: str, problem: str) -> None:
        self.trace.problems.append(Problem(self.now, customer, problem))

    def _route(self, event: Event) -> None:
        waiting = self._groups[event.group]
        try:
            routed = self.router.route(event, self.now)
        except (KilledError, LostAnswerError, StoreBusyError):
            self.later(self.now + REDELIVERY, lambda: self._deliver_again(event))
            return
        self.applied[event.id] = self.now
        for problem in routed.problems:
            self._warn(routed.customer, problem)
        if waiting and waiting[0] is event:
            waiting.popleft()
            self._deliver(event.group)

    def _deliver_again(self, event: Event) -> None:
        waiting = self._groups[event.group]
        if waiting and waiting[0] is event:
            self._deliver(event.group)

    # ------------------------------------------------------------------ what executions need

    def later(self, moment: datetime, action: Callable[[], None]) -> None:
        self._agenda.put(moment, Rank.TIMER, action)

    def soon(self, action: Callable[[], None]) -> None:
        self.baton.spawn("machine", action)

    def settle_later(self, customer: str, execution: str) -> None:
        raise AssertionError(f"the queue brings it: {customer} {execution}")

    def draw(self, *_: object) -> float:
        return 0.5

    def peek(self, key: Key) -> Item | None:
        return self.memory.peek(key)

    def start_sync(self, frame: Execution, machine: str, text: str) -> Any:
        assert machine == "SendMessageArn"
        return self.machines.start_sync(self._send_message, frame, text)

    def set_alarm(self, name: str, *_: str) -> None:
        raise AssertionError(f"no wait is parked here, and {name} was to be one")

    def invoke(self, function: str, payload: Any) -> Any:
        """An invocation is an actor of its own, because it may outlive who waits for it."""
        ended: list[Any] = []
        actor = self.baton.spawn("function", lambda: self._call(function, payload, ended))
        if not self.baton.wait_for(actor):
            raise StateError(TIMEOUT)
        if isinstance(ended[0], Exception):
            raise StateError(type(ended[0]).__name__)
        return ended[0]

    def _call(self, function: str, payload: Any, ended: list[Any]) -> None:
        try:
            ended.append(self._functions.call(FUNCTIONS[function], payload))
        except KilledError:
            ended.append(RuntimeError())
        except Exception as error:  # noqa: BLE001 - as the runtime does
            ended.append(error)


class PausingStore:
    """Every call is a pause, and may fail."""

    def __init__(self, store: MemoryStore, baton: Baton) -> None:
        self._store = store
        self._baton = baton
        self.log: list[tuple[str, Sequence[Operation]]] = []
        """What was written, by whom, in order."""

    def get(self, key: Key) -> Item | None:
        return self._do("get", lambda: self._store.get(key))

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        wanted = list(keys)
        return self._do("get_many", lambda: self._store.get_many(wanted))

    def query(self, table: TableName, pk: str, **options: Any) -> list[Item]:
        return self._do("query", lambda: self._store.query(table, pk, **options))

    def write(self, operation: Put | Update | Delete) -> Item:
        return self._do("write", lambda: self._store.write(operation), [operation])

    def transact(self, operations: Sequence[Operation]) -> None:
        self._do("transact", lambda: self._store.transact(operations), operations)

    def _do(
        self, site: str, call: Callable[[], Answer], writes: Sequence[Operation] = ()
    ) -> Answer:
        baton = self._baton
        what = baton.pause(site)
        is_machine = baton.current.kind == "machine"
        if what is What.KILL and not is_machine:
            raise KilledError
        if what is What.BUSY or (what is What.KILL and is_machine):
            raise StoreBusyError("as the schedule says")
        answer = call()
        if writes:
            self.log.append((baton.current.kind, writes))
        if what is What.KILL_AFTER and not is_machine:
            raise KilledError
        if what in (What.LOST, What.KILL_AFTER):
            raise StoreBusyError("lost") if is_machine else LostAnswerError
        return answer


class FlakyProvider:
    """Takes every message, unless the schedule says otherwise."""

    def __init__(self, stage: InterleavedStage) -> None:
        self._stage = stage

    def send(self, outgoing: Outgoing) -> str:
        what = self._stage.baton.pause("provider")
        if what is What.KILL:
            raise KilledError
        if what is What.BUSY:
            raise pushed_back()
        self._stage.accepted.append((self._stage.now, outgoing))
        if what is What.KILL_AFTER:
            raise KilledError
        if what is What.LOST:
            raise OutcomeUnknownError("lost")
        return f"{outgoing.channel}-{len(self._stage.accepted)}"


class QueuedExecutions:
    """What Step Functions throttles, or does not answer, is queued and carried out later."""

    def __init__(self, stage: InterleavedStage) -> None:
        self._stage = stage

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None:
        self._command(("start", journey, execution, dict(state)))

    def wake(self, token: str, result: Mapping[str, Any]) -> None:
        self._command(("wake", token, dict(result)))

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None:
        self._command(("stop", journey, execution, error, cause))

    def settle_later(self, customer: str, execution: str) -> None:
        """A call to the queue; what fails brings the event again."""
        what = self._stage.baton.pause("settle")
        if what is What.KILL:
            raise KilledError
        if what is What.BUSY:
            raise StoreBusyError("throttled")
        self._queue(("settle", customer, execution), LOOKED_AT_AFTER)
        if what is What.KILL_AFTER:
            raise KilledError
        if what is What.LOST:
            raise LostAnswerError

    def _command(self, command: tuple[Any, ...]) -> None:
        try:
            self._call(command)
        except (StoreBusyError, LostAnswerError):
            self._queue(command)

    def _queue(self, command: tuple[Any, ...], after: timedelta = SOON) -> None:
        baton = self._stage.baton

        def begin() -> None:
            baton.spawn("commands", lambda: self._carry_out(command))

        self._stage.later(self._stage.now + after, begin)

    def _carry_out(self, command: tuple[Any, ...]) -> None:
        """As the commands function: its queue brings again what fails."""
        try:
            if command[0] == "start" and not self._still_active(command[3]["ids"]):
                return
            if command[0] == "settle":
                self._settle(*command[1:])
                return
            self._call(command)
        except (KilledError, StoreBusyError, LostAnswerError):
            self._queue(command)

    def _settle(self, customer: str, execution: str) -> None:
        stage = self._stage
        looked = settle_unanswered(stage.store, stage.policies, customer, execution, stage.now)
        if looked.again:
            self.settle_later(customer, execution)

    def _still_active(self, ids: Mapping[str, Any]) -> bool:
        found = self._stage.store.get(keys.enrollment(ids["customer"], ids["enrollment"]))
        return bool(found and found["run"] == ids["run"] and found["status"] == slots.ACTIVE)

    def _call(self, command: tuple[Any, ...]) -> None:
        what = self._stage.baton.pause(command[0])
        if what is What.KILL:
            raise KilledError
        if what is What.BUSY:
            raise StoreBusyError("throttled")
        machines = self._stage.machines
        match command:
            case ("start", journey, execution, state):
                machines.start(journey, execution, state)
            case ("wake", token, result):
                machines.wake(token, result)
            case ("stop", journey, execution, error, cause):
                machines.stop(journey, execution, error=error, cause=cause)
        if what is What.KILL_AFTER:
            raise KilledError
        if what is What.LOST:
            raise LostAnswerError
