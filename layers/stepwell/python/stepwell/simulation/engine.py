"""One stage in memory: the router's rules, the journeys' state machines, send_message, and time.

    simulation = Simulation(read_definitions(root), start)
    simulation.schedule(moment, event)
    simulation.run()
    simulation.trace, simulation.store      # what AWS would show

Time moves from one thing on the agenda to the next and stands still in between. Nothing is random:
what has to be drawn (the jitter of retries) is a hash of the seed and of what it is drawn for.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from stepwell.customers.legs import resume
from stepwell.customers.routing import Routed, Router
from stepwell.events.model import Event
from stepwell.handover.errors import AlreadyHandedOverError, EnrollmentEndedError
from stepwell.handover.handing_over import Destinations
from stepwell.journeys.reactions import Catalog
from stepwell.messages.channels import CHANNELS
from stepwell.messages.unanswered import LOOKED_AT_AFTER, settle_unanswered
from stepwell.ports import Hasher, Outgoing, Provider
from stepwell.profile.sweeping import AT_MOST, next_sweep, sweep
from stepwell.simulation.agenda import Action, Agenda, Rank
from stepwell.simulation.definitions import Definitions, LoadedPrograms
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.simulation.functions import FUNCTIONS, Functions
from stepwell.simulation.machines.errors import StateError
from stepwell.simulation.machines.interpreter import Execution, Interpreter
from stepwell.simulation.providers import AcceptingProvider, RecordedProvider
from stepwell.simulation.trace import Applied, Joined, Problem, Sending, Trace
from stepwell.storage.due import DueStore
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Key
from stepwell.timestamps import from_text

_ANSWERS = (EnrollmentEndedError, AlreadyHandedOverError)
"""What a function raises to say where its journey goes on: nothing has failed."""

Fault = Callable[[str, int], str | None]
"""Given a function's name and the number of its invocation, the error that it shall fail with."""


