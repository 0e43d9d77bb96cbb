"""Stepped local time: it stands still while anything is at work and moves only between.

Every piece of work (a running handler, an execution between two states, an HTTP request) is counted
from the moment it is caused, by whoever causes it. A Wait state or a callback parks its execution
on an `Alarm`, which gives its count back; whoever rings the alarm takes a count for it in the same
moment, so a wake that has been sent but not picked up is work. Queues are asked whether they are
empty. When nothing is at work, time may move, in one of two ways:

- `run_until` and `run_until_idle` jump from alarm to alarm (replays and tests). What comes of
  itself, such as a schedule, is not waited for by the second: time would never end;
- `run` lets time pass at so many virtual seconds a second, up to the next alarm (afterwards).

Order at one moment: what a caller of `run_until` does at that moment comes before the alarms of
that moment, so an event and a timer in the same second are settled in the event's favour. Alarms
ring one at a time, in the order of their moments and then in the order in which they were set,
those of schedules last, and each is worked off before the next: the same replay gives the same
order.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any


class StillBusyError(Exception):
    """Something is still at work after the real time that the caller would wait."""


class Rang(Enum):
    """Why an alarm rang."""

    TIME = "its moment has come"
    WOKEN = "somebody rang it before"


@dataclass(eq=False, slots=True)
class Alarm:
    """One wait for a moment or a wake, whichever comes first. Only its clock changes it."""

    rang: Rang | None = None
    value: Any = None
    """What `StepClock.wake` gave."""
    parked: bool = False
    awaited: bool = False
    """It has a moment, and is no schedule's."""
    bell: threading.Event = field(default_factory=threading.Event)


