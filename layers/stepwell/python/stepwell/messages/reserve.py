"""The frequency cap function's logic: a cap unit for the first channel that has room.

Optimistic: the CAPS item is written only in the version it was read in, and computed anew when
somebody else was faster, so N racing messages under a cap of k get exactly k units.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stepwell.journeys.program import Message
from stepwell.messages import caps
from stepwell.messages.ask import GO, answered, message_step
from stepwell.messages.decisions import NEXT_CHANNEL, WAIT
from stepwell.messages.policies import Policies
from stepwell.messages.reading import caps_by_now, read_caps
from stepwell.messages.records import Ending, caps_write, read_standing, settle
from stepwell.messages.request import Request
from stepwell.messages.verdicts import Rule, Verdict, suppressed
from stepwell.messages.worth import wait_or_drop
from stepwell.ports import Programs
from stepwell.storage.operations import ConditionFailedError, Item, Store, StoreBusyError
from stepwell.timestamps import to_text
from stepwell.values import value

_TRIES = 40


@value
class _Attempt:
    """A computation on one version of the CAPS item: the channel with room, or why none."""

    channel: str | None
    units: caps.Units
    refusals: dict[str, caps.Refusal]


def reserve_unit(
    request: Request, *, store: Store, programs: Programs, policies: Policies, now: datetime
) -> dict[str, Any]:
    """`{"outcome": "go", "channel", "channels", "message", "rules"}` or `{"outcome": "answered",
    "answer"}`.

    `channels` are those left to try after `channel`. Raises NotAMessageError, MessageChangedError,
    StoreBusyError.
    """
    message = message_step(programs, request)
    before = request.result("delivery") or request.result("consent")
    channels, rules = list(before["channels"]), list(before["rules"])
    if not policies.purposes[message.purpose].capped:
        rules.append({"rule": "caps", "result": "exempt", "purpose": message.purpose})
        return _go(channels[0], channels, before, rules)
    person, item, attempt = _reserve(store, request, message, channels, policies, now)
    rules.append(_entry(attempt, message, policies, now))
    if attempt.channel is not None:
        return _go(attempt.channel, channels, before, rules)
    verdict = _refused(request, attempt, message, policies, rules)
    standing = read_standing(before["message"])
    ending = Ending(request, message.purpose, policies, now, standing, verdict, rules, person, item)
    return answered(settle(store, ending))


def _reserve(
    store: Store,
    request: Request,
    message: Message,
    channels: Sequence[str],
    policies: Policies,
    now: datetime,
) -> tuple[str, Item | None, _Attempt]:
    """Whose CAPS item it is, the item, and the attempt that was computed from it: written, or in
    need of no write.
    """
    person, item = read_caps(store, request.customer)
    for _ in range(_TRIES):
        units = caps.read_units(item)
        attempt = _try_channels(units, request, message, channels, policies, now)
        if attempt.channel is None or attempt.units == units:
            return person, item, attempt
        try:
            store.write(caps_write(person, item, attempt.units))
        except ConditionFailedError as error:
            person, item = caps_by_now(store, person, error.items[0])
        else:
            return person, item, attempt
    raise StoreBusyError(f"the caps of customer {request.customer} change too fast")


def _try_channels(
    units: caps.Units,
    request: Request,
    message: Message,
    channels: Sequence[str],
    policies: Policies,
    now: datetime,
) -> _Attempt:
    """The first channel, or with `on_cap: next_channel` the first with room."""
    refusals: dict[str, caps.Refusal] = {}
    for channel in channels if message.on_cap == NEXT_CHANNEL else channels[:1]:
        result = caps.reserve(
            units,
            message=request.message,
            channel=channel,
            purpose=message.purpose,
            policies=policies,
            now=now,
        )
        if not isinstance(result, caps.Refusal):
            return _Attempt(channel, result, refusals)
        refusals[channel] = result
    return _Attempt(None, units, refusals)


def _entry(attempt: _Attempt, message: Message, policies: Policies, now: datetime) -> Rule:
    channels = [*attempt.refusals, *([attempt.channel] if attempt.channel else [])]
    asked = [
        cap for cap in policies.caps if any(cap.counts(message.purpose, each) for each in channels)
    ]
    entry: Rule = {
        "rule": "caps",
        "result": "reserved" if attempt.channel else "capped",
        "channel": attempt.channel,
        "refused": {
            channel: {"full": refusal.counts, "frees_at": to_text(refusal.frees_at)}
            for channel, refusal in attempt.refusals.items()
        },
        "limits": {cap.name: cap.at_most for cap in asked},
    }
    if attempt.channel:
        entry["counts"] = caps.counts_by_cap(
            attempt.units, policies, message.purpose, attempt.channel, now
        )
    return entry


def _refused(
    request: Request, attempt: _Attempt, message: Message, policies: Policies, rules: list[Rule]
) -> Verdict:
    channel, refusal = next(iter(attempt.refusals.items()))
    if message.on_cap != WAIT:
        return suppressed("capped", channel=channel)
    before = request.result("delivery") or request.result("consent")
    patience = read_standing(before["message"]).patience(request)
    verdict, entry = wait_or_drop(
        patience, message, policies, reason="capped", until=refusal.frees_at, channel=channel
    )
    rules.append(entry)
    return verdict


def _go(channel: str, channels: list[str], before: Any, rules: list[Rule]) -> dict[str, Any]:
    return {
        "outcome": GO,
        "channel": channel,
        "channels": channels[channels.index(channel) + 1 :],
        "message": before["message"],
        "rules": rules,
    }
