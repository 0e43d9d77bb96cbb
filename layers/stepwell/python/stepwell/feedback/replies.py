"""Texts that customers write to our numbers: opt-outs, opt-ins, and answers like any others.

An opt-out covers the number, whoever has it. The customer who is known by the number is told of it
too, in words that they see in their consents; an opt-in takes back what the opt-out took, and
grants nothing that was not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from stepwell.customers.identities import identity_key
from stepwell.customers.identity_rules import PHONE
from stepwell.customers.people import load_person
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import CONSENT_EVENT, Event
from stepwell.events.told import inside_event
from stepwell.feedback.notices import InboundText
from stepwell.feedback.opt_out import Wish, wish_of
from stepwell.feedback.tools import Tools
from stepwell.messages.consent import GRANTED, grant_name, is_allowed
from stepwell.messages.receipts import MESSAGE_REPLIED
from stepwell.messages.suppression import starting, stopping, suppression_key
from stepwell.storage.operations import ConditionFailedError, Update
from stepwell.timestamps import to_text

CHANNEL = "sms"
_STOPPED = "stop-"
"""What the ids of events begin with that take consents away because of an opt-out."""


def take_reply(text: InboundText, tools: Tools, now: datetime) -> None:
    """Raises StoreBusyError and QueueUnavailableError; the text must come again then."""
    wish = wish_of(text.text or text.keyword or "")
    key = suppression_key(CHANNEL, text.number, tools.hasher)
    is_latest = True
    if wish is Wish.OUT:
        write = stopping(key, at=text.at, proof=text.id)
        is_latest = _is_latest(write, text.at, "started_at", tools)
    elif wish is Wish.IN:
        is_latest = _is_latest(starting(key, at=text.at), text.at, "stopped_at", tools)
    person = _person(text, tools)
    if person is None:
        return
    events = [_replied(text, wish, person, now)]
    if is_latest:
        events += _consents(text, wish, person, tools, now)
    tools.queue.send(events)


def _is_latest(update: Update, at: datetime, opposite: str, tools: Tools) -> bool:
    """Write what the text asks for, unless it is known; false when the opposite was said later."""
    try:
        tools.store.write(update)
    except ConditionFailedError as error:
        said = (error.items[0] or {}).get(opposite, "")
        return to_text(at) > str(said)
    return True


def _person(text: InboundText, tools: Tools) -> Snapshot | None:
    identity = tools.store.get(identity_key(PHONE, text.number, tools.hasher))
    return load_person(tools.store, identity["customer"]) if identity else None


def _replied(text: InboundText, wish: Wish, person: Snapshot, now: datetime) -> Event:
    said = {"channel": CHANNEL, "text": text.text, "opt": str(wish)}
    keyword = {"keyword": text.keyword} if text.keyword else {}
    return _event(f"reply-{text.id}", MESSAGE_REPLIED, person, text, said | keyword, now)


def _consents(
    text: InboundText, wish: Wish, person: Snapshot, tools: Tools, now: datetime
) -> Iterator[Event]:
    grants = (person.consents or {}).get("grants", {})
    for purpose in tools.policies.purposes.values():
        grant = grants.get(grant_name(purpose.name, CHANNEL), {})
        if wish is Wish.OUT and is_allowed(grants, purpose, CHANNEL):
            event_id, status = f"{_STOPPED}{text.id}-{purpose.name}", "revoked"
        elif wish is Wish.IN and str(grant.get("proof")).startswith(_STOPPED):
            event_id, status = f"start-{text.id}-{purpose.name}", GRANTED
        else:
            continue
        answer = {"purpose": purpose.name, "channel": CHANNEL, "status": status}
        yield _event(event_id, CONSENT_EVENT, person, text, answer, now)


def _event(
    event_id: str,
    name: str,
    person: Snapshot,
    text: InboundText,
    properties: dict[str, Any],
    now: datetime,
) -> Event:
    profile = person.profile or {}
    known = profile.get("anonymous_ids") or [None]
    return inside_event(
        event_id,
        name,
        person.customer,
        properties,
        at=min(text.at, now),
        received_at=now,
        user_id=profile.get("user_id"),
        anonymous_id=known[-1],
    )
