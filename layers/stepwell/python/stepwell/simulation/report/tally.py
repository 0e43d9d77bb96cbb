"""Counts what a simulation did, from its trace and its store, when it has been played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from stepwell.customers import keys
from stepwell.customers.zones import load_zone, zones_of
from stepwell.messages.policies import Policies
from stepwell.messages.verdicts import Outcome
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.simulation.costs.usage import billed
from stepwell.simulation.never import Broken, find_broken
from stepwell.simulation.report.closeness import (
    Contact,
    cap_of,
    count_caps,
    count_quiet,
    quiet_of,
    rules_for,
)
from stepwell.simulation.report.counts import (
    MICROS,
    MOST_LISTED,
    BrokenTally,
    JourneyTally,
    Tally,
)
from stepwell.simulation.report.notices import watched_events
from stepwell.simulation.report.paths import Steps, count_run, ending_of, steps_of
from stepwell.simulation.trace import Run
from stepwell.storage.operations import Item, Store, TableName
from stepwell.timestamps import from_text, to_text

if TYPE_CHECKING:
    from stepwell.simulation.engine import Simulation

__all__ = ["Tally", "harvest"]

_MAYBE_SENT = frozenset({Outcome.SENT, Outcome.UNKNOWN})
UNKNOWN_HOUR = -1
"""Stands for the local hour of a customer whose zone nobody knows."""


def harvest(simulation: Simulation) -> Tally:
    """The counts of one part of the population, which `simulation` has played to its end."""
    trace, store = simulation.trace, simulation.store
    tally = Tally(
        customers=len(trace.people()),
        events=trace.calls["event"],
        applied=_count_applied(simulation),
        calls=trace.calls.copy(),
        billed=billed(trace.sendings, trace.applied),
    )
    if isinstance(store, MeteredStore):
        epoch = int(simulation.now.timestamp())
        tally.metered = store.metered(trace.calls, customers=tally.customers, now=epoch)
    broken = find_broken(simulation)
    tally.broken_count = len(broken)
    tally.broken = [
        replace(each, customer=_known_as(each.customer, store)) for each in broken[:MOST_LISTED]
    ]
    _count_alike(broken, store, tally)
    tally.problems = [
        f"{to_text(each.at)} {_known_as(each.customer, store)}: {each.text}"
        for each in trace.problems[:MOST_LISTED]
    ]
    tally.problem_count = len(trace.problems)
    for sending in trace.sendings:
        tally.providers[sending.outgoing.channel, sending.result] += 1
    _count_customers(simulation, tally)
    return tally


def _count_applied(simulation: Simulation) -> Counter[str]:
    watched = watched_events(simulation.definitions.loaded_programs)
    return Counter(
        each.event.name for each in simulation.trace.applied if each.event.name in watched
    )


def _count_alike(broken: list[Broken], store: Store, tally: Tally) -> None:
    for each in broken:
        group = (str(each.rule), each.journey, each.step, each.reason)
        counted = tally.alike.get(group)
        if counted is None:
            first = replace(each, customer=_known_as(each.customer, store))
            counted = tally.alike[group] = BrokenTally(listed=[first])
        counted.count += 1


def _known_as(customer: str, store: Store) -> str:
    """The customer's user id, for internal ids begin anew in every part; theirs without one."""
    profile = store.get(keys.profile(customer)) or {}
    while "merged_into" in profile:
        customer = profile["merged_into"]
        profile = store.get(keys.profile(customer)) or {}
    return str(profile.get("user_id", customer))


def _count_customers(simulation: Simulation, tally: Tally) -> None:
    harvester = _Harvester(simulation, tally)
    runs: dict[str, list[Run]] = {}
    for run in simulation.trace.runs.values():
        runs.setdefault(run.customer, []).append(run)
    for ids in simulation.trace.people().values():
        theirs = [run for customer in ids for run in runs.get(customer, ())]
        if theirs:
            harvester.count(ids, theirs)
        else:  # who has no records either
            tally.sent_by_customer.add(0)


_RunOf = tuple[str, str, int]
"""The partition of the customer with whom it began, the enrollment, the run's number."""


@dataclass(slots=True)
class _Seen:
    """What one customer's records have told so far."""

    finished: dict[_RunOf, str] = field(default_factory=dict)
    """The run -> its outcome."""
    last: dict[str, Item] = field(default_factory=dict)
    """Message id -> its last decision."""
    sent_at: dict[_RunOf, str] = field(default_factory=dict)
    """The run -> when its first message was sent."""
    contacts: list[Contact] = field(default_factory=list)
    sent: int = 0
    refusing: set[str] = field(default_factory=set)
    """Caps that refused something."""


def _run_of(record: Item) -> _RunOf:
    return record["pk"], record["enrollment"], record["run"]


