"""Actors that run one at a time, and a schedule that says where one of them is interrupted.

An actor is a call in a thread of its own. It runs on until it comes to the pause of an interruption
(before each call to a store, to Step Functions or to a provider it pauses); then another one may go
on, or the call fails. Between pauses nothing else happens, so the same schedule gives the same run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class KilledError(BaseException):
    """The process died here; nothing of its code sees it."""


class What(StrEnum):
    """What may happen at a pause."""

    SWITCH = "another actor goes on"
    TICK = "time goes on to what is due within seconds, and that goes on"
    KILL = "the process dies before the call acts"
    KILL_AFTER = "the process dies after the call has acted"
    BUSY = "the call is refused: throttled"
    LOST = "the call acts, and its answer is lost"
    ABANDON = "who waits for this function waits no longer, and the function goes on"
    AGAIN = "the message that this router works on is delivered a second time"


@dataclass(frozen=True, slots=True)
class Interruption:
    """After so many pauses since the last one; `which` chooses among what there is to choose."""

    after: int
    what: What
    which: int = 0


@dataclass(eq=False)
class Actor:
    """`kind` says what it is to those who interrupt it."""

    kind: str
    call: Callable[[], None]
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    awaits: Actor | None = None
    about: object = None
    is_started: bool = False
    is_done: bool = False
    is_abandoned: bool = False
    is_held: bool = False
    """Interrupted: it goes on when no other can, so that one interruption is enough for a race."""

    @property
    def is_ready(self) -> bool:
        if self.is_done:
            return False
        return self.awaits is None or self.awaits.is_done or self.awaits.is_abandoned


_NEWEST = -1


class Baton:
    """Who runs. `tick` is asked to let something begin that is due soon, `again` to deliver once
    more what an actor works on; both answer whether there was anything.
    """

    def __init__(
        self,
        schedule: Sequence[Interruption],
        tick: Callable[[], bool],
        again: Callable[[Actor], bool],
    ) -> None:
        self.actors: list[Actor] = []
        self.errors: list[BaseException] = []
        self.happened: list[tuple[Interruption, str, str]] = []
        """Interruptions that came to something: where, and whose."""
        self._left = list(schedule)
        self._tick = tick
        self._again = again
        self._pauses = 0
        self._main = threading.Semaphore(0)
        self._current: Actor | None = None
        self._wanted: int | None = None

    def spawn(self, kind: str, call: Callable[[], None], about: object = None) -> Actor:
        actor = Actor(kind, call, about=about)
        self.actors.append(actor)
        return actor

    @property
    def current(self) -> Actor:
        assert self._current is not None
        return self._current

    def run(self) -> None:
        """Until no actor can go on. Raises what an actor did not expect."""
        while ready := [each for each in self.actors if each.is_ready]:
            self._resume(self._chosen(ready))
            self.actors = [each for each in self.actors if not each.is_done]
            if self.errors:
                raise self.errors[0]
        assert not self.actors, "an actor waits for ever"

    def pause(self, site: str) -> What | None:
        """At a call: what is to become of it, None for nothing."""
        if not self._left:
            return None
        self._pauses += 1
        if self._pauses <= self._left[0].after:
            return None
        if self._left[0].what is What.SWITCH and not self._others():
            return None  # it comes when there is somebody to switch to
        self._pauses = 0
        interruption = self._left.pop(0)
        return self._interrupted(interruption, site)

    def wait_for(self, actor: Actor) -> bool:
        """Let others go on until it has ended; whether it has, and is not abandoned."""
        self.current.awaits = actor
        self._yield()
        self.current.awaits = None
        return actor.is_done

    def _interrupted(self, interruption: Interruption, site: str) -> What | None:
        what, actor = interruption.what, self.current
        self.happened.append((interruption, site, actor.kind))
        match what:
            case What.TICK | What.AGAIN:
                if self._tick() if what is What.TICK else self._again(actor):
                    actor.is_held = True
                    self._wanted = _NEWEST
                    self._yield()
                return None
            case What.SWITCH:
                actor.is_held = True
                self._wanted = interruption.which
                self._yield()
                return None
            case What.ABANDON:
                actor.is_abandoned = actor.kind == "function"
                self._yield()
                return None
        return what

    def _others(self) -> list[Actor]:
        return [each for each in self.actors if each.is_ready and each is not self._current]

    def _chosen(self, ready: list[Actor]) -> Actor:
        """Whom the interruption asks for, else who was at it, else who has waited longest; those
        who were interrupted last of all.
        """
        wanted, self._wanted = self._wanted, None
        if wanted == _NEWEST:
            return ready[-1]
        if wanted is not None:
            others = [each for each in ready if each is not self._current] or ready
            return others[wanted % len(others)]
        free = [each for each in ready if not each.is_held]
        if not free:
            ready[0].is_held = False
            return ready[0]
        return self._current if self._current in free else free[0]

    def _resume(self, actor: Actor) -> None:
        self._current = actor
        if actor.is_started:
            actor.turn.release()
        else:
            actor.is_started = True
            threading.Thread(target=self._run, args=(actor,), daemon=True).start()
        self._main.acquire()

    def _yield(self) -> None:
        actor = self.current
        self._main.release()
        actor.turn.acquire()

    def _run(self, actor: Actor) -> None:
        try:
            actor.call()
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self.errors.append(error)
        finally:
            actor.is_done = True
            self._main.release()
