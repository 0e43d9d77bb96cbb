"""Every rule, for every customer of a simulation."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from stepwell.customers import keys
from stepwell.customers.zones import load_zone
from stepwell.messages.policies import Policies, QuietHours
from stepwell.simulation.never.broken import Broken, Rule
from stepwell.simulation.never.enrollments import (
    check_answers,
    check_ends,
    check_enrollments,
    check_replaced,
    check_runs,
)
from stepwell.simulation.never.knowledge import Known
from stepwell.simulation.never.people import People
from stepwell.simulation.never.sends import Send, check_caps, check_twice, read_sends
from stepwell.simulation.never.walls import is_ever_open, is_quiet
from stepwell.simulation.trace import Applied, Joined, Run, Trace
from stepwell.storage.operations import Store
from stepwell.values import value

if TYPE_CHECKING:
    from stepwell.simulation.engine import Simulation


def find_broken(simulation: Simulation, policies: Policies | None = None) -> list[Broken]:
    """Everything that must never happen and did, customer by customer, in order of rules and time.

    `policies` are those to hold it against, by default the simulation's own. What may be cut off at
    the end of a simulation that was not played to its end is not called stuck.
    """
    policies = policies or simulation.definitions.loaded_policies
    trace, store = simulation.trace, simulation.store
    machines = simulation.definitions.machines
    sends: defaultdict[str, list[Send]] = defaultdict(list)
    applied: defaultdict[str, list[tuple[int, Applied]]] = defaultdict(list)
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for send in read_sends(trace.sendings, simulation.definitions.loaded_programs):
        sends[send.customer].append(send)
    for place, each in enumerate(trace.applied):
        if each.customer in sends or trace.joined:
            applied[each.customer].append((place, each))
    for run in trace.runs.values():
        runs[run.customer].append(run)
    waits = simulation.waiting() is not None
    found: list[Broken] = []
    for person in _people_who_were_sent_to(trace, sends, applied):
        found += check_caps(person.sends, policies, person.people)
        found += _check_knowledge(person, policies)
        for customer in person.ids:
            own = sends[customer]
            found += check_twice(own, policies, _maybe_sent(store, customer, own, policies))
            found += check_ends(store, customer, own, person.applied)
    for customer in {**trace.customers, **sends}:
        if customer in trace.customers:
            found += check_runs(runs.get(customer, ()), store, machines, waits=waits)
            if not simulation.may_fail:
                found += check_answers(runs.get(customer, ()))
            found += check_enrollments(store, customer, trace.runs)
            found += check_replaced(store, customer, runs.get(customer, ()))
    return found


@value
class _Person:
    """Somebody to whom messages went, under all their `ids`; everything is in its order."""

    people: People
    ids: Sequence[str]
    sends: Sequence[Send]
    applied: Sequence[Applied]
    places: Sequence[int]
    """The place of each applied event among all customers'."""
    joins: Sequence[Joined]


def _people_who_were_sent_to(
    trace: Trace,
    sends: Mapping[str, Sequence[Send]],
    applied: Mapping[str, Sequence[tuple[int, Applied]]],
) -> Iterator[_Person]:
    people = People(trace.joined)
    ids: dict[str, list[str]] = {}
    for customer in {**trace.customers, **sends} if trace.joined else sends:
        ids.setdefault(people.at_end(customer), []).append(customer)
    for person, theirs in ids.items():
        own = [send for customer in theirs for send in sends.get(customer, ())]
        if own:
            events = [each for customer in theirs for each in applied.get(customer, ())]
            if len(theirs) > 1:
                own.sort(key=lambda send: send.number)
                events.sort(key=lambda each: each[0])
            yield _Person(
                people,
                [customer for customer in theirs if customer in sends],
                own,
                [each for _, each in events],
                [place for place, _ in events],
                people.joins_of(person) if trace.joined else (),
            )


def _check_knowledge(person: _Person, policies: Policies) -> Iterator[Broken]:
    """Consent and quiet hours, by what was known when each message went."""
    known: defaultdict[str, Known] = defaultdict(Known)
    place, joins = 0, deque(person.joins)
    for send in person.sends:
        while place < len(person.applied) and person.applied[place].sends <= send.number:
            while joins and joins[0].events <= person.places[place]:
                _unite(known, joins.popleft())
            each = person.applied[place]
            known[each.customer].learn(each.event)
            place += 1
        while joins and joins[0].sends <= send.number:
            _unite(known, joins.popleft())
        of_then = known[person.people.at_send(send.customer, send.number)]
        if not of_then.allows(policies, send.purpose, send.channel):
            yield send.broken(
                Rule.NO_CONSENT, f"no consent to {send.purpose} by {send.channel} at that moment"
            )
        yield from _check_hours(send, of_then, policies)


def _unite(known: defaultdict[str, Known], join: Joined) -> None:
    known[join.customer].unite(known[join.former])


def _check_hours(send: Send, known: Known, policies: Policies) -> Iterator[Broken]:
    rules = [
        each
        for each in policies.quiet_hours
        if send.purpose in each.purposes and send.channel in each.channels
    ]
    if not rules:
        return
    zones = known.zones()
    quiet = _quiet(send, rules, zones)
    if not zones or (quiet and not is_ever_open(send.at, rules, zones)):
        default = load_zone(policies.default_zone) if policies.default_zone else None
        if default is not None:
            zones = (default,)
            quiet = _quiet(send, rules, zones)
    if not zones:
        text = f"{send.channel} has quiet hours, and nobody knows the customer's zone"
        yield send.broken(Rule.UNKNOWN_TIME_ZONE, text)
    if quiet:
        yield send.broken(Rule.QUIET_HOURS, quiet)


def _quiet(send: Send, rules: Sequence[QuietHours], zones: Sequence[ZoneInfo]) -> str:
    """Where it was quiet for the send, in words; "" when it was nowhere."""
    for zone in zones:
        for each in rules:
            if is_quiet(send.at, each, zone):
                return _said(send, each, zone)
    return ""


def _said(send: Send, quiet: QuietHours, zone: ZoneInfo) -> str:
    return (
        f"{send.channel} at {send.at.astimezone(zone):%H:%M} in {zone.key}, "
        f"which is quiet from {quiet.start:%H:%M} to {quiet.end:%H:%M}"
    )


def _maybe_sent(
    store: Store, customer: str, sends: Sequence[Send], policies: Policies
) -> frozenset[str]:
    """Messages whose records say that an outcome was lost; read only where one came twice."""
    if len({each.message for each in sends}) == len(sends):
        return frozenset()
    messages = sorted({each.message for each in sends if each.purpose in policies.purposes})
    items = store.get_many([keys.message(customer, each) for each in messages])
    return frozenset(item["message"] for item in items.values() if item.get("maybe_sent"))
