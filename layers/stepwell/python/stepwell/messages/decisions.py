"""Rules 1 to 5 of a message, in their order: still active, not held and worth it, consent, reach,
channel, time.

Pure. Each rule that runs adds its result and its inputs to the decision record; the first that
stops the message ends the list. Caps, content and the send follow in `reserve` and `deliver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from stepwell.customers import slots
from stepwell.customers.snapshot import Snapshot
from stepwell.journeys.program import Message
from stepwell.messages.channels import order_channels
from stepwell.messages.consent import check_consent
from stepwell.messages.policies import Policies
from stepwell.messages.promotion_hold import check_promotion_hold
from stepwell.messages.reach import Suppressed, check_reach
from stepwell.messages.timing import OPEN, QUIET, UNKNOWN_ZONE, ChannelTime, check_time
from stepwell.messages.verdicts import Outcome, Rule, Verdict, suppressed
from stepwell.messages.worth import Patience, check_worth, wait_or_drop
from stepwell.storage.operations import Item
from stepwell.values import value

WAIT = "wait"
SKIP = "skip"
NEXT_CHANNEL = "next_channel"

Result = TypeVar("Result")


@value
class Facts:
    """What is known when a message is asked about. Items are None when there are none."""

    patience: Patience
    run: int
    now: datetime
    enrollment: Item | None
    profile: Item | None
    consents: Item | None
    suppressed: Suppressed
    failed_channels: tuple[str, ...] = ()
    """On which it went out before and did not arrive; `enrollment` may then have been completed."""


@dataclass(slots=True)
class Decision:
    """Either the channels to try, in order, or the verdict; and every rule's entry."""

    channels: tuple[str, ...] = ()
    verdict: Verdict | None = None
    rules: list[Rule] = field(default_factory=list)


def decide(facts: Facts, message: Message, policies: Policies) -> Decision:
    """Apply rules 1 to 5. An earlier version of a journey may have a purpose that is no more."""
    decision = Decision()
    purpose = policies.purposes.get(message.purpose)
    if purpose is None:
        unknown = {"rule": "purpose", "result": "unknown_purpose", "purpose": message.purpose}
        decision.rules.append(unknown)
        return _end(decision, suppressed("unknown_purpose"))
    profile = facts.profile or {}
    grants = (facts.consents or {}).get("grants", {})

    falls_back = bool(facts.failed_channels)
    if falls_back:
        decision.rules.append(_fallback(facts.failed_channels, message))
    if not _note(decision, check_active(facts.enrollment, facts.run, falls_back=falls_back)):
        return _end(decision, suppressed("exited"))
    held = _held(decision, facts, purpose.name, policies)
    if held is not None:
        return _end(decision, held)
    if not _note(decision, check_worth(facts.now, facts.patience, message)):
        return _end(decision, suppressed("worthless"))
    left = [each for each in message.channels if each not in facts.failed_channels]
    if not left:
        return _end(decision, Verdict(Outcome.FAILED, "all_channels_failed"))
    allowed = _note(decision, check_consent(grants, purpose, left))
    if not allowed:
        return _end(decision, suppressed("no_consent"))
    reachable = _note(decision, check_reach(profile, allowed, facts.suppressed))
    if not reachable:
        return _end(decision, suppressed(decision.rules[-1]["result"]))
    ordered = _note(decision, order_channels(message.channels, reachable))
    states = _note(decision, check_time(profile, policies, purpose.name, ordered, facts.now))
    return _apply_time(decision, states, facts, message, policies)


def check_active(
    enrollment: Mapping[str, Any] | None, run: int, *, falls_back: bool = False
) -> tuple[bool, Rule]:
    """Whether the enrollment is still this run and has not ended. A message that falls back to
    another channel may be of a run that was completed, not of one that was left.
    """
    item = enrollment or {}
    running = item.get("status") == slots.ACTIVE
    completed = falls_back and item.get("outcome") == slots.COMPLETED
    active = item.get("run") == run and (running or completed)
    return active, {
        "rule": "active",
        "result": ("completed" if completed else "active") if active else "exited",
        "run": run,
        "enrollment_run": item.get("run"),
        "status": item.get("status"),
        "ended_as": item.get("outcome"),
        "ended_by": item.get("ended_by"),
    }


def _held(decision: Decision, facts: Facts, purpose: str, policies: Policies) -> Verdict | None:
    """Noted only for purposes that can be held."""
    if not policies.promotion_hold.concerns(purpose):
        return None
    person = Snapshot("", facts.profile, facts.consents)
    return _note(decision, check_promotion_hold(policies, purpose, person, facts.now))


def _fallback(failed: tuple[str, ...], message: Message) -> Rule:
    return {
        "rule": "fallback",
        "result": "asked_again",
        "failed_channels": list(failed),
        "channels": list(message.channels),
    }


def _apply_time(
    decision: Decision,
    states: tuple[ChannelTime, ...],
    facts: Facts,
    message: Message,
    policies: Policies,
) -> Decision:
    """What the step wants when its first channel is quiet; open channels behind it stay as
    fallbacks.
    """
    open_now = tuple(each.channel for each in states if each.state == OPEN)
    first = states[0]
    if open_now and (first.state == OPEN or message.on_quiet_hours == NEXT_CHANNEL):
        decision.channels = open_now
        return decision
    waiting = _waiting(states, message.on_quiet_hours)
    if waiting is None or waiting.until is None:
        return _end(decision, suppressed(UNKNOWN_ZONE, channel=first.channel))
    if message.on_quiet_hours == SKIP:
        return _end(decision, suppressed("quiet_hours", channel=first.channel))
    verdict = _note(
        decision,
        wait_or_drop(
            facts.patience,
            message,
            policies,
            reason="quiet_hours",
            until=waiting.until,
            channel=waiting.channel,
        ),
    )
    return _end(decision, verdict)


def _waiting(states: tuple[ChannelTime, ...], on_quiet_hours: str) -> ChannelTime | None:
    """The channel to wait for: the first, or with `next_channel` the one whose quiet hours end
    first.
    """
    if on_quiet_hours != NEXT_CHANNEL:
        return states[0] if states[0].state == QUIET else None
    quiet = [(each.until, each) for each in states if each.until is not None]
    return min(quiet, key=lambda pair: pair[0])[1] if quiet else None


def _note(decision: Decision, outcome: tuple[Result, Rule]) -> Result:
    result, entry = outcome
    decision.rules.append(entry)
    return result


def _end(decision: Decision, verdict: Verdict) -> Decision:
    decision.verdict = verdict
    return decision
