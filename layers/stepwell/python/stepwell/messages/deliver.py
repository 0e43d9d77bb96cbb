"""The delivery function's logic: render, claim, send, record.

Between the claim and the record lies the only window in which a crash leaves the outcome unknown.
Whoever finds such a claim later does what the purpose's policy says: not send again, or send again.
An exception that is none of the provider's two is left to fail: it must not be answered as
"failed".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from stepwell.customers import keys
from stepwell.journeys.program import Message
from stepwell.messages import claims
from stepwell.messages.addressing import usable_addresses
from stepwell.messages.ask import answered, interrupted, message_step
from stepwell.messages.claims import Claim
from stepwell.messages.decisions import check_active
from stepwell.messages.imprint import NO_IMPRINT, TRANSACTIONAL, Imprint
from stepwell.messages.lanes import NO_LANES, Lane, take_turn
from stepwell.messages.letter import Letter
from stepwell.messages.policies import Policies
from stepwell.messages.promotion_hold import held_meanwhile
from stepwell.messages.provider_ids import pointing_to
from stepwell.messages.reading import Items, read_items
from stepwell.messages.records import (
    CLAIMED,
    Ending,
    Standing,
    failed_channels,
    recorded_answer,
    settle,
    standing_by_now,
)
from stepwell.messages.request import Request
from stepwell.messages.suppression import (
    INVALID,
    address_hash,
    suppressing,
    suppression_key,
)
from stepwell.messages.templates import TemplateError, template_context
from stepwell.messages.verdicts import Outcome, Rule, Verdict, suppressed
from stepwell.messages.worth import wait_or_drop, worthless_from
from stepwell.ports import (
    ErrorKind,
    Hasher,
    OutcomeUnknownError,
    Outgoing,
    Programs,
    Provider,
    ProviderError,
)
from stepwell.profile.printed import derived
from stepwell.storage.operations import Operation, Store
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

NEXT_CHANNEL = "next_channel"

PUSHED_BACK = "provider_pushed_back"

_MOST_ADDRESSES = 5  # device tokens that one send tries; all must fit the function's time-out
_NO_ADDRESS = (("no_usable_address", ErrorKind.ADDRESS),)
_TURN_KEPT = timedelta(minutes=5)
"""How long after its moment a message may come to take it."""
_FIRST_PAUSE = 60
_LONGEST_PAUSE = 3_600


@value
class Sent:
    """How a channel's attempt ended: accepted | refused | pushed_back | unknown.

    `refusals`: the provider's code and what kind of error it is, of each address that was tried.
    """

    result: str
    provider_id: str | None = None
    address: str | None = None
    refusals: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Delivery:
    """One run of `deliver`: what it was given, what it has read and where it stands."""

    request: Request
    store: Store
    policies: Policies
    hasher: Hasher
    imprint: Imprint
    now: datetime
    message: Message
    channel: str
    remaining: list[str]
    rules: list[Rule]
    items: Items
    standing: Standing
    falls_back: bool
    lane: Lane | None

    def end(self, verdict: Verdict, **more: Any) -> dict[str, Any]:
        """Record the verdict; `more` are the last fields of an Ending, of how it was sent."""
        ending = Ending(
            self.request,
            self.message.purpose,
            self.policies,
            self.now,
            self.standing,
            verdict,
            self.rules,
            self.items.person,
            self.items.caps,
            **more,
        )
        return answered(settle(self.store, ending))


def deliver(
    request: Request,
    *,
    store: Store,
    programs: Programs,
    policies: Policies,
    providers: Mapping[str, Provider],
    hasher: Hasher,
    now: Callable[[], datetime],
    imprint: Imprint = NO_IMPRINT,
    lanes: Mapping[str, Lane] = NO_LANES,
) -> dict[str, Any]:
    """`{"outcome": "next_channel", "channels", "message", "rules"}` or `{"outcome": "answered",
    "answer"}`.

    Raises NotAMessageError, MessageChangedError, StoreBusyError, and whatever a provider raises
    besides ProviderError and OutcomeUnknownError.
    """
    message = message_step(programs, request)
    items = read_items(store, request, consents=False)
    stored = items.message
    recorded = recorded_answer(stored, request.asked)
    if recorded is not None:
        return answered(recorded)
    started = now()
    cap = request.result("cap")
    delivery = _Delivery(
        request,
        store,
        policies,
        hasher,
        imprint,
        started,
        message,
        channel=cap["channel"],
        remaining=list(cap["channels"]),
        rules=list(cap["rules"]),
        items=items,
        standing=standing_by_now(stored, request, started),
        falls_back=bool(failed_channels(stored)),
        lane=lanes.get(cap["channel"]),
    )
    if stored is not None and stored["status"] == CLAIMED and not _resends(delivery):
        verdict, entries = interrupted(stored, message)
        delivery.rules += entries
        return delivery.end(verdict)
    held, entry = held_meanwhile(policies, message.purpose, items.profile, started)
    if held is not None:
        delivery.rules.append(entry)
        return delivery.end(held)
    return _deliver(delivery, providers, now)


def _deliver(
    delivery: _Delivery, providers: Mapping[str, Provider], now: Callable[[], datetime]
) -> dict[str, Any]:
    channel, items, journey = delivery.channel, delivery.items, delivery.request.journey
    enrollment = items.enrollment
    if delivery.falls_back and (enrollment or {}).get("run") != delivery.request.run:
        enrollment = None  # another run's: the event that it began with is not this message's
    rules, purpose = delivery.policies.profile, delivery.message.purpose
    seen = derived(items.profile, rules, purpose, delivery.now)
    context = template_context(items.person, items.profile, enrollment, journey, seen)
    try:
        content = _letter(delivery).render(context, items.profile or {})
    except TemplateError as error:
        delivery.rules.append(
            {"rule": "content", "result": error.reason, "channel": channel, "detail": error.detail}
        )
        return delivery.end(Verdict(Outcome.FAILED, error.reason, channel, detail=error.detail))
    delivery.rules.append(
        {"rule": "content", "result": "rendered", "channel": channel, "fields": sorted(content)}
    )
    if delivery.lane is not None:
        moment = _turn(delivery, delivery.lane)
        if moment > delivery.now:
            return _wait_for_turn(delivery, delivery.lane, moment)
    return _claim_and_send(delivery, content, providers[channel], now)


def _letter(delivery: _Delivery) -> Letter:
    request, person = delivery.request, delivery.items.person
    message, channel = delivery.message, delivery.channel
    return Letter(person, request.message, message, channel, delivery.imprint, delivery.hasher)


def _turn(delivery: _Delivery, lane: Lane) -> datetime:
    """The message's moment in the lane: the one that it has waited for, or a new one."""
    waited = (delivery.items.message or {}).get("turn") or {}
    if waited.get("lane") == lane.name:
        moment = from_text(waited["at"])
        if moment <= delivery.now <= moment + _TURN_KEPT:
            return delivery.now
    purpose = delivery.policies.purposes[delivery.message.purpose]
    latest = worthless_from(delivery.standing.patience(delivery.request), delivery.message)
    return take_turn(
        delivery.store, lane, delivery.now, goes_first=purpose.goes_first, latest=latest
    )


