"""An exit while a send is in flight: the claim decides which of the two came first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.events.model import EventType, to_message
from tests.support.aftermath import texts_to
from tests.support.aws_faults import hooked_clients
from tests.support.crash_project import small_project
from tests.support.races import together
from tests.support.stage import TUESDAY, Stage
from tests.support.world import event

OFFER = """\
journey: offer
purpose: marketing
entry: {event: Began, reentry: always}
exit: [{event: Left}]
steps:
  - delay: {name: A while, for: 10m}
  - message: {name: Offer, channels: [sms], template: hello}
  - delay: {name: Later, for: 1h}
"""
PHONE = "+447700900123"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with small_project({"offer": OFFER}) as root, Stage(TUESDAY, project=root) as stage:
        traits = {"phone": PHONE, "timezone": "UTC"}
        stage.route([to_message(event("", type=EventType.IDENTIFY, traits=traits))])
        yield stage


class Gate:
    """Holds a call up that another thread than this one makes, until it is opened."""

    def __init__(self) -> None:
        self._main = threading.current_thread()
        self.reached, self._opened = threading.Event(), threading.Event()

    def __call__(self, **_: Any) -> None:
        if threading.current_thread() is not self._main:
            self.reached.set()
            assert self._opened.wait(20)

    def open(self) -> None:
        self._opened.set()


def body(stage: Stage, name: str, number: int = 1) -> str:
    return to_message(event(name, number=str(number), at=stage.engine.clock.now()))


def while_it_is_held_up(stage: Stage, call: str, meanwhile: Callable[[], None]) -> None:
    """Let the message be sent, and do something just before the call that delivery makes."""
    gate = Gate()
    with hooked_clients({f"before-call.{call}": gate}):
        send_through(gate, stage, meanwhile)
    stage.engine.run_until_idle()


def send_through(gate: Gate, stage: Stage, meanwhile: Callable[[], None], number: int = 1) -> None:
    stage.route([body(stage, "Began", number)])
    stage.engine.settle()
    until = stage.engine.clock.now() + timedelta(minutes=11)
    mover = threading.Thread(target=stage.engine.run_until, args=(until,))
    mover.start()
    assert gate.reached.wait(20)
    meanwhile()
    gate.open()
    mover.join()


def left(stage: Stage, number: int = 1) -> Callable[[], None]:
    def leave() -> None:
        assert stage.route([body(stage, "Left", number)]) == {"batchItemFailures": []}

    return leave


def ends(stage: Stage) -> tuple[list[str], list[str], int]:
    """Outcomes of decisions, of runs, and how many texts went out."""
    decided = [outcome for *_, outcome in stage.decisions()]
    finished = [each["outcome"] for each in stage.records(keys.FINISHED_PREFIX)]
    return decided, finished, len(texts_to(PHONE))


def test_an_exit_before_the_claim_wins(stage: Stage) -> None:
    while_it_is_held_up(stage, "dynamodb.TransactWriteItems", left(stage))
    assert ends(stage) == (["suppressed: exited"], ["exited"], 0)


def test_an_exit_after_the_claim_comes_after_the_send(stage: Stage) -> None:
    while_it_is_held_up(stage, "sns.Publish", left(stage))
    assert ends(stage) == (["sent"], ["exited"], 1)
    assert stage.engine.status(stage.execution("offer")) == "ABORTED"


def test_a_new_run_that_begins_while_the_old_one_sends_sends_its_own(stage: Stage) -> None:
    def begin_anew() -> None:
        assert stage.route([body(stage, "Began", 2)]) == {"batchItemFailures": []}

    while_it_is_held_up(stage, "sns.Publish", begin_anew)
    decided, finished, texts = ends(stage)
    # The second one comes within a day of the first, whose unit counts although its run is over.
    assert (decided, texts) == (["sent", "suppressed: capped"], 1)
    assert sorted(finished) == ["completed", "replaced"]


def test_whichever_comes_first_all_tell_the_same(stage: Stage) -> None:
    seen = set()
    for turn in range(6):
        start = stage.engine.clock.now()
        stage.route([body(stage, "Began", turn)])
        stage.engine.settle()
        timer = start + timedelta(minutes=10)
        stage.engine.run_until(timer)
        exit_body = body(stage, "Left", turn)
        before = len(texts_to(PHONE))
        together(
            partial(stage.engine.run_until, timer + timedelta(seconds=1)),
            partial(stage.route, [exit_body]),
        )
        stage.engine.run_until(start + timedelta(days=2))  # past the cap
        decided, finished, texts = ends(stage)
        assert finished[-1] == "exited"
        assert len(finished) == turn + 1
        assert decided.count("sent") == texts
        seen.add(texts - before)
    assert seen <= {0, 1}
