"""The consent function's logic: is this message to be sent now, and on which channels?

One consistent read of the customer, rules 1 to 5, and, when they end it, the record. Also the place
where a message that an earlier attempt claimed and never answered is settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stepwell.journeys.program import Message
from stepwell.messages.consent import granted_at
from stepwell.messages.decisions import Facts, decide
from stepwell.messages.policies import Policies
from stepwell.messages.reach import NOTHING_SUPPRESSED
from stepwell.messages.reading import read_items, run_of
from stepwell.messages.records import (
    CLAIMED,
    Ending,
    Standing,
    failed_channels,
    recorded_answer,
    settle,
    standing_of,
)
from stepwell.messages.request import Request
from stepwell.messages.suppression import read_suppressed
from stepwell.messages.verdicts import Outcome, Rule, Verdict
from stepwell.ports import Hasher, Programs
from stepwell.storage.operations import Item, Store
from stepwell.timestamps import to_text

GO = "go"
ANSWERED = "answered"


class NotAMessageError(Exception):
    """The step that was asked about is no message of that version of the journey."""


def ask(
    request: Request,
    *,
    store: Store,
    programs: Programs,
    policies: Policies,
    hasher: Hasher,
    now: datetime,
) -> dict[str, Any]:
    """`{"outcome": "go", "channels", "message", "rules", "suppression"}` or `{"outcome":
    "answered", "answer"}`. `suppression` says when it was asked and whether there is any.

    Raises NotAMessageError, MessageChangedError, StoreBusyError.
    """
    message = message_step(programs, request)
    items = read_items(store, request)
    stored = items.message
    recorded = recorded_answer(stored, request.asked)
    if recorded is not None:
        return answered(recorded)
    standing = standing_of(stored, request, now)
    suppressed = NOTHING_SUPPRESSED
    verdict: Verdict | None
    channels: tuple[str, ...]
    if stored is not None and stored["status"] == CLAIMED and not _resends(policies, message):
        verdict, rules = interrupted(stored, message)
        channels = ()
    else:
        profile, purpose = items.profile or {}, message.purpose
        suppressed = read_suppressed(
            store,
            profile,
            message.channels,
            purpose,
            hasher,
            lambda channel: granted_at(items.consents, purpose, channel),
        )
        failed = failed_channels(stored)
        enrollment = run_of(store, request, items.enrollment) if failed else items.enrollment
        facts = Facts(
            patience=standing.patience(request),
            run=request.run,
            now=now,
            enrollment=enrollment,
            profile=items.profile,
            consents=items.consents,
            suppressed=suppressed,
            failed_channels=failed,
        )
        decision = decide(facts, message, policies)
        verdict, rules, channels = decision.verdict, decision.rules, decision.channels
    if verdict is None:
        asked = {"at": to_text(now), "found": bool(suppressed.reasons)}
        return go(channels, standing, rules, asked)
    purpose, person = message.purpose, items.person
    ending = Ending(request, purpose, policies, now, standing, verdict, rules, person, items.caps)
    return answered(settle(store, ending))


def message_step(programs: Programs, request: Request) -> Message:
    """The message's settings in the version of the journey that asks. Raises NotAMessageError."""
    step = programs.version(request.version).steps.get(request.step)
    if not isinstance(step, Message):
        raise NotAMessageError(f"{request.journey} {request.version} has no message {request.step}")
    return step


def interrupted(stored: Item, message: Message) -> tuple[Verdict, list[Rule]]:
    """An earlier attempt claimed the message and never said how it went; it is not sent again."""
    entry: Rule = {
        "rule": "claim",
        "result": "interrupted",
        "claimed_at": stored["claimed_at"],
        "purpose": message.purpose,
        "after_unknown_outcome": "drop",
    }
    return Verdict(Outcome.UNKNOWN, "interrupted", stored.get("channel")), [entry]


def go(
    channels: tuple[str, ...],
    standing: Standing,
    rules: list[Rule],
    suppression: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "outcome": GO,
        "channels": list(channels),
        "message": standing.document(),
        "rules": rules,
        "suppression": dict(suppression),
    }


def answered(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {"outcome": ANSWERED, "answer": dict(answer)}


def _resends(policies: Policies, message: Message) -> bool:
    purpose = policies.purposes.get(message.purpose)
    return purpose is not None and purpose.resends
