"""The MESSAGE and DECISION items, and the one transaction that ends an ask.

Every write of a MESSAGE is conditional on its revision, so an answer is recorded once, with its
decision and its cap unit, or not at all; whoever asks the same again gets the recorded answer.

    MESSAGE   message, enrollment, run, execution, journey, version, step, purpose
              status          claimed: about to be sent, or the attempt crashed in the middle
                              released: one channel refused it for good, the next is to be tried;
                              also after a provider took it, then it has `failed_channels`
                              sent | deferred | suppressed | failed | unknown: answered so
              revision        number, one more with every write
              first_asked_at  ISO 8601; `worthless_after` counts from here
              first_asked     `asked` at that time: messages before this one were deferred so often
              maybe_sent      true once a claim's outcome was lost; then never said not to be sent
              claimed_by, claimed_at, channel     the last claim: whose, when, on which channel
              answered, answer                    the last ask that was answered, and what
              turn            {lane, at}: the moment in its provider's lane that it waits for
              provider_id, updated_at, expires
              sent_to         keyed hash of the address that a provider took it for, as in the key
                              of a suppression
              failed_channels     those of which a provider said afterwards that it did not arrive,
              failed_origins      and the provider's id of the message on each of these
              (what became of it then: messages.receipts)

    DECISION  decision, message, at, asked, enrollment, run, journey, version, step, purpose
              outcome, reason, detail, channel, until, rules [{"rule", "result", …inputs}], expires
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.messages import caps
from stepwell.messages.policies import Policies
from stepwell.messages.reading import caps_by_now
from stepwell.messages.request import Request
from stepwell.messages.verdicts import Outcome, Rule, Verdict
from stepwell.messages.worth import Patience
from stepwell.storage.operations import (
    NEW,
    ConditionFailedError,
    Conditions,
    Item,
    Operation,
    Put,
    Store,
    Update,
    equals,
)
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

CLAIMED = "claimed"
RELEASED = "released"

_FINAL = tuple(each for each in Outcome if each is not Outcome.DEFERRED)
_COUNTED = (Outcome.SENT, Outcome.UNKNOWN)
_NOT_SENT = (Outcome.SUPPRESSED, Outcome.FAILED)

_TRIES = 20

Answer = Mapping[str, Any]


class MessageChangedError(Exception):
    """Another attempt at the same message is at work; ask again later, with the same message id."""


@value
class Standing:
    """What is known of a message while it is asked about; travels between the functions."""

    revision: int
    first_asked_at: datetime
    first_asked: int
    maybe_sent: bool

    def document(self) -> dict[str, Any]:
        return {
            "revision": self.revision,
            "first_asked_at": to_text(self.first_asked_at),
            "first_asked": self.first_asked,
            "maybe_sent": self.maybe_sent,
        }

    def conditions(self) -> Conditions:
        return (equals("revision", self.revision),) if self.revision else NEW

    def patience(self, request: Request) -> Patience:
        deferrals = request.asked - self.first_asked
        return Patience(request.message, deferrals, self.first_asked_at)


def read_standing(document: Mapping[str, Any]) -> Standing:
    """What `Standing.document` wrote."""
    return Standing(
        revision=int(document["revision"]),
        first_asked_at=from_text(document["first_asked_at"]),
        first_asked=document["first_asked"],
        maybe_sent=document["maybe_sent"],
    )


def standing_of(item: Item | None, request: Request, now: datetime) -> Standing:
    """From the MESSAGE item. A claim that an earlier attempt left behind may have been sent."""
    if item is None:
        return Standing(revision=0, first_asked_at=now, first_asked=request.asked, maybe_sent=False)
    return Standing(
        revision=item["revision"],
        first_asked_at=from_text(item["first_asked_at"]),
        first_asked=item["first_asked"],
        maybe_sent=item.get("maybe_sent", False) or item["status"] == CLAIMED,
    )


def standing_by_now(stored: Item | None, request: Request, now: datetime) -> Standing:
    """What is stored; the consent function's word when nothing was written about it yet."""
    if stored:
        return standing_of(stored, request, now)
    return read_standing(request.result("cap")["message"])


def failed_channels(item: Item | None) -> tuple[str, ...]:
    """The channels on which the message went out and did not arrive. Not empty: it is asked about
    once more, by feedback and not by its journey.
    """
    return tuple((item or {}).get("failed_channels", ()))


def recorded_answer(item: Item | None, asked: int) -> Answer | None:
    """The answer to this ask when there is one already, or the final one whatever was asked."""
    if item is None or "answer" not in item:
        return None
    final = item["status"] in _FINAL
    answer: Answer = item["answer"]
    return answer if final or item["answered"] >= asked else None


def identity_of(request: Request, purpose: str) -> dict[str, Any]:
    """What says which message an item is about."""
    return {
        "message": request.message,
        "enrollment": request.enrollment,
        "run": request.run,
        "journey": request.journey,
        "version": request.version,
        "step": request.step,
        "purpose": purpose,
    }


@value
class Ending:
    """Everything that the end of an ask records. `caps` is the CAPS item as last read, `person` the
    customer whose it is: who the request's customer is by now.

    `besides` are further writes that should hold, but do not have to: they are left out when their
    conditions fail.
    """

    request: Request
    purpose: str
    policies: Policies
    now: datetime
    standing: Standing
    verdict: Verdict
    rules: Sequence[Rule]
    person: str
    caps: Item | None = None
    provider_id: str | None = None
    sent_to: str | None = None
    besides: Sequence[Operation] = field(default=())
    turn: Mapping[str, Any] | None = None


