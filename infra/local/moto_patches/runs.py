"""The executions that are under way: where each is parked, and who holds its task tokens."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from infra.local.clock import Alarm, Rang, StepClock


class StoppedError(BaseException):
    """The execution was stopped while it was parked.

    Not an `Exception`, because moto turns those into failures of the state, with retries and
    catches.
    """


class Runs:
    """Parks executions on the clock and finds them again. `env` is moto's Environment or a frame
    of it.
    """

    def __init__(self, clock: StepClock) -> None:
        self.clock = clock
        self.starting = threading.RLock()
        self._lock = threading.Lock()
        self._parked: dict[str, Alarm] = {}
        self._tokens: dict[str, Alarm] = {}
        self._newest = threading.local()

    def park(self, env: Any, moment: datetime | None, alarm: Alarm | None = None) -> Rang:
        """Wait until `moment` or until somebody rings. Raises StoppedError."""
        alarm = alarm or Alarm()
        execution = execution_of(env)
        with self._lock:
            self._parked[execution] = alarm
        # A stop marks the environment first and looks for the alarm then: one of the two sees it.
        rang = self.clock.park(alarm, moment) if env.is_running() else Rang.WOKEN
        with self._lock:
            self._parked.pop(execution, None)
        if not env.is_running():
            raise StoppedError
        return rang

    def unpark(self, execution: str) -> None:
        with self._lock:
            alarm = self._parked.get(execution)
        if alarm is not None:
            self.clock.wake(alarm)

    def issue(self, token: str) -> None:
        with self._lock:
            self._newest.alarm = self._tokens[token] = Alarm()

    def spend(self) -> None:
        """The attempt is over for which this thread was issued its last token."""
        alarm = getattr(self._newest, "alarm", None)
        if alarm is not None:
            self.clock.wake(alarm)

    def holder(self, token: str) -> Alarm | None:
        """The alarm of a token that was ever issued."""
        with self._lock:
            return self._tokens.get(token)


def execution_of(env: Any) -> str:
    """The ARN of the execution that a moto environment or frame belongs to."""
    return str(env.states.context_object.context_object_data["Execution"]["Id"])
