"""Until when a message is worth sending, and whether it may be deferred once more."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from stepwell.journeys.program import Message
from stepwell.messages.policies import Policies
from stepwell.messages.verdicts import Rule, Verdict, deferred, suppressed
from stepwell.timestamps import to_text
from stepwell.values import value


@value
class Patience:
    """Since when one message has been asked about, and how often it was deferred."""

    message_id: str
    asked: int
    first_asked_at: datetime


def worthless_from(patience: Patience, message: Message) -> datetime | None:
    """The moment from which the message is not worth sending; None when it always is."""
    if message.worthless_after_seconds is None:
        return None
    return patience.first_asked_at + timedelta(seconds=message.worthless_after_seconds)


def check_worth(moment: datetime, patience: Patience, message: Message) -> tuple[bool, Rule]:
    """Whether the message is worth sending at the moment, and the rule's entry."""
    limit = worthless_from(patience, message)
    worth = limit is None or moment < limit
    return worth, {
        "rule": "worth",
        "result": "worth_sending" if worth else "worthless",
        "first_asked_at": to_text(patience.first_asked_at),
        "worthless_from": to_text(limit) if limit else None,
    }


def wait_or_drop(
    patience: Patience,
    message: Message,
    policies: Policies,
    *,
    reason: str,
    until: datetime,
    channel: str | None,
    spread_seconds: int | None = None,
) -> tuple[Verdict, Rule]:
    """Defer to the moment (spread), or suppress as worthless: when it is too late by then, or this
    would be one deferral too many.

    `spread_seconds` is another spread than that of the policies.
    """
    seconds = policies.spread_seconds if spread_seconds is None else spread_seconds
    moment = _whole_second(spread(until, patience.message_id, seconds))
    limit = worthless_from(patience, message)
    may_wait = (limit is None or moment < limit) and patience.asked < policies.max_asks
    entry: Rule = {
        "rule": "wait",
        "result": "may_wait" if may_wait else "worthless",
        "waits_for": reason,
        "until": to_text(moment),
        "worthless_from": to_text(limit) if limit else None,
        "asked": patience.asked,
        "max_asks": policies.max_asks,
    }
    if may_wait:
        return deferred(reason, moment, channel=channel), entry
    return suppressed("worthless", channel=channel), entry


def _whole_second(moment: datetime) -> datetime:
    """The moment, or the next second when it lies between two.

    Step Functions drops the milliseconds of a Wait's timestamp: a journey would come back too
    early, and be deferred again and again until its asks are used up.
    """
    if not moment.microsecond:
        return moment
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def spread(moment: datetime, message_id: str, spread_seconds: int) -> datetime:
    """The moment, moved by a part of the spread that the message's id decides."""
    if not spread_seconds:
        return moment
    digest = hashlib.sha256(message_id.encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return moment + timedelta(milliseconds=int(share * spread_seconds * 1_000))
