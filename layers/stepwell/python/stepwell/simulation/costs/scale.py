"""What so many customers do in a month, from assumptions and measured usage. Reads `scale.yaml`.

Pure apart from reading the file: nothing is simulated here, `measuring` does that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from stepwell.simulation.costs.forecast import DAYS_PER_MONTH
from stepwell.simulation.costs.prices import Assumptions
from stepwell.simulation.costs.usage import COMMANDS, SENDERS, Metered, Usage

SHIPPED = "scale.yaml"
MONTH = DAYS_PER_MONTH * 86_400
AT_ONCE = 3
"""States that are entered at once when a deferral ends: ask, what happened, the next one."""
PARKED_TRANSITIONS = 3
"""That a parked duration takes more than a native one."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assumed(_Strict):
    """What nobody can measure for somebody else; `scale.yaml` says what each is."""

    events_a_day: Positive
    enrollments_a_month: Positive
    peak: Annotated[float, Field(ge=1)]
    deferred: Share
    largest_zone: Share
    spread_minutes: Positive
    email: Share
    sms: Share


class Units(_Strict):
    """Of DynamoDB, for one."""

    requests: float
    reads: float
    writes: float


class Measured(_Strict):
    """Of the shipped journeys under the shipped population, per enrollment; `tables` per what is
    named: an event that starts nothing, what an enrollment adds to its event, a call of a function,
    a transition.
    """

    customers: int
    """How many were simulated for it."""
    calls: Mapping[str, float]
    """By the names of `Trace.calls`."""
    messages: float
    open_days: float
    """That its execution is open."""
    long_waits: float
    long_days: float
    alarm_days: float
    """Waits of more than a week: how many, the days that they take of the open ones, and the days
    that they were to take: an alarm stays also when somebody has left.
    """
    tables: Mapping[str, Units]
    stored_bytes: float
    """Of a customer, after the population's month."""


class Scale(_Strict):
    assumed: Assumed
    measured: Measured


def read_scale() -> Scale:
    """The shipped file."""
    text = resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
    return Scale.model_validate(YAML(typ="safe", pure=True).load(text))


@dataclass(frozen=True, slots=True)
class Month:
    """What `customers` do in a month."""

    customers: int
    scale: Scale

    @property
    def events(self) -> float:
        return self.customers * self.scale.assumed.events_a_day * DAYS_PER_MONTH

    @property
    def enrollments(self) -> float:
        return self.customers * self.scale.assumed.enrollments_a_month

    @property
    def messages(self) -> float:
        return self.enrollments * self.scale.measured.messages

    def calls(self) -> Counter[str]:
        measured = self.scale.measured.calls
        found = {name: round(self.enrollments * each) for name, each in measured.items()}
        return Counter(found | {"event": round(self.events)})

    def usage(self) -> Usage:
        """For the cost forecast; what providers take for messages is not in it."""
        calls = self.calls()
        metered = Metered(calls=calls, customers=self.customers)
        metered.stored_bytes = round(self.customers * self.scale.measured.stored_bytes)
        bases = {**calls, "state_machine": calls["transition"], "entry": round(self.enrollments)}
        for name, units in self.scale.measured.tables.items():
            caller = "router" if name in ("event", "entry") else name
            times = bases[name]
            metered.requests[caller] += round(times * units.requests)
            metered.reads[caller] += round(times * units.reads)
            metered.writes[caller] += round(times * units.writes)
        return Usage(
            seconds=MONTH,
            customers=self.customers,
            entries=round(self.enrollments),
            messages=round(self.messages),
            calls=calls,
            metered=metered,
            billed=Counter(),
        )

    # ------------------------------------------------------------------ at the busiest moment

    def peak(self, a_month: float) -> float:
        """A second, of what comes so often in a month."""
        return a_month / MONTH * self.scale.assumed.peak

    def due_at_once(self) -> float:
        """Messages a second while the largest zone's deferrals come due."""
        assumed = self.scale.assumed
        a_day = self.messages / DAYS_PER_MONTH
        waiting = a_day * assumed.deferred * assumed.largest_zone
        return waiting / (assumed.spread_minutes * 60)

    def messages_a_second(self) -> float:
        return max(self.peak(self.messages), self.due_at_once())

    def needs(self, assumptions: Assumptions) -> dict[str, float]:
        """At the busiest moment, by the names of quotas."""
        assumed, measured = self.scale.assumed, self.scale.measured
        usage, calls = self.usage(), self.calls()
        sends = self.due_at_once()
        router = self.peak(_seconds("router", usage, assumptions))
        events = self.peak(self.events)
        needs = {
            "email": self.messages_a_second() * assumed.email,
            "sms": self.messages_a_second() * assumed.sms,
            "open_executions": self.open_executions(measured.open_days),
            "starts": self.peak(calls["start"]),
            "wakes": self.peak(calls["wake"]),
            "stops": self.peak(calls["stop"]),
            "transitions": self.peak(calls["transition"]) + sends * AT_ONCE,
            "router": router,
            "functions": router + self._functions(usage, assumptions),
            "requests": events / assumptions.events_per_request,
            "account_requests": events / assumptions.events_per_request,
            "queued": events,
        }
        for name, units in (("writes", usage.metered.writes), ("reads", usage.metered.reads)):
            one = sum(getattr(measured.tables[each], name) for each in SENDERS)
            needs[name] = self.peak(sum(units.values())) + sends * one
        return needs

    def parked_needs(self) -> dict[str, float]:
        """The same with every wait of more than a week parked."""
        measured = self.scale.measured
        return {
            "open_executions": self.open_executions(measured.open_days - measured.long_days),
            "schedules": self.open_executions(measured.alarm_days),
            "schedule_creates": self.peak(self.enrollments * measured.long_waits),
        }

    def parked_usage(self) -> Usage:
        """As `usage`, with every wait of more than a week parked."""
        usage, waits = self.usage(), self.enrollments * self.scale.measured.long_waits
        usage.calls["transition"] += round(waits * PARKED_TRANSITIONS)
        usage.calls["plan"] += round(waits)
        usage.calls["resume"] = round(waits)
        metered = usage.metered
        metered.requests["plan"] += round(waits)
        metered.reads["plan"] += round(waits * self.scale.measured.tables["plan"].reads)
        metered.writes["state_machine"] += round(waits)
        metered.requests["commands"] = metered.reads["commands"] = round(2 * waits)
        return usage

    def open_executions(self, days: float) -> float:
        """At a time, when each enrollment is open for so many days."""
        return self.enrollments / DAYS_PER_MONTH * days

    def _functions(self, usage: Usage, assumptions: Assumptions) -> float:
        """At work at a time, apart from routers."""
        requests = self.events / assumptions.events_per_request
        batches = self.events / assumptions.events_per_batch
        before = assumptions.function_seconds(batches, 0, 2 * requests)  # authorizer and ingest
        others = self.peak(before + _seconds("plan", usage, assumptions))
        sending = sum(_seconds(name, usage, assumptions) for name in SENDERS)
        return others + max(self.peak(sending), self.due_at_once() * sending / self.messages)


def _seconds(name: str, usage: Usage, assumptions: Assumptions) -> float:
    """That a function is at work in the month."""
    if name == "router":
        batches = usage.calls["event"] / assumptions.events_per_batch
        commands = sum(usage.calls[each] for each in COMMANDS)
        calls = usage.metered.requests["router"] + commands
        return assumptions.function_seconds(calls, 0, batches, puts=batches)
    sends = usage.calls["provider"] if name == "delivery" else 0
    return assumptions.function_seconds(usage.metered.requests[name], sends, usage.calls[name])
