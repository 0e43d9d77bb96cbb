"""A case on moto: the real handlers, and state machines that moto executes."""

from __future__ import annotations

import itertools
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.account import ACCOUNT, REGION
from stepwell.aws.attributes import from_attributes
from stepwell.handover.errors import AlreadyHandedOverError, EnrollmentEndedError
from stepwell.handover.telling import HandOver
from stepwell.ports import Outgoing
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.simulation.providers import RecordedProvider
from stepwell.storage.operations import Item
from tests.agreement.cases import Call, Case, project_of
from tests.agreement.scripted import CHANNELS, Faults, Script, ScriptedProvider
from tests.agreement.telling import Story, Told
from tests.agreement.turns import OrderedClock, executions_in_turn
from tests.support.stage import PREFIX, Stage

COUNTED = ("plan", "consent", "frequency_cap", "delivery", "hand_over")
ANSWERS = (EnrollmentEndedError, AlreadyHandedOverError)


def play_on_moto(case: Case) -> Story:
    """The case from its start until nothing waits any more."""
    clock = OrderedClock(case.start)
    with project_of(case) as root, Stage(case.start, project=root, clock=clock) as stage:
        play = _Play(case, stage, clock)
        with executions_in_turn(clock), play.watching(), _in_silence():
            for call in case.in_order():
                stage.engine.run_until(call.at)
                with clock.turns.taken():
                    play.make(call)
                stage.engine.settle()
            if end := case.end():
                stage.engine.run_until(end)
            else:
                stage.engine.run_until_idle()
            return play.story()


class _Play:
    """One case under way on a stage."""

    def __init__(self, case: Case, stage: Stage, clock: OrderedClock) -> None:
        self.case, self.stage, self.clock = case, stage, clock
        self.bodies: dict[str, str] = {}
        self.sends: list[tuple[datetime, Outgoing, str]] = []
        self.problems: list[tuple[datetime, str]] = []
        self.calls: Counter[str] = Counter()
        self.told: list[HandOver] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Sends and warnings are noted, providers and functions fail as the case says, and ids of
        customers are counted up.
        """
        router, plan, delivery = (_module(name) for name in ("router", "plan", "delivery"))
        numbers = itertools.count(1)
        count_up = SimpleNamespace(token_hex=lambda _: f"{next(numbers):024x}")
        logger = SimpleNamespace(
            debug=_ignore, info=_ignore, error=_ignore, warning=self._note_problem
        )
        script, real = Script(self.case.providers), delivery.providers()
        providers = {
            channel: RecordedProvider(ScriptedProvider(script, real[channel]), self._note_send)
            for channel in CHANNELS
        }
        hand_over = _module("hand_over")
        destinations = SimulatedDestinations(
            hand_over.destinations().declared, self.case.destinations, self.told
        )
        faults = Faults(self.case.faults)
        for name in COUNTED:
            reference = PREFIX + name.replace("_", "-")
            handler = self.stage.engine.functions.handler(reference)
            self.stage.engine.replace_function(reference, self._counted(name, handler, faults))
        with (
            patch.object(router, "secrets", count_up),
            patch.object(router, "logger", logger),
            patch.object(plan, "logger", logger),
            patch.object(delivery, "providers", lambda: providers),
            patch.object(hand_over, "destinations", lambda: destinations),
        ):
            yield

    def make(self, call: Call) -> None:
        """One call to ingest, and the router's turn; or the queue message once more."""
        if not call.again:
            answer = self.stage.call(call.kind, call.document)
            assert answer["statusCode"] == 200, answer
            self.bodies[call.message_id] = self._taken_from_queue()
        answer = self.stage.route([self.bodies[call.message_id]])
        assert answer == {"batchItemFailures": []}, answer
        self.stage.deliver()  # what the event told

    def _taken_from_queue(self) -> str:
        queue = self.stage.engine.client("sqs")
        (message,) = queue.receive_message(QueueUrl=self.stage.events_url)["Messages"]
        queue.delete_message(QueueUrl=self.stage.events_url, ReceiptHandle=message["ReceiptHandle"])
        return str(message["Body"])

    def _counted(
        self, name: str, handler: Callable[[Any, Any], Any], faults: Faults
    ) -> Callable[[Any, Any], Any]:
        def handle(event: Any, context: Any) -> Any:
            self.calls[name] += 1
            error = faults.next(name)
            if error is not None:
                raise type(error, (Exception,), {})("the case says so")
            try:
                return handler(event, context)
            except ANSWERS:
                raise
            except Exception as failure:
                self.problems.append((self.clock.now(), f"{name} failed: {_shown(failure)}"))
                raise

        return handle

    def _note_send(self, outgoing: Outgoing, outcome: str) -> None:
        self.sends.append((self.clock.now(), outgoing, outcome))

    def _note_problem(self, _text: str, *, extra: dict[str, str]) -> None:
        self.problems.append((self.clock.now(), extra["problem"]))

    # ------------------------------------------------------------------ looking

    def story(self) -> Story:
        return Story(
            executions=_joined(self._executions()),
            sends=self.sends,
            told=self.told,
            items=dict(self._items()),
            problems=self.problems,
            calls=self.calls,
        )

    def _executions(self) -> Iterator[Told]:
        machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        for machine in machines:
            for execution in machine.executions:
                events = self.stage.engine.history(execution.execution_arn)
                entered = [
                    (_whole(event["timestamp"]), event["stateEnteredEventDetails"]["name"])
                    for event in events
                    if "stateEnteredEventDetails" in event
                ]
                stop = execution.stop_date
                yield Told(
                    execution=execution.name,
                    started=_whole(execution.start_date),
                    states=entered,
                    status=str(execution.exec_status.value),
                    ended=_whole(stop) if stop else None,
                    error=execution.error,
                    cause=execution.cause,
                )

    def _items(self) -> Iterator[tuple[str, Item]]:
        client = self.stage.engine.client("dynamodb")
        for table in ("customers", "records"):
            for page in client.get_paginator("scan").paginate(TableName=PREFIX + table):
                for each in page["Items"]:
                    item = from_attributes(each)
                    if not item["pk"].startswith("WRITE_KEY#"):
                        yield f"{table} {item['pk']} {item['sk']}", item