class _Harvester:
    """Adds one customer after the other to a tally."""

    def __init__(self, simulation: Simulation, tally: Tally) -> None:
        definitions = simulation.definitions
        self.store, self.tally, self.until = simulation.store, tally, simulation.now
        self.policies: Policies = definitions.loaded_policies
        self.steps: dict[str, Steps] = {
            name: steps_of(machine) for name, machine in definitions.machines.items()
        }
        self.names: dict[str, Mapping[str, str]] = {
            program.journey: {step.id: step.name for step in program.steps.values()}
            for program in definitions.loaded_programs
        }

    def count(self, ids: list[str], runs: list[Run]) -> None:
        """One person's, with the id first that they have at the end."""
        seen, conversions = _Seen(), list[Item]()
        for customer in ids:
            for item in self.store.query(TableName.RECORDS, keys.partition(customer)):
                name = item["sk"]
                if name.startswith(keys.DECISION_PREFIX):
                    self._decision(ids[0], item, seen)
                elif name.startswith(keys.FINISHED_PREFIX):
                    self._finished(item, seen)
                elif name.startswith(keys.CONVERSION_PREFIX):
                    conversions.append(item)
        for item in conversions:  # what was sent before them is known now
            self._conversion(item, seen)
        self._runs(runs, seen)
        self._messages(seen)

    def _journey(self, name: str) -> JourneyTally:
        tally = self.tally.journeys.get(name)
        if tally is None:
            tally = self.tally.journeys[name] = JourneyTally()
        return tally

    def _runs(self, runs: list[Run], seen: _Seen) -> None:
        enrollments: set[str] = set()
        journeys: set[str] = set()
        for run in runs:
            tally = self._journey(run.journey)
            tally.entries += 1
            tally.customers += run.journey not in journeys
            tally.again += run.enrollment in enrollments
            tally.parallel += run.journey in journeys and run.enrollment not in enrollments
            journeys.add(run.journey)
            enrollments.add(run.enrollment)
            ending = ending_of(
                run, seen.finished.get((keys.partition(run.customer), run.enrollment, run.number))
            )
            count_run(run, self.steps[run.journey], ending, self.until, tally)

    def _finished(self, item: Item, seen: _Seen) -> None:
        seen.finished[_run_of(item)] = item["outcome"]
        reason = item.get("reason") or ""
        self._journey(item["journey"]).endings[item["outcome"], reason] += 1

    def _conversion(self, item: Item, seen: _Seen) -> None:
        tally = self._journey(item["journey"])
        tally.conversions += 1
        took = from_text(item["at"]) - from_text(item["entered_at"])
        tally.to_conversion.add_seconds(took.total_seconds())
        sent_at = seen.sent_at.get(_run_of(item))
        tally.converted_after_message += sent_at is not None and sent_at <= item["at"]
        if "value" in item:
            tally.valued += 1
            tally.value_micros += round(item["value"] * MICROS)

    def _decision(self, customer: str, item: Item, seen: _Seen) -> None:
        journey, outcome, channel = item["journey"], item["outcome"], item.get("channel")
        seen.last[item["message"]] = item
        time_rule = None
        for rule in item["rules"]:
            if rule["rule"] == "time":
                time_rule = rule
                self._quiet(item, rule)
            elif rule["rule"] == "caps":
                self._caps(rule, seen)
        if outcome not in _MAYBE_SENT:
            step = self._step(item)
            self._journey(journey).reasons[step, outcome, item.get("reason") or ""] += 1
            return
        if channel is None:
            return  # nobody answered: not known to have been tried
        zones = self._zones(customer, time_rule)
        at, surely = from_text(item["at"]), outcome == Outcome.SENT
        seen.contacts.append(Contact(at, item["purpose"], channel, zones, surely))
        if surely:
            seen.sent += 1
            seen.sent_at.setdefault(_run_of(item), item["at"])
            hour = at.astimezone(zones[0]).hour if zones else UNKNOWN_HOUR
            self._journey(journey).hours[channel, hour] += 1

    def _step(self, item: Item) -> str:
        return self.names[item["journey"]][item["step"]]

    def _zones(self, customer: str, time_rule: Mapping[str, Any] | None) -> tuple[ZoneInfo, ...]:
        """Those that the decision went by; without quiet hours, those that are known."""
        found = [load_zone(name) for name in (time_rule or {}).get("zones", ())]
        if found:
            return tuple([zone for zone in found if zone is not None])
        profile = self.store.get(keys.profile(customer)) or {}
        return zones_of(profile, self.policies.default_zone)

    def _caps(self, rule: Mapping[str, Any], seen: _Seen) -> None:
        for refusal in rule.get("refused", {}).values():
            for name in refusal["full"]:
                cap = cap_of(self.tally, name)
                cap.refusals += 1
                cap.refused_customers += name not in seen.refusing
                seen.refusing.add(name)

    def _quiet(self, item: Item, rule: Mapping[str, Any]) -> None:
        deciding = item.get("channel") if item.get("reason") == "quiet_hours" else None
        for channel, state in rule.get("channels", {}).items():
            if state["state"] != "quiet":
                continue
            for number in rules_for(self.policies, item["purpose"], channel):
                counts = quiet_of(self.tally, number)
                if channel == deciding:
                    counts.deferred += item["outcome"] == Outcome.DEFERRED
                    counts.suppressed += item["outcome"] == Outcome.SUPPRESSED
                elif item["outcome"] == Outcome.SENT:
                    counts.passed_over += 1

    def _messages(self, seen: _Seen) -> None:
        for item in seen.last.values():
            key = (self._step(item), item.get("channel") or "", item["outcome"])
            tally = self._journey(item["journey"])
            tally.messages[key] += 1
            if item["outcome"] == Outcome.FAILED:
                why = (key[0], item.get("reason") or "", item.get("detail") or "")
                tally.failures[why] += 1
        self.tally.sent_by_customer.add(seen.sent)
        if seen.contacts:
            seen.contacts.sort(key=lambda each: each.at)
            count_caps(seen.contacts, self.policies, self.tally)
            count_quiet(seen.contacts, self.policies, self.tally)