def _wait_for_turn(delivery: _Delivery, lane: Lane, moment: datetime) -> dict[str, Any]:
    """Not spread: the lane's moments are apart already."""
    delivery.rules.append(
        {"rule": "lane", "result": "full", "lane": lane.name, "per_second": lane.per_second}
    )
    verdict, entry = wait_or_drop(
        delivery.standing.patience(delivery.request),
        delivery.message,
        delivery.policies,
        reason="lane_full",
        until=moment,
        channel=delivery.channel,
        spread_seconds=0,
    )
    delivery.rules.append(entry)
    waits = verdict.outcome is Outcome.DEFERRED
    turn = {"lane": lane.name, "at": to_text(moment)} if waits else None
    return delivery.end(verdict, turn=turn)


def _claim_and_send(
    delivery: _Delivery,
    content: Mapping[str, str],
    provider: Provider,
    now: Callable[[], datetime],
) -> dict[str, Any]:
    wanted = Claim(
        delivery.request,
        delivery.message,
        delivery.policies,
        delivery.now,
        delivery.channel,
        profile_seq=(delivery.items.profile or {}).get("seq", 0),
        falls_back=delivery.falls_back,
    )
    claimed = claims.claim(delivery.store, wanted, delivery.standing, delivery.items.enrollment)
    if claimed is None:
        return _exited(delivery)
    delivery.standing = claimed
    sent = _send(delivery, content, provider)
    delivery.now = now()
    delivery.rules.append(_send_entry(delivery, sent))
    return _conclude(delivery, wanted, sent, provider)


def _exited(delivery: _Delivery) -> dict[str, Any]:
    request = delivery.request
    enrollment = delivery.store.get(keys.enrollment(request.customer, request.enrollment))
    _, entry = check_active(enrollment, request.run, falls_back=delivery.falls_back)
    delivery.rules.append(entry)
    return delivery.end(suppressed("exited", channel=delivery.channel))