def _joined(executions: Iterable[Told]) -> list[Told]:
    """The legs of a run as one, by their names: what parked a wait has succeeded, and then the next
    one goes on.
    """
    found = {told.execution: told for told in executions}
    for name in [name for name in found if name not in _first_legs(found)]:
        first, number = name.rpartition("-")[0], int(name.rpartition("-")[2])
        before = found[first if number == 2 else f"{first}-{number - 1}"]
        assert (before.status, before.states[-1][1][-8:]) == ("SUCCEEDED", ": parked"), before
    joined = []
    for name in _first_legs(found):
        legs = [found[name]]
        while (following := found.get(f"{name}-{len(legs) + 1}")) is not None:
            legs.append(following)
        states = [state for leg in legs for state in leg.states]
        joined.append(replace(legs[-1], execution=name, started=legs[0].started, states=states))
    return joined


def _first_legs(names: Iterable[str]) -> list[str]:
    """`<customer>-<enrollment>-<run>`; a later leg has its number behind it."""
    return [name for name in names if name.count("-") == 2]


@contextmanager
def _in_silence() -> Iterator[None]:
    """moto logs every state that fails as an error, and some shall fail."""
    logger = logging.getLogger("moto.stepfunctions")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _module(function: str) -> Any:
    """The handler's module, as the stage loaded it."""
    return sys.modules[f"{PREFIX.replace('-', '_')}{function}_handler_in_process"]


def _whole(moment: datetime) -> datetime:
    """Without what is lost and won when a moment becomes a number of seconds and back."""
    moment = moment.astimezone(UTC) + timedelta(microseconds=500)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _shown(failure: Exception) -> str:
    """Handlers leave out what errors of others say."""
    ours = type(failure).__module__.startswith("stepwell.")
    return repr(failure) if ours else f"{type(failure).__name__}()"


def _ignore(*_: Any, **__: Any) -> None:
    pass
