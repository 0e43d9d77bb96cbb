"""Enrollments and executions: none is stuck, none fails, and every step is reached by somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.journeys.compiler.names import MESSAGE_AGAIN
from stepwell.simulation.never.broken import Broken, Rule
from stepwell.simulation.never.sends import Send
from stepwell.simulation.report.paths import steps_of
from stepwell.simulation.trace import Applied, Run, Status
from stepwell.storage.operations import Item, Store, TableName
from stepwell.timestamps import from_text

ENOUGH_RUNS = 100
"""So many runs of a journey must have ended before a step that none entered is called unreached."""

_BY_EVENT = ("exited", "converted", "replaced")


Machines = Mapping[str, Mapping[str, Any]]
"""State machines by journey."""


def check_runs(
    runs: Iterable[Run], store: Store, machines: Machines, *, waits: bool
) -> Iterator[Broken]:
    """One customer's executions; `waits` says whether anything at all is still to happen."""
    for run in runs:
        step = run.states[-1][1] if run.states else ""
        if run.status in (Status.FAILED, Status.TIMED_OUT):
            yield _failed(run, store, machines)
        elif run.status is Status.RUNNING and not waits:
            text = f"the execution {run.execution} runs and waits for nothing"
            yield Broken(Rule.STUCK, run.customer, run.journey, step, run.started, text)


def _failed(run: Run, store: Store, machines: Machines) -> Broken:
    """With the reason that the run's record has; a run that left none says what ended it."""
    item = store.get(keys.finished(run.customer, run.enrollment, run.number)) or {}
    stored = item.get("reason") if item.get("outcome") == "failed" else None
    steps = steps_of(machines[run.journey])
    known = (steps[state] for _, state in reversed(run.states) if state in steps)
    ended = f"the execution {run.execution} ended as {run.status}"
    if stored:
        text = f"{stored} ({ended})"
    else:
        text = f"{ended}: {run.error}" + (f", {run.cause}" if run.cause else "")
    reason = stored or run.error or ""
    return Broken(Rule.FAILED, run.customer, run.journey, next(known, ""), run.ended, text, reason)


def check_answers(runs: Iterable[Run]) -> Iterator[Broken]:
    """One customer's executions, where nothing was told to fail: every message gets an answer."""
    for run in runs:
        for at, state in run.states:
            if state.endswith(MESSAGE_AGAIN):
                step = state.removesuffix(MESSAGE_AGAIN)
                text = "send_message gave no answer, or one that the journey does not know"
                yield Broken(Rule.NO_ANSWER, run.customer, run.journey, step, at, text)


def check_enrollments(store: Store, customer: str, runs: Mapping[str, Run]) -> Iterator[Broken]:
    """Every active enrollment has an execution that runs, and every ended one has none."""
    for item in _items(store, TableName.CUSTOMERS, customer, keys.ENROLLMENT_PREFIX):
        run = runs.get(item["execution"])
        if run and run.enrollment != item["sk"].removeprefix(keys.ENROLLMENT_PREFIX):
            run = None  # another's, of the same name
        status = run.status if run else None
        if item["status"] == "active" and status is not Status.RUNNING:
            if status in (Status.FAILED, Status.TIMED_OUT):
                continue  # told as such already
            found = f"ended as {status}" if status else "was never started"
            text = f"the enrollment is active, but its execution {item['execution']} {found}"
        elif item["status"] == "ended" and status is Status.RUNNING:
            text = f"the enrollment has ended, but its execution {item['execution']} runs"
        else:
            continue
        step = run.states[-1][1] if run and run.states else ""
        entered = from_text(item["entered_at"])
        yield Broken(Rule.STUCK, customer, item["journey"], step, entered, text)


def check_replaced(store: Store, customer: str, runs: Iterable[Run]) -> Iterator[Broken]:
    """One customer's executions: none runs on after another run has taken its enrollment."""
    running = [run for run in runs if run.status is Status.RUNNING]
    if not running:
        return
    items = _items(store, TableName.CUSTOMERS, customer, keys.ENROLLMENT_PREFIX)
    known = {item["execution"] for item in items}
    for run in running:
        if run.execution not in known:
            text = f"the execution {run.execution} runs, and no enrollment is its own"
            step = run.states[-1][1] if run.states else ""
            yield Broken(Rule.STUCK, customer, run.journey, step, run.started, text)


def check_ends(
    store: Store, customer: str, sends: Sequence[Send], applied: Sequence[Applied]
) -> Iterator[Broken]:
    """One customer's: nothing is sent by a run that has ended."""
    ends: dict[str, tuple[datetime, int | None, Item]] = {}
    for item in _items(store, TableName.RECORDS, customer, keys.FINISHED_PREFIX):
        ended = from_text(item["ended_at"])
        ends[item["execution"]] = (ended, _sends_before(item, ended, applied), item)
    for send in sends:
        if send.execution not in ends:
            continue
        ended, before, item = ends[send.execution]
        if send.at > ended or (before is not None and send.number >= before):
            reason = f", {item['reason']}" if "reason" in item else ""
            text = f"its run had ended: {item['outcome']}{reason}"
            yield send.broken(Rule.SENT_AFTER_END, text)


def unreached(
    journey: str, steps: Iterable[str], entered: Mapping[str, int], ended_runs: int
) -> list[Broken]:
    """Steps that no run entered, by the counts of a whole simulation; none while too few have ended
    to tell.
    """
    if ended_runs < ENOUGH_RUNS:
        return []
    return [
        Broken(Rule.UNREACHED, "", journey, step, None, f"none of {ended_runs:,} runs entered it")
        for step in steps
        if not entered.get(step)
    ]


def _sends_before(item: Item, ended: datetime, applied: Sequence[Applied]) -> int | None:
    """How many sends came before the event that ended the run; None when no event did.

    Of several events of that name at that moment it is taken to be the last.
    """
    if item["outcome"] not in _BY_EVENT:
        return None
    found = (
        each.sends
        for each in applied
        if each.event.name == item["reason"] and _same_moment(each.at, ended)
    )
    return max(found, default=None)


def _same_moment(moment: datetime, told: datetime) -> bool:
    """Records tell milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000) == told


def _items(store: Store, table: TableName, customer: str, prefix: str) -> list[Item]:
    return store.query(table, keys.partition(customer), prefix=prefix)