def settle(store: Store, ending: Ending) -> Answer:
    """Record the verdict with its decision and cap unit; the answer, or the one recorded before.

    Raises MessageChangedError when another attempt has changed the message without answering it.
    """
    verdict = _honest(ending.verdict, maybe_sent=ending.standing.maybe_sent)
    answer = _answer(ending, verdict)
    # A customer may have been read just before a join, and their caps just after it.
    person, caps_item = caps_by_now(store, ending.person, ending.caps)
    besides = list(ending.besides)
    for attempt in range(_TRIES):
        # A unit left reserved counts like a confirmed one: better than an answer never recorded.
        last = attempt == _TRIES - 1
        units = [] if last else _cap_writes(ending, verdict, person, caps_item)
        record: list[Operation] = [
            _message_write(ending, verdict, answer),
            _decision_write(ending, verdict, answer),
        ]
        try:
            store.transact([*record, *units, *besides])
        except ConditionFailedError as error:
            if 0 in error.failed:
                return _answer_of_other(error.items[0], ending, answer)
            if units and len(record) in error.failed:
                person, caps_item = caps_by_now(store, person, error.items[len(record)])
            if any(index >= len(record) + len(units) for index in error.failed):
                besides = []
        else:
            return answer
    raise MessageChangedError(ending.request.message)


def _honest(verdict: Verdict, *, maybe_sent: bool) -> Verdict:
    """What may have been sent is never said not to be."""
    if maybe_sent and verdict.outcome in _NOT_SENT:
        return Verdict(Outcome.UNKNOWN, "interrupted", verdict.channel, detail=verdict.reason)
    return verdict


def _answer_of_other(stored: Item | None, ending: Ending, answer: Answer) -> Answer:
    """The write failed because the message has changed: perhaps by this very write, its answer
    lost.
    """
    recorded = recorded_answer(stored, ending.request.asked)
    if recorded is None:
        raise MessageChangedError(ending.request.message)
    return answer if recorded == answer else recorded


def _answer(ending: Ending, verdict: Verdict) -> dict[str, Any]:
    request = ending.request
    return {
        "outcome": str(verdict.outcome),
        "reason": verdict.reason,
        "channel": verdict.channel,
        "until": to_text(verdict.until) if verdict.until else None,
        "decision": f"{to_text(ending.now)}#{request.message}#{request.asked}",
        "message": request.message,
        "asked": request.asked + (verdict.outcome is Outcome.DEFERRED),
    }


def _message_write(ending: Ending, verdict: Verdict, answer: Answer) -> Update:
    request, standing = ending.request, ending.standing
    changes: dict[str, Any] = {
        **identity_of(request, ending.purpose),
        "execution": request.execution,
        "status": str(verdict.outcome),
        "revision": standing.revision + 1,
        "first_asked_at": to_text(standing.first_asked_at),
        "first_asked": standing.first_asked,
        "answered": request.asked,
        "answer": dict(answer),
        "updated_at": to_text(ending.now),
        "expires": expiry(ending.policies, ending.now),
    }
    if standing.maybe_sent:
        changes["maybe_sent"] = True
    if ending.provider_id is not None:
        changes["provider_id"] = ending.provider_id
        changes["sent_to"] = ending.sent_to
    if ending.turn is not None:
        changes["turn"] = ending.turn
    gone = () if ending.turn is not None else ("turn",)
    return Update(
        keys.message(request.customer, request.message), changes, gone, standing.conditions()
    )


def _decision_write(ending: Ending, verdict: Verdict, answer: Answer) -> Put:
    item = {
        **identity_of(ending.request, ending.purpose),
        "decision": answer["decision"],
        "at": to_text(ending.now),
        "asked": ending.request.asked,
        "outcome": answer["outcome"],
        "reason": verdict.reason,
        "detail": verdict.detail,
        "channel": verdict.channel,
        "until": answer["until"],
        "rules": list(ending.rules),
        "expires": expiry(ending.policies, ending.now),
    }
    return Put(keys.decision(ending.request.customer, answer["decision"]), item)


def _cap_writes(
    ending: Ending, verdict: Verdict, person: str, item: Item | None
) -> list[Operation]:
    """Confirm the message's unit when it was or may have been sent, else release it."""
    message = ending.request.message
    units = caps.read_units(item)
    counted = verdict.outcome in _COUNTED or ending.standing.maybe_sent
    changed = caps.confirm(units, message, ending.now) if counted else caps.release(units, message)
    return [] if changed == units else [caps_write(person, item, changed)]


def caps_write(customer: str, item: Item | None, units: caps.Units) -> Put:
    """The CAPS item with other units, if nobody has written it since it was read."""
    version = item["version"] if item else 0
    changes = {"version": version + 1, "units": caps.write_units(units)}
    conditions = (equals("version", version),) if item else NEW
    return Put(keys.caps(customer), changes, conditions)


def expiry(policies: Policies, now: datetime) -> int:
    """Epoch seconds after which the item may be deleted."""
    return int(now.timestamp()) + policies.keep_seconds
