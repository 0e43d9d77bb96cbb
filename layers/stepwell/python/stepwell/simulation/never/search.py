"""Every rule, for every customer of a simulation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
    check_runs,
)
from stepwell.simulation.never.knowledge import Known
from stepwell.simulation.never.sends import Send, check_caps, check_twice, read_sends
from stepwell.simulation.never.walls import is_ever_open, is_quiet
from stepwell.simulation.trace import Applied, Run
from stepwell.storage.operations import Store

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
    applied: defaultdict[str, list[Applied]] = defaultdict(list)
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for send in read_sends(trace.sendings, simulation.definitions.loaded_programs):
        sends[send.customer].append(send)
    for each in trace.applied:
        if each.customer in sends:
            applied[each.customer].append(each)
    for run in trace.runs.values():
        runs[run.customer].append(run)
    waits = simulation.waiting() is not None
    found: list[Broken] = []
    for customer in {**trace.customers, **sends}:
        own = sends.get(customer)
        if own:
            found += check_twice(own, policies, _maybe_sent(store, customer, own, policies))
            found += check_caps(own, policies)
            found += _check_knowledge(own, applied[customer], policies)
            found += check_ends(store, customer, own, applied[customer])
        if customer in trace.customers:
            found += check_runs(runs.get(customer, ()), store, machines, waits=waits)
            if not simulation.may_fail:
                found += check_answers(runs.get(customer, ()))
            found += check_enrollments(store, customer, trace.runs)
    return found


def _check_knowledge(
    sends: Sequence[Send], applied: Sequence[Applied], policies: Policies
) -> Iterator[Broken]:
    """Consent and quiet hours, by what was known when each message went."""
    known, place = Known(), 0
    for send in sends:
        while place < len(applied) and applied[place].sends <= send.number:
            known.learn(applied[place].event)
            place += 1
        if not known.allows(policies, send.purpose, send.channel):
            yield send.broken(
                Rule.NO_CONSENT, f"no consent to {send.purpose} by {send.channel} at that moment"
            )
        yield from _check_hours(send, known, policies)


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
