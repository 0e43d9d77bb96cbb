"""What happened to the customers of a scenario, as a story: events, waits, decisions, endings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepwell.events.model import Event
from stepwell.handover.handing_over import HANDED_OVER
from stepwell.journeys.compiler import names
from stepwell.journeys.compiler.durations import text_of
from stepwell.journeys.program import Hold, Program, Split
from stepwell.simulation.engine import Simulation
from stepwell.simulation.scenarios.deciding import why
from stepwell.simulation.scenarios.facts import Customer, customers, step_of, why_not
from stepwell.simulation.scenarios.model import Scenario
from stepwell.simulation.scenarios.writing import properties_line
from stepwell.simulation.trace import Run, Status
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text

_RANKS = ("event", "converts", "exits", "enters")
"""Of one place, the event comes first and what it does follows; then the rest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is event, enters, waits, time is up, splits, sent (or how else it was decided),
    no answer, handed over, nobody asked, converts, exits, ends or warning. `place` is that of the
    event or state in the trace of which it was a part.
    """

    at: datetime
    place: int
    user: str
    kind: str
    text: str


def timeline(scenario: Scenario, simulation: Simulation) -> list[Entry]:
    """In the order in which it happened, at one moment in that of cause."""
    found: list[Entry] = []
    for customer in customers(simulation):
        found += _events(simulation, customer)
        found += _conversions(simulation, customer)
        entries: Counter[str] = Counter()
        for run in simulation.trace.runs.values():
            if run.customer == customer.id:
                entries[run.journey] += 1
                story = _Story(simulation, scenario, customer, run, entries[run.journey])
                found += story.entries()
        for each in simulation.trace.problems:
            if each.customer == customer.id:
                found.append(Entry(each.at, each.place, customer.user, "warning", each.text))
    return sorted(found, key=lambda entry: (entry.at, entry.place, _rank(entry.kind)))


def _rank(kind: str) -> int:
    return _RANKS.index(kind) if kind in _RANKS else len(_RANKS)


def _events(simulation: Simulation, customer: Customer) -> Iterator[Entry]:
    for applied in simulation.trace.applied:
        if applied.customer == customer.id:
            told = _told(applied.event, applied.at)
            yield Entry(applied.at, applied.place, customer.user, "event", told)


def _told(event: Event, at: datetime) -> str:
    late = (
        "" if event.timestamp == at else f", happened {text_of(_seconds(at - event.timestamp))} ago"
    )
    if not event.name:
        return f"traits {properties_line(event.traits)}{late}"
    return (
        f"{event.name} {properties_line(event.properties) if event.properties else ''}".rstrip()
        + late
    )


def _seconds(length: timedelta) -> int:
    return max(int(length.total_seconds()), 1)


def _conversions(simulation: Simulation, customer: Customer) -> Iterator[Entry]:
    places = {each.event.id: each.place for each in simulation.trace.applied}
    for each in customer.conversions:
        worth = f", value {each['value']:g}" if "value" in each else ""
        text = f"{each['journey']} on {each['name']}{worth}"
        place = places.get(each["event"], 0)
        yield Entry(from_text(each["at"]), place, customer.user, "converts", text)


class _Story:
    """One run of a journey, the customer's `number`-th of it."""

    def __init__(
        self,
        simulation: Simulation,
        scenario: Scenario,
        customer: Customer,
        run: Run,
        number: int,
    ) -> None:
        self.customer, self.run, self.applied = customer, run, simulation.trace.applied
        self.machine = simulation.definitions.machines[run.journey]["States"]
        programs = simulation.definitions.loaded_programs
        self.program: Program = next(each for each in programs if each.journey == run.journey)
        self.steps = {step.name: step for step in self.program.steps.values()}
        self.week, self.zone = scenario.week, scenario.people[customer.user].clock
        self.decisions = [
            each
            for each in customer.decisions
            if (each["enrollment"], each["run"]) == (run.enrollment, run.number)
        ]
        nth = f" #{number}" if number > 1 else ""
        self.title = run.journey + nth
        other = run.journey != scenario.journey
        self.prefix = f"{self.title}: " if other else f"{nth.strip()}: " if nth else ""

    def show(self, moment: datetime) -> str:
        return self.week.show(moment, self.zone)

    @property
    def last_place(self) -> int:
        """That of its newest state."""
        return self.run.places[-1] if self.run.places else self.run.place

    def entries(self) -> Iterator[Entry]:
        yield self._about(self.run.started, self.run.place, "enters", "")
        for number, (at, state) in enumerate(self.run.states):
            following = self.run.states[number + 1] if number + 1 < len(self.run.states) else None
            told = self._state(state, following)
            if told is not None:
                yield self._entry(at, self.run.places[number], *told)
        yield from map(self._decision, self.decisions)
        yield from self._hand_overs()
        yield from self._ending()
        if self.run.ended is not None and self.run.status in {Status.FAILED, Status.TIMED_OUT}:
            said = f": the execution has {self.run.status}: {self.run.error}"
            yield self._about(self.run.ended, self.last_place, "warning", said)

    def _entry(self, at: datetime, place: int, kind: str, text: str) -> Entry:
        return Entry(at, place, self.customer.user, kind, self.prefix + text)

    def _about(self, at: datetime, place: int, kind: str, text: str) -> Entry:
        """About the run as a whole."""
        return Entry(at, place, self.customer.user, kind, self.title + text)

    def _of_step(self, name: str, at: datetime, kind: str, text: str) -> Entry:
        """What the store has of a step: a part of the last state that it had been in by then."""
        entered = zip(self.run.states, self.run.places, strict=True)
        places = [
            place for (since, state), place in entered if step_of(state) == name and since <= at
        ]
        return self._entry(at, places[-1] if places else self.run.place, kind, text)

    def _state(self, state: str, following: tuple[datetime, str] | None) -> tuple[str, str] | None:
        """What is told of entering a state: kind and text."""
        name = step_of(state)
        step = self.steps.get(name)
        if state == name and isinstance(step, Hold):
            return "waits", f"{name}, at most {text_of(step.seconds)}"
        if state == name + names.HOLD_CLOSE:
            return "time is up", name
        if state == name and isinstance(step, Split) and following is not None:
            return "splits", f"{name} -> {step_of(following[1])}"
        if state == name + names.MESSAGE_PAUSE:
            return "no answer", f"{name}, asks again soon"
        if state in (name, name + names.DELAY_PARKED) and self._is_wait(name):
            return "waits", name + (f" until {self.show(following[0])}" if following else "")
        return None

    def _is_wait(self, name: str) -> bool:
        return bool(self.machine.get(name, {}).get("Type") == "Wait")

    def _decision(self, decision: Item) -> Entry:
        step = self.program.steps[decision["step"]]
        parts = [step.name]
        if decision.get("channel"):
            parts.append(f"by {decision['channel']}")
        if decision["outcome"] != "sent":
            parts.append(f"because {decision['reason']}")
        if decision.get("until"):
            parts.append(f"until {self.show(from_text(decision['until']))}")
        told = " ".join(parts) + f"  [{why(decision, self.show)}]"
        return self._of_step(step.name, from_text(decision["at"]), str(decision["outcome"]), told)

    def _hand_overs(self) -> Iterator[Entry]:
        for each in self.customer.hand_overs:
            if (each["enrollment"], each["run"]) == (self.run.enrollment, self.run.number):
                name, at = self.program.steps[each["step"]].name, from_text(each["ended_at"])
                kind, why_then = "handed over", ""
                if each["outcome"] != HANDED_OVER:
                    kind, why_then = "nobody asked", f" because {why_not(each)}"
                yield self._of_step(name, at, kind, f"{name} to {each['destination']}{why_then}")

    def _ending(self) -> Iterator[Entry]:
        for each in self.customer.finished:
            if (each["enrollment"], each["run"]) == (self.run.enrollment, self.run.number):
                at, outcome = from_text(each["ended_at"]), str(each["outcome"])
                reason = f", because {each['reason']}" if each.get("reason") else ""
                kind = "ends" if outcome in {"completed", "failed"} else "exits"
                place = max(self.last_place, self._ended_by(at, each.get("reason")))
                yield self._about(at, place, kind, f", {outcome}{reason}")

    def _ended_by(self, at: datetime, reason: str | None) -> int:
        """The place of the event that ended it; 0 where it came to its end by itself."""
        then = [
            each
            for each in self.applied
            if (each.customer, each.at) == (self.customer.id, at)
            and (self.run.status is Status.ABORTED or each.event.name == reason)
        ]
        named = [each for each in then if each.event.name == reason]
        return max((each.place for each in named or then), default=0)
