"""Stories of many people side by side on one stage, each with one invocation under a fault.

    with crash_stage() as stage:
        told = stage.play([Case("ada", events, {1: Invocation(fault)}), …])["ada"]

A case is a person; a story is what happens to each of them, an event a minute, and then time runs
until nothing waits any more. Whatever fails is redelivered as AWS does it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from stepwell.aws.hasher import SecretHasher
from stepwell.customers import keys
from stepwell.customers.identity_rules import USER_ID
from stepwell.customers.people import load_person
from stepwell.events.model import Event, to_message
from stepwell.messages.unanswered import SETTLE
from tests.support.aftermath import Aftermath, Facts
from tests.support.aws_faults import AwsFaults, Invocation
from tests.support.crash_project import crash_project
from tests.support.redelivery import redeliver, work_off_commands
from tests.support.stage import TUESDAY, Stage
from tests.support.world import event

Make = Callable[[str], Event]
"""Makes a person's event, given their user id."""

MINUTE = timedelta(minutes=1)


def of_user(name: str, *, number: str = "1", device: bool = False, **more: Any) -> Make:
    """`device`: it comes from the person's device, which is told."""
    return lambda who: event(
        name, number=number, user_id=who, anonymous_id=f"{who}-device" if device else None, **more
    )


def of_device(name: str) -> Make:
    return lambda who: event(name, number="d", user_id=None, anonymous_id=f"{who}-device")


@dataclass
class Case:
    """A person, their events in order, and the watches over invocations for them.

    `watches`: over the deliveries of events to the router, by the events' numbers. `functions`:
    over the first invocation of other functions that the last event brings about, or the one with
    the number `functions_at`. `commands`: over the commands function, when it takes what the router
    could not do for an event. `look`: over it when it first looks at what an execution left.
    """

    who: str
    events: Sequence[Make]
    watches: Mapping[int, Invocation] = field(default_factory=dict)
    functions: Mapping[str, Invocation] = field(default_factory=dict)
    functions_at: int = -1
    commands: Mapping[int, Invocation] = field(default_factory=dict)
    look: Invocation | None = None


class CrashStage:
    """A stage with the project of crashes, whose functions' calls may fail."""

    def __init__(self, stage: Stage, faults: AwsFaults) -> None:
        self.stage = stage
        self.faults = faults
        self._next: list[Invocation] = []
        secrets = stage.engine.client("secretsmanager")
        self._hash = SecretHasher(secrets, os.environ["HASH_SECRET_ARN"])
        self._of_functions: dict[tuple[str, str], Invocation] = {}
        self._next_commands: list[Invocation] = []
        self._looks: dict[str, Invocation] = {}
        stage.engine.on_alarm = self._work_off
        faults.watch("commands", self._commands_watch)
        faults.watch("router", lambda _: self._next.pop() if self._next else None)
        for function in ("plan", "consent", "frequency_cap", "delivery"):
            faults.watch(function, partial(self._take_watch, function))

    def _take_watch(self, function: str, payload: Any) -> Invocation | None:
        customer = payload["ids"]["customer"] if "ids" in payload else payload["customer"]
        return self._of_functions.pop((function, customer), None)

    def _work_off(self) -> None:
        work_off_commands(self.stage)

    def _commands_watch(self, given: Any) -> Invocation | None:
        if self._next_commands:
            return self._next_commands.pop()
        commands = [json.loads(each["body"]) for each in given["Records"]]
        looked_at = [each["customer"] for each in commands if each.get("command") == SETTLE]
        found = [self._looks.pop(each) for each in looked_at if each in self._looks]
        return found[0] if found else None

    def play(self, cases: Sequence[Case]) -> dict[str, Facts]:
        """What the stage shows of each in the end. The last events of all come together."""
        longest = max(len(case.events) for case in cases)
        for turn in range(longest):
            for case in cases:
                number = turn - (longest - len(case.events))
                if number >= 0:
                    self._deliver(case, number)
            self.stage.engine.settle()
            work_off_commands(self.stage)
            self.stage.engine.run_until(self.now() + MINUTE)
        self.stage.engine.run_until_idle()
        after = Aftermath(self.stage)
        assert not after.running, "an execution never ended"
        return {case.who: after.of(*self.ids(case.who)) for case in cases}

    def now(self) -> datetime:
        return self.stage.engine.clock.now()

    def _deliver(self, case: Case, number: int) -> None:
        self._next[:] = [case.watches[number]] if number in case.watches else []
        if any(each.cold for each in self._next):
            self.stage.engine.settle()  # all processes are this one, and would warm it up
        if case.functions and number == case.functions_at % len(case.events):
            (customer,) = self.ids(case.who)
            watches = {(name, customer): watch for name, watch in case.functions.items()}
            self._of_functions |= watches
        if case.look and number == len(case.events) - 1:
            self._looks |= dict.fromkeys(self.ids(case.who), case.look)
        made = case.events[number](case.who)
        redeliver(self.stage, "router", [to_message(_at(made, self.now()))])
        self._next.clear()
        if number in case.commands:
            self._next_commands[:] = [case.commands[number]]
            self.stage.engine.settle()
            work_off_commands(self.stage)

    def ids(self, who: str) -> list[str]:
        """The customers that this user is and was."""
        identity = self.stage.store.get(keys.identity(USER_ID, self._hash(USER_ID, who)))
        assert identity is not None, f"nobody is {who}"
        person = load_person(self.stage.store, identity["customer"])
        return [person.customer, *(person.profile or {}).get("former", ())]


def _next_of(watches: list[Invocation], _: Any) -> Invocation | None:
    return watches.pop() if watches else None


def _at(made: Event, moment: datetime) -> Event:
    return replace(made, timestamp=moment, received_at=moment)


@contextmanager
def crash_stage(*journeys: str) -> Iterator[CrashStage]:
    """With some of the project's journeys, or all."""
    with (
        crash_project(*journeys) as root,
        Stage(TUESDAY, project=root) as stage,
        AwsFaults(stage) as faults,
    ):
        yield CrashStage(stage, faults)
