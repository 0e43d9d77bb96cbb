"""Executions of compiled state machines: entering states, parking, retrying, catching, ending.

An execution runs on, in no time, until it waits: in a Wait, for its token, for a child, before a
retry. What rings later carries the ticket of that wait; a ticket that is not the execution's any
more says that it has moved on, and the ring is for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from stepwell.customers.legs import execution_name
from stepwell.journeys.compiler.names import DELAY_PARKED
from stepwell.simulation.machines.definition import Choice, Fail, Machine, Pass, Succeed, Task, Wait
from stepwell.simulation.machines.errors import TIMEOUT, StateError, matches, runtime
from stepwell.simulation.machines.paths import put_at
from stepwell.simulation.machines.tasks import Pending, Services, sync_answer
from stepwell.simulation.trace import Run, Status, Trace
from stepwell.timestamps import from_text, to_text

_MOST_STATES = 10_000
"""States that one execution may enter at one moment: a definition that loops without waiting."""


class LoopError(Exception):
    """A definition goes round without ever waiting."""


class Host(Services, Protocol):
    """What the interpreter needs around it: time, the agenda, and what tasks call."""

    @property
    def now(self) -> datetime: ...

    def later(self, moment: datetime, action: Callable[[], None]) -> None:
        """Do it when the moment has come."""

    def soon(self, action: Callable[[], None]) -> None:
        """Do it at this moment, after what is being done."""

    def settle_later(self, customer: str, execution: str) -> None:
        """Look after what an execution left, once nobody is at work on it any more."""

    def draw(self, *about: object) -> float:
        """A number from 0 to below 1, the same for the same arguments and seed."""


class Execution:
    """One execution; also the frame that its states' expressions look at.

    `run` is the trace of a journey's execution; a child (`parent`) has none.
    """

    __slots__ = (
        "answer",
        "attempts",
        "data",
        "entered",
        "failures",
        "machine",
        "name",
        "parent",
        "parent_ticket",
        "run",
        "state",
        "status",
        "ticket",
        "token",
        "upcoming",
    )

    def __init__(self, machine: Machine, name: str, data: Any, run: Run | None) -> None:
        self.machine = machine
        self.name = name
        self.data = data
        self.run = run
        self.parent: Execution | None = None
        self.parent_ticket = 0
        self.status = Status.RUNNING
        self.answer: dict[str, Any] = {}
        self.state = ""
        self.upcoming: str | None = machine.start
        self.entered = datetime.min.replace(tzinfo=UTC)
        self.token = ""
        self.ticket = 0
        self.attempts = 0
        self.failures: dict[int, int] = {}

    @property
    def entered_text(self) -> str:
        return to_text(self.entered)


class Interpreter:
    """Runs executions on a host. It is also the `Executions` that the router speaks to."""

    def __init__(self, host: Host, machines: Mapping[str, Machine], trace: Trace) -> None:
        self._host = host
        self._machines = machines
        self._trace = trace
        self._running: dict[str, Execution] = {}
        self._tokens: dict[str, Execution] = {}
        self._legs: set[str] = set()
        self._parked: dict[str, Run] = {}
        """By the name of the execution that is to come."""

    # ------------------------------------------------------------------ commands

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None:
        """As StartExecution: a name that was used before starts nothing."""
        self._trace.calls["start"] += 1
        ids = state["ids"]
        if "after" in state:  # behind a parked wait: no first leg's state has it
            self._start_leg(journey, execution, state)
            return
        if execution in self._trace.runs:
            return
        run = Run(
            execution,
            journey,
            ids["customer"],
            ids["enrollment"],
            ids["run"],
            self._host.now,
            place=self._trace.place,
        )
        self._trace.runs[execution] = run
        started = Execution(self._machines[journey], execution, dict(state), run)
        self._running[execution] = started
        self._host.soon(lambda: self._go_on(started))

    def _start_leg(self, machine: str, execution: str, state: Mapping[str, Any]) -> None:
        """Its run goes on."""
        if execution in self._legs:
            return
        self._legs.add(execution)
        self._parked.pop(execution, None)
        run = self._trace.runs[state["ids"]["execution"]]
        run.parked = None
        started = Execution(self._machines[machine], execution, dict(state), run)
        self._running[execution] = started
        self._host.soon(lambda: self._go_on(started))

    def wake(self, token: str, result: Mapping[str, Any]) -> None:
        """As SendTaskSuccess; a token that is spent wakes nobody."""
        self._trace.calls["wake"] += 1
        execution = self._tokens.pop(token, None)
        if execution is None:
            return
        ticket = execution.ticket
        self._host.soon(lambda: self._resume(execution, ticket, dict(result)))

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None:  # noqa: ARG002 - names are unique here
        """As StopExecution: it ends at once, wherever it is. A child of its goes on."""
        self._trace.calls["stop"] += 1
        running = self._running.get(execution)
        if running is not None:
            self._end(running, Status.ABORTED, error, cause)
        elif run := self._parked.pop(execution, None):
            run.status, run.ended = Status.ABORTED, self._host.now
            run.error, run.cause = error, cause

    def settle_later(self, customer: str, execution: str) -> None:
        self._trace.calls["settle"] += 1
        self._host.settle_later(customer, execution)

    def start_sync(self, machine: Machine, parent: Execution, text: str) -> Any:
        """Run a child; its answer, or Pending.CHILD while it waits for something."""
        self._trace.calls["express"] += 1
        child = Execution(machine, f"{parent.name}.{parent.attempts}", json.loads(text), None)
        self._go_on(child)
        if child.status is not Status.RUNNING:
            return child.answer
        child.parent, child.parent_ticket = parent, parent.ticket
        if machine.timeout is not None:
            limit = self._host.now + timedelta(seconds=machine.timeout)
            self._host.later(limit, lambda: self._overdue(child))
        return Pending.CHILD

    # ------------------------------------------------------------------ moving

    def _go_on(self, execution: Execution) -> None:
        """Enter state after state until it waits or has ended."""
        for _ in range(_MOST_STATES):
            if execution.status is not Status.RUNNING or execution.upcoming is None:
                return
            execution.state, execution.upcoming = execution.upcoming, None
            execution.entered = self._host.now
            execution.failures.clear()
            if execution.run is not None:
                execution.run.states.append((execution.entered, execution.state))
                execution.run.places.append(self._trace.next_place())
                self._trace.calls["transition"] += 1
            self._perform(execution)
        raise LoopError(f"{execution.machine.name} goes round in state {execution.state!r}")

    def _perform(self, execution: Execution) -> None:
        state = execution.machine.states[execution.state]
        try:
            match state:
                case Task():
                    self._attempt(execution, state)
                case Choice():
                    execution.upcoming = _chosen(execution, state)
                case Pass():
                    made = state.make(execution)
                    self._leave(execution, put_at(execution.data, state.result, made), state.then)
                case Wait():
                    self._wait(execution, state)
                case Succeed():
                    self._succeed(execution)
                case Fail():
                    self._end(execution, Status.FAILED, state.error, state.cause)
        except StateError as error:
            self._end(execution, Status.FAILED, error.name, error.cause)

    def _leave(self, execution: Execution, data: Any, then: str | None) -> None:
        execution.data, execution.upcoming = data, then
        if then is None:
            self._succeed(execution)

    def _wait(self, execution: Execution, wait: Wait) -> None:
        execution.upcoming = wait.then
        until = (
            execution.entered + timedelta(seconds=wait.seconds or 0)
            if wait.until is None
            else _moment(wait.until(execution))
        )
        if until > self._host.now:
            then, execution.upcoming = execution.upcoming, None
            self._ring(execution, until - self._host.now, lambda: self._waited(execution, then))

    def _waited(self, execution: Execution, then: str) -> None:
        execution.upcoming = then
        self._go_on(execution)

    def _ring(self, execution: Execution, after: timedelta, action: Callable[[], None]) -> None:
        """Do it after a time, unless the execution has moved on."""
        ticket = execution.ticket

        def ring() -> None:
            if execution.status is Status.RUNNING and execution.ticket == ticket:
                execution.ticket += 1
                action()

        self._host.later(self._host.now + after, ring)

    # ------------------------------------------------------------------ tasks

    def _attempt(self, execution: Execution, task: Task) -> None:
        execution.attempts += 1
        execution.token = f"{execution.name}/{execution.attempts}"
        try:
            result = task.action(execution, self._host)
        except StateError as error:
            self._failed(execution, task, error)
            return
        if not isinstance(result, Pending):
            self._finished(execution, task, result)
            return
        if result is Pending.CALLBACK:
            self._tokens[execution.token] = execution
        limit = timedelta(seconds=task.timeout)
        self._ring(execution, limit, lambda: self._timed_out(execution, task))

    def _finished(self, execution: Execution, task: Task, result: Any) -> None:
        if task.selector is not None:
            result = task.selector(_Result(result, execution))
        data = execution.data
        if task.result is not None:
            data = put_at(data, task.result, result)
        self._leave(execution, data, task.then)

    def _resume(self, execution: Execution, ticket: int, result: Any) -> None:
        """What the task waited for has come."""
        if execution.status is not Status.RUNNING or execution.ticket != ticket:
            return
        execution.ticket += 1
        task = execution.machine.states[execution.state]
        assert isinstance(task, Task)  # noqa: S101 - only tasks have tokens and children
        try:
            self._finished(execution, task, result)
        except StateError as error:
            self._end(execution, Status.FAILED, error.name, error.cause)
        self._go_on(execution)

    def _timed_out(self, execution: Execution, task: Task) -> None:
        self._tokens.pop(execution.token, None)
        self._failed(execution, task, StateError(TIMEOUT))
        self._go_on(execution)

    def _failed(self, execution: Execution, task: Task, error: StateError) -> None:
        for number, retrier in enumerate(task.retriers):
            if matches(retrier.errors, error.name):
                failures = execution.failures[number] = execution.failures.get(number, 0) + 1
                if failures <= retrier.attempts:
                    bound = retrier.bound(failures)
                    self._retry_after(bound, execution, task)
                    return
                break
        for catcher in task.catchers:
            if matches(catcher.errors, error.name):
                if catcher.result is not None:
                    execution.data = put_at(execution.data, catcher.result, error.document())
                execution.upcoming = catcher.then
                return
        status = Status.TIMED_OUT if error.name == TIMEOUT else Status.FAILED
        self._end(execution, status, error.name, error.cause)

    def _retry_after(self, bound: float, execution: Execution, task: Task) -> None:
        """Once more, after a part of the bound; Step Functions charges it as a transition."""
        if execution.run is not None:
            self._trace.calls["transition"] += 1
        part = self._host.draw(execution.name, execution.state, execution.attempts)
        delay = timedelta(milliseconds=round(bound * part * 1000))
        self._ring(execution, delay, lambda: self._again(execution, task))

    def _again(self, execution: Execution, task: Task) -> None:
        try:
            self._attempt(execution, task)
        except StateError as error:
            self._end(execution, Status.FAILED, error.name, error.cause)
        self._go_on(execution)

    # ------------------------------------------------------------------ endings

    def _overdue(self, child: Execution) -> None:
        if child.status is Status.RUNNING:
            self._end(child, Status.TIMED_OUT, TIMEOUT)

    def _succeed(self, execution: Execution) -> None:
        self._end(execution, Status.SUCCEEDED)

    def _end(
        self, execution: Execution, status: Status, error: str | None = None, cause: str = ""
    ) -> None:
        execution.status, execution.upcoming = status, None
        self._tokens.pop(execution.token, None)
        if execution.run is not None:
            run = execution.run
            if status is Status.SUCCEEDED and execution.state.endswith(DELAY_PARKED):
                self._park(execution, run)
                return
            run.status, run.ended, run.error = status, self._host.now, error
            run.cause = cause if error else None
            del self._running[execution.name]
            return
        execution.answer = (
            sync_answer(execution.data)
            if error is None
            else {"Status": str(status), "Error": error, "Cause": cause}
        )
        if execution.parent is not None:
            self._resume(execution.parent, execution.parent_ticket, execution.answer)

    def _park(self, execution: Execution, run: Run) -> None:
        """The execution has ended, and its run has not."""
        run.parked = self._host.now
        upcoming = execution_name(run.execution, int(execution.data["next_leg"]))
        self._parked[upcoming] = run
        del self._running[execution.name]


class _Result:
    """The frame of a ResultSelector: the result, in the context of its state."""

    __slots__ = ("_execution", "data", "token")

    def __init__(self, data: Any, execution: Execution) -> None:
        self.data = data
        self.token = execution.token
        self._execution = execution

    @property
    def entered_text(self) -> str:
        return self._execution.entered_text


def _chosen(execution: Execution, choice: Choice) -> str:
    for test, then in choice.rules:
        if test(execution):
            return then
    if choice.default is None:
        raise StateError("States.NoChoiceMatched")
    return choice.default


def _moment(text: Any) -> datetime:
    """A Wait's timestamp, of which Step Functions drops what is less than a second."""
    try:
        return from_text(text).replace(microsecond=0)
    except (TypeError, ValueError) as error:
        raise runtime(f"{text!r} is no time") from error
