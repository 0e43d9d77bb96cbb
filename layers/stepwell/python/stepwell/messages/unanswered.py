"""Messages that a stopped execution left without an answer: who would ask again is gone.

A function may claim a message and die before it has said how that went. As a rule the execution
asks again and gets an answer; this is for one that was stopped before. What is recorded is what the
ask would have been answered: `unknown` for what may have been sent, `suppressed` for what was not.

What is not looked at: a message that was deferred was not sent, its decision says so, and it holds
no cap unit; one that goes on by its next channel is asked about by an execution of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from stepwell.customers import keys
from stepwell.messages.decisions import check_active
from stepwell.messages.policies import Policies
from stepwell.messages.reading import read_caps
from stepwell.messages.records import (
    CLAIMED,
    RELEASED,
    Ending,
    MessageChangedError,
    failed_channels,
    settle,
    standing_of,
)
from stepwell.messages.request import Request
from stepwell.messages.verdicts import Outcome, Rule, Verdict, suppressed
from stepwell.storage.operations import Item, Store, TableName
from stepwell.timestamps import from_text
from stepwell.values import value

SETTLE = "settle"
"""The command in the queue's message."""
AT_WORK = timedelta(seconds=240)
"""So long send_message may be at a message: its definition's own limit. The function that claims
has less.
"""
LOOKED_AT_AFTER = timedelta(seconds=300)
"""So long after a stop the messages are looked at, which is as long as a journey waits for an
answer: whoever claimed before the stop is done or dead by then.
"""
NO_ANSWER = "no_answer"
"""The reason of the decision that a journey writes when it gives up asking."""


@value
class Looked:
    """The ids of the messages that were settled; whether to look again, because somebody may be at
    work on one.
    """

    settled: tuple[str, ...] = ()
    again: bool = False


def settle_unanswered(
    store: Store, policies: Policies, customer: str, execution: str, now: datetime
) -> Looked:
    """Settle what an execution left; `execution` is the name of its first leg.

    Does nothing for one whose enrollment is active: it may ask. Harmless when repeated. Raises
    StoreBusyError.
    """
    prefix = f"{keys.MESSAGE_PREFIX}{execution}."
    found = store.query(TableName.RECORDS, keys.partition(customer), prefix=prefix)
    left = [item for item in found if _is_unanswered(item)]
    ready = [item for item in left if now - from_text(item["updated_at"]) >= AT_WORK]
    again = len(ready) < len(left)
    settled = []
    for item in ready:
        request = _request(customer, item)
        enrollment = store.get(keys.enrollment(customer, request.enrollment))
        is_active, entry = check_active(enrollment, request.run)
        if is_active:
            continue
        ending = _ending(store, policies, request, item, entry, now)
        try:
            settle(store, ending)
        except MessageChangedError:
            again = True
        else:
            settled.append(request.message)
    return Looked(tuple(settled), again)


def _is_unanswered(item: Item) -> bool:
    if failed_channels(item):
        return False
    maybe_sent = item["status"] == Outcome.DEFERRED and item.get("maybe_sent", False)
    return item["status"] in (CLAIMED, RELEASED) or maybe_sent


def _request(customer: str, item: Item) -> Request:
    """The ask after the last one that was answered."""
    answer = item.get("answer")
    return Request(
        customer,
        item["enrollment"],
        item["run"],
        item["execution"],
        item["journey"],
        item["version"],
        item["step"],
        asked=answer["asked"] if answer else item["first_asked"],
        attempt="",
        results={},
        message=item["message"],
    )


def _ending(
    store: Store, policies: Policies, request: Request, item: Item, exited: Rule, now: datetime
) -> Ending:
    person, caps = read_caps(store, request.customer)
    verdict, rules = _verdict(item, policies, exited)
    standing = standing_of(item, request, now)
    ending = Ending(request, item["purpose"], policies, now, standing, verdict, rules, person, caps)
    given_up = _given_up(store, request)
    return _as_given_up(ending, given_up) if given_up else ending


def _verdict(item: Item, policies: Policies, exited: Rule) -> tuple[Verdict, Sequence[Rule]]:
    channel = item.get("channel")
    if item["status"] != CLAIMED:
        return suppressed("exited", channel=channel), [exited]
    purpose = policies.purposes.get(item["purpose"])
    claim: Rule = {
        "rule": "claim",
        "result": "interrupted",
        "claimed_at": item["claimed_at"],
        "purpose": item["purpose"],
        "after_unknown_outcome": purpose.after_unknown_outcome if purpose else None,
    }
    return Verdict(Outcome.UNKNOWN, "interrupted", channel, detail="exited"), [claim, exited]


def _given_up(store: Store, request: Request) -> Item | None:
    """The decision of a journey that had asked for an hour before it was left. A message has one
    final decision.
    """
    found: list[dict[str, Any]] = store.query(
        TableName.RECORDS, keys.partition(request.customer), prefix=keys.DECISION_PREFIX
    )
    wanted = request.message, NO_ANSWER
    return next((each for each in found if (each["message"], each["reason"]) == wanted), None)


def _as_given_up(ending: Ending, decision: Item) -> Ending:
    """The same decision once more, now with the message and its cap unit."""
    _, _, asked = decision["decision"].rpartition("#")
    verdict = replace(ending.verdict, outcome=Outcome.UNKNOWN, reason=NO_ANSWER)
    return replace(
        ending,
        request=replace(ending.request, asked=int(asked)),
        now=from_text(decision["at"]),
        verdict=verdict,
    )


def settling(customer: str, execution: str) -> dict[str, Any]:
    """The command, as it is queued."""
    return {"command": SETTLE, "customer": customer, "execution": execution}