class Simulation:
    """`seed` decides what is drawn; the same arguments and events give the same result.

    `store`, `new_id`, `hasher`, `providers` and `destinations` take the place of memory, numbered
    customers, a fixed key, and providers and destinations that accept everything. `on_sent` is told
    of each call to a provider, and may schedule what follows from it. `fault` makes functions fail,
    for tests. A store with an attribute `caller` is told on whose behalf it is called. `may_fail`
    says whether functions or providers may have been told to fail.

    Raises UnsupportedError for definitions that are not executed here.
    """

    def __init__(
        self,
        definitions: Definitions,
        start: datetime,
        *,
        seed: int = 0,
        providers: Mapping[str, Provider] | None = None,
        destinations: Destinations | None = None,
        store: DueStore | None = None,
        new_id: Callable[[], str] | None = None,
        hasher: Hasher | None = None,
        on_sent: Callable[[Sending], None] | None = None,
        fault: Fault | None = None,
    ) -> None:
        self.definitions = definitions
        self.seed = seed
        self.may_fail = fault is not None or providers is not None
        self.destinations = destinations or SimulatedDestinations(definitions.loaded_destinations)
        self.now = start.astimezone(UTC)
        self.trace = Trace()
        self.store: DueStore = store or MemoryStore(shared=True)
        self._agenda = Agenda()
        self._alarms: set[str] = set()
        self._sweeps: set[datetime] = set()
        self._later = _Later(self)
        self._ready: deque[Action] = deque()
        self._on_sent = on_sent
        self._fault = fault
        self._metered: Any = self.store if hasattr(self.store, "caller") else None
        self._look: Callable[[Key], Item | None] = getattr(self.store, "peek", self.store.get)
        programs = LoadedPrograms(definitions.loaded_programs)
        self._functions = Functions(
            store=self.store,
            programs=programs,
            policies=definitions.loaded_policies,
            providers=self._recorded(providers),
            destinations=self.destinations,
            hasher=hasher or plain_hash,
            now=lambda: self.now,
            warn=self._warn,
        )
        self._send_message = definitions.loaded_send_message
        self._interpreter = Interpreter(self, definitions.loaded_machines, self.trace)
        self._router = Router(
            store=self.store,
            catalog=Catalog(programs.live(), programs.version),
            executions=self._interpreter,
            hasher=hasher or plain_hash,
            new_id=new_id or _numbered(),
            rules=definitions.loaded_policies.identities,
            profile=definitions.loaded_policies.profile,
            queue=self._later,
        )

    # ------------------------------------------------------------------ acting

    def send(self, event: Event) -> Routed:
        """Apply an event now, and work off all that follows at this moment."""
        routed = self.take(event)
        self._settle()
        return routed

    def take(self, event: Event) -> Routed:
        """Apply an event now; what follows is worked off in its turn."""
        if event.received_at != self.now:
            event = replace(event, received_at=self.now)
        self._call_as("router")
        self.trace.next_place()
        routed = self._router.route(event, self.now)
        self.trace.calls["event"] += 1
        self._note(routed, event)
        if routed.due_at:
            self._sweep_at(from_text(routed.due_at))
        for problem in routed.problems:
            self._warn(routed.customer, problem)
        self._call_as("state_machine")  # whatever follows, now or when a timer ends
        return routed

    def _note(self, routed: Routed, event: Event) -> None:
        trace, customer = self.trace, routed.customer
        events, sends = len(trace.applied), len(trace.sendings)
        trace.joined += [Joined(customer, former, events, sends) for former in routed.merged]
        if customer:
            trace.customers.setdefault(customer)
            if not routed.repeated:
                trace.applied.append(Applied(self.now, customer, event, sends, trace.place))

    def schedule(self, at: datetime, event: Event) -> None:
        """Apply an event at a moment. Raises ValueError for one that is past."""
        if at < self.now:
            raise ValueError(f"event {event.id!r} is due at {at}, and it is {self.now}")

        def apply() -> None:
            self.send(event)

        self._agenda.put(at, Rank.EVENT, apply)

    def run_until(self, moment: datetime) -> None:
        """Everything before `moment`, then stand there; what is due at it is still to come."""
        while (upcoming := self._agenda.next_moment()) is not None and upcoming < moment:
            self._step()
        self.now = max(self.now, moment)

    def run(self, until: datetime | None = None) -> None:
        """Everything there is, or everything up to a moment and at it.

        Without a moment it ends when only sweeps are left, which may come for ever.
        """
        while until is None and self._agenda.next_before_the_end() is not None:
            self._step()
        if until is not None:
            self._run_through(until)

    def _run_through(self, moment: datetime) -> None:
        while (upcoming := self._agenda.next_moment()) is not None and upcoming <= moment:
            self._step()
        self.now = max(self.now, moment)

    def waiting(self) -> datetime | None:
        """The moment of the next thing on the agenda, while there is more than sweeps."""
        return self._agenda.next_before_the_end()

    def _step(self) -> None:
        moment, action = self._agenda.pop()
        self.now = max(self.now, moment)
        action()
        self._settle()

    def _settle(self) -> None:
        while self._ready:
            self._ready.popleft()()

    # ------------------------------------------------------------------ what time alone changes

    def _sweep_at(self, moment: datetime) -> None:
        """Once at a moment, for all who are due by then: nothing is swept while nobody is."""
        if moment <= self.now:
            moment = next_sweep(self.now)
        if moment not in self._sweeps:
            self._sweeps.add(moment)
            self._agenda.put(moment, Rank.SWEEP, self._sweep)

    def _sweep(self) -> None:
        self._sweeps.discard(self.now)
        if sweep(self.store, self._later, self.now, AT_MOST).left:
            self._sweep_at(next_sweep(self.now))

    # ------------------------------------------------------------------ what executions need

    def later(self, moment: datetime, action: Action) -> None:
        self._agenda.put(moment, Rank.TIMER, action)

    def soon(self, action: Action) -> None:
        self._ready.append(action)

    def draw(self, *about: object) -> float:
        text = "\n".join(map(str, (self.seed, *about)))
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64

    def peek(self, key: Key) -> Item | None:
        self._call_as("state_machine")
        return self._look(key)

    def start_sync(self, frame: Execution, machine: str, text: str) -> Any:
        if machine != "SendMessageArn":
            raise StateError("States.Runtime", f"there is no state machine ${{{machine}}}")
        return self._interpreter.start_sync(self._send_message, frame, text)

    def set_alarm(self, name: str, expression: str, message: str) -> None:
        self.trace.calls["schedule"] += 1
        if name in self._alarms:
            raise StateError("Scheduler.ConflictException", name)
        self._alarms.add(name)
        moment = datetime.fromisoformat(expression.removeprefix("at(").removesuffix(")"))
        self.later(moment.replace(tzinfo=UTC), lambda: self._rang(json.loads(message)))

    def settle_later(self, customer: str, execution: str) -> None:
        """Nothing is left to settle where no function dies in the middle."""
        if self.may_fail:
            self.later(self.now + LOOKED_AT_AFTER, partial(self._look_after, customer, execution))

    def _look_after(self, customer: str, execution: str) -> None:
        """As the commands function looks after what a stopped execution left."""
        self._call_as("commands")
        policies = self.definitions.loaded_policies
        looked = settle_unanswered(self.store, policies, customer, execution, self.now)
        self._call_as("state_machine")
        if looked.again:
            self.settle_later(customer, execution)

    def _rang(self, message: Mapping[str, Any]) -> None:
        """What the commands function does with the message."""
        self.trace.calls["resume"] += 1
        self._call_as("commands")
        resume(message, self.store, self._interpreter, repeated=False)
        self._call_as("state_machine")

    def invoke(self, function: str, payload: Any) -> Any:
        """Whatever a function raises is an error with the exception's name, as on Lambda."""
        name = FUNCTIONS[function]
        self.trace.calls[name] += 1
        error = self._fault(name, self.trace.calls[name]) if self._fault else None
        if error is not None:
            raise StateError(error, "as the simulation was told")
        self._call_as(name)
        try:
            return self._functions.call(name, payload)
        except Exception as failure:
            if not isinstance(failure, _ANSWERS):
                customer = payload.get("customer") or payload.get("ids", {}).get("customer", "")
                self._warn(str(customer), f"{name} failed: {failure!r}")
            raise StateError(type(failure).__name__, str(failure)) from failure
        finally:
            self._call_as("state_machine")

    def _call_as(self, caller: str) -> None:
        if self._metered is not None:
            self._metered.caller = caller

    # ------------------------------------------------------------------ what is kept

    def _recorded(self, providers: Mapping[str, Provider] | None) -> dict[str, Provider]:
        given = providers or {channel: AcceptingProvider() for channel in CHANNELS}
        return {channel: RecordedProvider(each, self._sent) for channel, each in given.items()}

    def _sent(self, outgoing: Outgoing, result: str) -> None:
        sending = Sending(self.now, outgoing, result)
        self.trace.calls["provider"] += 1
        self.trace.sendings.append(sending)
        if self._on_sent is not None:
            self._on_sent(sending)

    def _warn(self, customer: str, problem: str) -> None:
        self.trace.problems.append(Problem(self.now, customer, problem, self.trace.place))


class _Later:
    """Events that another one causes: applied when all that it does at once is done."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def send(self, events: Sequence[Event]) -> None:
        for event in events:
            self._simulation.soon(partial(self._apply, event))

    def waiting(self) -> int:
        return 0

    def _apply(self, event: Event) -> None:
        self._simulation.take(event)


def plain_hash(kind: str, value: str) -> str:
    """As `stepwell.aws.hasher`, with a key that is no secret and a hash that is quicker."""
    text = f"{kind}\n{value}".encode()
    return hashlib.blake2b(text, digest_size=16, key=b"simulation").hexdigest()


def _numbered() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"c{next(numbers):012d}"
