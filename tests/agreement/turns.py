"""Makes moto deterministic: of several executions at work, one at a time, in the order of cause.

moto runs each execution in a thread, so two that one event started or woke race for a cap's unit
and for the order of their timers. Here each waits for its turn, which it gets in the order in which
it was started, woken or rung, and keeps until it waits or ends. That is the rule that the simulator
declares; AWS declares none, and either order is right there.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.stepfunctions.parser.asl.component.common.retry import (
    jitter_strategy_decl,
    retrier_decl,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from infra.local.clock import Alarm, Rang, StepClock
from tests.agreement.scripted import JITTER


class Turns:
    """A queue of tickets; whose ticket is in front is at work."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: deque[object] = deque()

    def ticket(self) -> object:
        with self._changed:
            self._tickets.append(ticket := object())
            return ticket

    def wait(self, ticket: object) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._tickets[0] is ticket)

    def give_up(self) -> None:
        """Whoever is at work lets the next one work."""
        with self._changed:
            self._tickets.popleft()
            self._changed.notify_all()

    @contextmanager
    def taken(self) -> Iterator[None]:
        self.wait(self.ticket())
        try:
            yield
        finally:
            self.give_up()


class _Bell(threading.Event):
    """Waiting for it gives up the turn; ringing it takes a ticket for the next."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns
        self._ticket: object = None

    def set(self) -> None:
        self._ticket = self._turns.ticket()
        super().set()

    def wait(self, timeout: float | None = None) -> bool:
        self._turns.give_up()
        rang = super().wait(timeout)
        self._turns.wait(self._ticket)
        return rang


class _InTurnWhenRung(threading.Event):
    """Ringing it takes a ticket, and starts a thread that works when it is its turn."""

    def __init__(self, turns: Turns, act: Callable[[], None]) -> None:
        super().__init__()
        self._turns, self._act = turns, act

    def set(self) -> None:
        ticket = self._turns.ticket()

        def run() -> None:
            self._turns.wait(ticket)
            try:
                self._act()
            finally:
                self._turns.give_up()

        threading.Thread(target=run, daemon=True).start()


class OrderedClock(StepClock):
    """A stepped clock under which executions take turns."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.turns = Turns()

    def park(self, alarm: Alarm, moment: datetime | None) -> Rang:
        alarm.bell = _Bell(self.turns)  # nobody rings an alarm's bell before it is parked
        return super().park(alarm, moment)

    def caller(self, act: Callable[[], None]) -> threading.Event:
        return _InTurnWhenRung(self.turns, act)

    def sleep(self, seconds: float) -> None:
        """What moto does before a retry, in virtual time."""
        self.park(Alarm(), self.now() + timedelta(seconds=seconds))


@contextmanager
def executions_in_turn(clock: OrderedClock) -> Iterator[None]:
    """To be entered after moto was patched for the local stack."""
    start: Callable[[Any], None] = ExecutionWorker.start

    def start_in_turn(worker: Any) -> None:
        worker.program = _InTurn(worker.program, clock.turns)
        start(worker)

    with (
        patch.object(ExecutionWorker, "start", start_in_turn),
        patch.object(retrier_decl, "time", SimpleNamespace(sleep=clock.sleep)),
        patch.object(jitter_strategy_decl, "random", SimpleNamespace(uniform=_jitter)),
    ):
        yield


def _jitter(low: float, high: float) -> float:
    return low + (high - low) * JITTER


class _InTurn:
    """The program of one execution, which begins when it is its turn."""

    def __init__(self, program: Any, turns: Turns) -> None:
        self._program = program
        self._turns = turns
        self._ticket = turns.ticket()

    def eval(self, env: Any) -> None:
        self._turns.wait(self._ticket)
        try:
            self._program.eval(env)
        finally:
            self._turns.give_up()
