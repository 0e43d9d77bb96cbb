"""What must be true of a run in the end, however it was interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, pairwise

from stepwell.customers import keys, slots
from stepwell.simulation.trace import Status
from stepwell.storage.operations import Item, Put, TableName, Update
from stepwell.timestamps import from_text
from tests.interleavings.baton import What
from tests.interleavings.cases import HOLD, HOLDS
from tests.interleavings.stage import InterleavedStage

PATIENCE = timedelta(minutes=5)
"""By when an execution has gone on that an event has woken: commands may be queued, and fail."""
WINDOW = timedelta(days=1)


class Ended:
    """A run that has ended: its items by kind."""

    def __init__(self, stage: InterleavedStage, events: int) -> None:
        self.stage = stage
        self.events = events
        self.items = [
            (table, pk, sk, item)
            for (table, pk), partition in stage.memory._partitions.items()
            for sk, item in partition.items()
        ]

    def of(self, prefix: str, table: TableName = TableName.RECORDS) -> list[Item]:
        return [
            item for where, _, sk, item in self.items if where == table and sk.startswith(prefix)
        ]

    def enrollments(self) -> list[Item]:
        return self.of(keys.ENROLLMENT_PREFIX, TableName.CUSTOMERS)

    def problems(self) -> Iterator[str]:
        """Everything that is wrong."""
        yield from self._events()
        yield from self._runs()
        yield from self._messages()
        yield from self._caps()
        yield from self._wakes()
        yield from self._timeouts()
        yield from self._outcomes()

    def _events(self) -> Iterator[str]:
        markers = [item for _, pk, _, item in self.items if pk.startswith("EVENT#")]
        if len(markers) != self.events:
            yield f"{self.events} events were sent and {len(markers)} applied"
        numbers = Counter((item["customer"], item["seq"]) for item in markers)
        yield from (f"number {each} was given twice" for each in numbers if numbers[each] > 1)

    def _runs(self) -> Iterator[str]:
        """Each run of an enrollment has one execution and one record, and none goes on."""
        runs = self.stage.trace.runs
        for run in runs.values():
            if run.status not in (Status.SUCCEEDED, Status.ABORTED):
                yield f"{run.execution} is {run.status} in {run.states[-1]}: {run.cause}"
        for item in self.enrollments():
            if item["status"] != slots.ENDED:
                yield f"an enrollment of {item['journey']} never ended"
        finished = Counter(item["execution"] for item in self.of(keys.FINISHED_PREFIX))
        yield from (
            f"{each} has {finished[each]} records" for each in finished if finished[each] > 1
        )
        yield from (f"{each} has no record" for each in runs if each not in finished)
        ended = {item["execution"]: item["outcome"] for item in self.of(keys.FINISHED_PREFIX)}
        yield from (
            f"{each} is {outcome} and was never started"
            for each, outcome in ended.items()
            if each not in runs and outcome == "completed"
        )

    def _messages(self) -> Iterator[str]:
        accepted = Counter(outgoing.message_id for _, outgoing in self.stage.accepted)
        spoilt = sum(
            kind == "function" and what.what not in (What.SWITCH, What.TICK)
            for what, _, kind in self.stage.baton.happened
        )
        for item in self.of(keys.MESSAGE_PREFIX):
            message, status = item["message"], item["status"]
            times = accepted.pop(message, 0)
            most = 1 + spoilt if item["purpose"] == "transactional" else 1
            if times > most:
                yield f"{message} was taken {times} times"
            if status == "sent" and not times:
                yield f"{message} is recorded as sent, and was not"
            if status not in ("sent", "unknown") and times:
                yield f"{message} was taken and is recorded as {status}"
            # A deferred one whose execution was stopped was not sent, and says so.
            left = status in ("claimed", "released", "deferred")
            if left and not (status == "deferred" and self._was_stopped(item)):
                yield f"{message} is left as {status}"
        yield from (f"{each} was taken and is not recorded" for each in accepted)
        final = Counter(
            item["message"]
            for item in self.of(keys.DECISION_PREFIX)
            if item["outcome"] != "deferred"
        )
        yield from (
            f"{each} has {final[each]} final decisions" for each in final if final[each] > 1
        )
        yield from (
            f"{each['message']} is {each['status']} and has no decision"
            for each in self.of(keys.MESSAGE_PREFIX)
            if each["message"] not in final and each["status"] != "deferred"
        )

    def _was_stopped(self, message: Item) -> bool:
        run = self.stage.trace.runs[message["execution"]]
        return run.status is Status.ABORTED

    def _caps(self) -> Iterator[str]:
        """At most one marketing message a day; for who was two people, one each before the join.
        What is answered has no unit that is only reserved.
        """
        answered = {
            item["message"]
            for item in self.of(keys.MESSAGE_PREFIX)
            if item["status"] in ("sent", "unknown", "suppressed", "failed")
        }
        for item in self.of(keys.CAPS, TableName.CUSTOMERS):
            for unit in item.get("units", ()):
                if unit["state"] == "reserved" and unit["message"] in answered:
                    yield f"{unit['message']} is answered, and its unit is still reserved"
        sent = [
            (at, outgoing)
            for at, outgoing in self.stage.accepted
            if outgoing.tags["purpose"] == "marketing"
        ]
        reserved, joined = self._reservations()
        sent.sort(key=lambda each: reserved[each[1].message_id])
        for (at, first), (then, second) in combinations(sent, 2):
            before = reserved[second.message_id] < joined
            apart = first.tags["customer"] != second.tags["customer"] and before
            if abs(then - at) < WINDOW and not apart:
                yield f"{first.message_id} and {second.message_id} went out within a day"

    def _reservations(self) -> tuple[dict[str, int], float]:
        """When each message got its unit, and when two became one, as numbers of writes."""
        reserved: dict[str, int] = {}
        joined = float("inf")
        for number, (_, operations) in enumerate(self.stage.store.log):
            for each in operations:
                if isinstance(each, Put) and each.key.sk == keys.CAPS:
                    for unit in each.item["units"]:
                        reserved.setdefault(unit["message"], number)
                elif each.key.sk.startswith(keys.MERGED_PREFIX):
                    joined = min(joined, number)
        return reserved, joined

    def _wakes(self) -> Iterator[str]:
        """Who was woken went on soon, not when the time was up."""
        applied = self.stage.applied
        for item in self.enrollments():
            run = self.stage.trace.runs.get(item["execution"])
            for hold, name in HOLDS.items():
                outcome = item.get(slots.outcome(hold))
                if run is None or outcome in (None, slots.TIMEOUT):
                    continue
                woken = applied[item[slots.event(hold)]]
                for (at, state), (until, _) in pairwise(run.states):
                    if state == name and until > max(at, woken) + PATIENCE:
                        yield f"{run.execution}: woken at {woken}, in {name!r} until {until}"

    def _timeouts(self) -> Iterator[str]:
        """A hold's time is up when it is, and not sooner after a restart."""
        for item in self.enrollments():
            run = self.stage.trace.runs.get(item["execution"])
            for hold, name in HOLDS.items():
                if run is None or item.get(slots.outcome(hold)) != slots.TIMEOUT:
                    continue
                due = from_text(item[slots.opened(hold)]) + timedelta(seconds=HOLD)
                # The last look at it: one before may have found that it was restarted just then.
                looks = [at for at, state in run.states if state == f"{name}: time is up"]
                if max(looks) < due:
                    yield f"{run.execution}: {name!r} was over at {max(looks)}, not at {due}"

    def _outcomes(self) -> Iterator[str]:
        """What decided a hold stays what decided it."""
        decided: dict[tuple[str, str], str] = {}
        for _, operations in self.stage.store.log:
            for each in operations:
                for hold in HOLDS:
                    place, name = (str(each.key), hold), slots.outcome(hold)
                    if isinstance(each, Put) or (isinstance(each, Update) and name in each.remove):
                        decided.pop(place, None)
                    elif isinstance(each, Update) and name in each.set:
                        before = decided.setdefault(place, each.set[name])
                        if before != each.set[name]:
                            yield f"{place}: {before} became {each.set[name]}"


def check(stage: InterleavedStage, events: int) -> None:
    problems = list(Ended(stage, events).problems())
    happened = [
        f"{each.what.name} at {site} of {kind}" for each, site, kind in stage.baton.happened
    ]
    assert not problems, "\n".join([*problems, "", *happened])