class _Caller(threading.Event):
    """Nobody waits for it: ringing it starts what is to be done."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def set(self) -> None:
        threading.Thread(target=self._act, daemon=True, name="alarm").start()


class StepClock:
    """Virtual time, the count of what is at work, and the alarms. Safe under threads."""

    def __init__(self, start: datetime) -> None:
        self._changed = threading.Condition()
        self._now = start
        self._busy = 0
        self._alarms: list[tuple[datetime, bool, int, Alarm]] = []
        self._awaited = 0
        self._numbers = itertools.count()
        self._sources: list[Callable[[], bool]] = []
        self._pace: tuple[float, float] | None = None
        self._closed = False

    def now(self) -> datetime:
        with self._changed:
            return self._passed()

    # ------------------------------------------------------------------ work

    def begin(self) -> None:
        """One more piece of work; time stands still from here."""
        with self._changed:
            self._stand()
            self._busy += 1
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    @contextmanager
    def work(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    def add_source(self, is_empty: Callable[[], bool]) -> None:
        """A place where work may lie, such as a queue; its owner calls `touch` when it changes."""
        with self._changed:
            self._sources.append(is_empty)

    def touch(self) -> None:
        """A source has changed."""
        with self._changed:
            if not self._is_idle():
                self._stand()
            self._changed.notify_all()

    # ------------------------------------------------------------------ alarms

    def park(self, alarm: Alarm, moment: datetime | None) -> Rang:
        """Hand the caller's count back until `moment` (None: until woken). Answers why it rang."""
        with self._changed:
            if alarm.rang is None and moment is not None and moment <= self._now:
                alarm.rang = Rang.TIME
            if alarm.rang is not None:
                return alarm.rang
            alarm.parked = True
            if moment is not None:
                self._set(moment, alarm, awaited=True)
            self._busy -= 1
            self._changed.notify_all()
        alarm.bell.wait()
        assert alarm.rang is not None  # noqa: S101 - the bell rings after `rang` is set
        return alarm.rang

    def wake(self, alarm: Alarm, value: Any = None) -> bool:
        """Ring it before its moment; False when it has rung already. It need not be parked yet."""
        with self._changed:
            if alarm.rang is not None:
                return False
            alarm.value = value
            self._ring(alarm, Rang.WOKEN)
            return True

    def _set(self, moment: datetime, alarm: Alarm, *, awaited: bool) -> None:
        alarm.awaited = awaited
        self._awaited += awaited
        heapq.heappush(self._alarms, (moment, not awaited, next(self._numbers), alarm))

    def _ring(self, alarm: Alarm, why: Rang) -> None:
        alarm.rang = why
        self._awaited -= alarm.awaited
        if alarm.parked:
            self._stand()
            self._busy += 1
            alarm.bell.set()
        self._changed.notify_all()

    def call_at(
        self, moment: datetime, action: Callable[[], None], *, awaited: bool = True
    ) -> None:
        """Do it in a thread of its own when the moment has come; it is work until it is done.

        `awaited`: `run_until_idle` goes on to it.
        """

        def act() -> None:
            try:
                action()
            finally:
                self.end()

        alarm = Alarm(parked=True, bell=self.caller(act))
        with self._changed:
            self._set(moment, alarm, awaited=awaited)
            self._changed.notify_all()

    def caller(self, act: Callable[[], None]) -> threading.Event:
        """A bell that starts a thread when it is rung."""
        return _Caller(act)

    # ------------------------------------------------------------------ moving

    def settle(self, timeout: float | None = None) -> None:
        """Wait until nothing is at work. Raises StillBusyError after `timeout` real seconds."""
        with self._changed:
            self._await_idle(timeout)

    def run_until(self, moment: datetime, timeout: float | None = None) -> None:
        """Ring all alarms before `moment`, work each off, and stand at `moment`.

        Alarms of `moment` itself have not rung: what the caller does now comes first. `timeout` is
        in real seconds and bounds the work between two alarms.
        """
        with self._changed:
            self._await_idle(timeout)
            while not self._closed and self._ring_next(lambda at: at < moment):
                self._await_idle(timeout)
            self._now = max(self._now, moment)

    def run_until_idle(self, timeout: float | None = None) -> None:
        """Ring every alarm there is, including those that are set meanwhile, until only those of
        schedules are left.
        """
        with self._changed:
            self._await_idle(timeout)
            while not self._closed and self._awaited and self._ring_next(lambda _: True):
                self._await_idle(timeout)

    def run(self, speed: float) -> None:
        """Let idle time pass, `speed` virtual seconds a second, until `close`."""
        with self._changed:
            while not self._closed:
                if not self._is_idle():
                    self._changed.wait()
                    continue
                self._pace = (time.monotonic(), speed)
                upcoming = self._next()
                wait = None if upcoming is None else (upcoming - self._now).total_seconds() / speed
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                self._stand()
                if self._is_idle():
                    self._ring_next(lambda at: at <= self._now)

    def close(self) -> None:
        """End every mover, now; parked executions stay parked."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # ------------------------------------------------------------------ inside the lock

    def _is_idle(self) -> bool:
        return self._busy == 0 and all(is_empty() for is_empty in self._sources)

    def _await_idle(self, timeout: float | None) -> None:
        if not self._changed.wait_for(lambda: self._closed or self._is_idle(), timeout):
            raise StillBusyError(f"still at work after {timeout} s: {self._busy} pieces")

    def _passed(self) -> datetime:
        """The present moment: while time runs it is computed, never beyond the next alarm."""
        if self._pace is None:
            return self._now
        since, speed = self._pace
        moment = self._now + timedelta(seconds=(time.monotonic() - since) * speed)
        upcoming = self._next()
        return moment if upcoming is None else min(moment, max(upcoming, self._now))

    def _stand(self) -> None:
        self._now = self._passed()
        self._pace = None

    def _next(self) -> datetime | None:
        while self._alarms and self._alarms[0][-1].rang is not None:
            heapq.heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def _ring_next(self, may: Callable[[datetime], bool]) -> bool:
        upcoming = self._next()
        if upcoming is None or not may(upcoming):
            return False
        alarm = heapq.heappop(self._alarms)[-1]
        self._now = max(self._now, upcoming)
        self._ring(alarm, Rang.TIME)
        return True