def _send(delivery: _Delivery, content: Mapping[str, str], provider: Provider) -> Sent:
    """Try the channel's addresses until one is accepted or the outcome is not a plain refusal."""
    refusals: list[tuple[str, str]] = []
    found = usable_addresses(
        delivery.request,
        delivery.items,
        delivery.channel,
        delivery.message.purpose,
        store=delivery.store,
        hasher=delivery.hasher,
        now=delivery.now,
    )
    for address in found[:_MOST_ADDRESSES]:
        outgoing = Outgoing(
            delivery.request.message,
            delivery.channel,
            address,
            content,
            _tags(delivery),
            transactional=delivery.message.purpose == TRANSACTIONAL,
            unsubscribe_url=_letter(delivery).unsubscribe_url(address),
        )
        try:
            return Sent("accepted", provider.send(outgoing), address, tuple(refusals))
        except OutcomeUnknownError:
            return Sent("unknown", refusals=tuple(refusals))
        except ProviderError as error:
            refusals.append((error.code, error.kind))
            if error.may_go_later:
                return Sent("pushed_back", refusals=tuple(refusals))
            if error.kind is ErrorKind.ADDRESS:
                _suppress(delivery, address)
    return Sent("refused", refusals=tuple(refusals) or _NO_ADDRESS)


def _suppress(delivery: _Delivery, address: str) -> None:
    key = suppression_key(delivery.channel, address, delivery.hasher)
    proof = delivery.request.message
    delivery.store.write(suppressing(key, INVALID, at=delivery.now, proof=proof))


def _tags(delivery: _Delivery) -> dict[str, str]:
    request = delivery.request
    return {
        "customer": request.customer,
        "message": request.message,
        "journey": request.journey,
        "purpose": delivery.message.purpose,
    }


def _send_entry(delivery: _Delivery, sent: Sent) -> Rule:
    return {
        "rule": "send",
        "result": sent.result,
        "channel": delivery.channel,
        "provider_id": sent.provider_id,
        "refusals": [{"code": code, "kind": kind} for code, kind in sent.refusals],
    }


def _conclude(delivery: _Delivery, wanted: Claim, sent: Sent, provider: Provider) -> dict[str, Any]:
    channel = delivery.channel
    if sent.result == "accepted":
        return delivery.end(
            Verdict(Outcome.SENT, "accepted", channel),
            provider_id=sent.provider_id,
            sent_to=address_hash(channel, sent.address or "", delivery.hasher),
            besides=pointing_to(
                delivery.request,
                delivery.policies,
                delivery.now,
                provider=provider,
                channel=channel,
                provider_id=sent.provider_id or "",
            ),
        )
    if sent.result == "unknown" and not _resends(delivery):
        return delivery.end(Verdict(Outcome.UNKNOWN, "no_provider_answer", channel))
    if sent.result == "unknown":
        delivery.standing = replace(delivery.standing, maybe_sent=True)
        return _ask_later(delivery, "no_provider_answer", ())
    if sent.result == "pushed_back":
        # What an earlier attempt may have sent may have been reacted to: its slot stays open.
        closing = () if delivery.standing.maybe_sent else claims.closing(wanted)
        return _ask_later(delivery, PUSHED_BACK, closing)
    if delivery.remaining:
        released = claims.release(delivery.store, wanted, delivery.standing)
        return {
            "outcome": NEXT_CHANNEL,
            "channels": delivery.remaining,
            "message": released.document(),
            "rules": delivery.rules,
        }
    detail = ", ".join(code for code, _ in sent.refusals)
    return delivery.end(Verdict(Outcome.FAILED, "all_channels_refused", channel, detail=detail))


def _ask_later(delivery: _Delivery, reason: str, besides: Sequence[Operation]) -> dict[str, Any]:
    """Defer by a pause that doubles with every deferral, up to an hour; a crowd that was pushed
    back together comes back spread over as long again.
    """
    patience = delivery.standing.patience(delivery.request)
    pause = min(_FIRST_PAUSE * 2**patience.asked, _LONGEST_PAUSE)
    verdict, entry = wait_or_drop(
        patience,
        delivery.message,
        delivery.policies,
        reason=reason,
        until=delivery.now + timedelta(seconds=pause),
        channel=delivery.channel,
        spread_seconds=pause if reason == PUSHED_BACK else None,
    )
    delivery.rules.append(entry)
    return delivery.end(verdict, besides=besides if verdict.outcome is Outcome.DEFERRED else ())


def _resends(delivery: _Delivery) -> bool:
    return delivery.policies.purposes[delivery.message.purpose].resends
