"""Texts, through SNS or End User Messaging: account, money and the number they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepwell.readiness.findings import Finding, ok, problem, warning

ACCOUNT = "SMS account"
SPEND = "SMS spend limit"
ORIGINATION = "SMS origination"
REPLIES = "SMS replies"
RECEIPTS = "SMS receipts"
ROOM = "SMS room"
DEFAULT_LIMIT = 1
"""Dollars a month, in every account at first."""
_SENDS_AT_FIRST = 1
_ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What may be spent in a month, in dollars. `most` is what may be set without asking AWS."""

    enforced: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origination:
    """A phone number, a sender id or a pool that texts may come from."""

    names: Sequence[str]
    """Id, ARN and number: any of them may be set."""
    kind: str
    """A phone number's: LONG_CODE, TOLL_FREE, …, SIMULATOR; else SENDER_ID or POOL."""
    status: str = _ACTIVE
    a_second: int | None = None
    two_way: bool | None = None
    """None for what nobody can reply to."""

    @property
    def shown(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Room:
    used: int
    most: int


def check_sns_account(*, sandbox: bool) -> Finding:
    if sandbox:
        means = "SNS is in its SMS sandbox: only numbers verified there get texts"
        return problem(ACCOUNT, means, "console: SNS, Text messaging (SMS), Exit SMS sandbox")
    return ok(ACCOUNT, "SNS is out of its SMS sandbox")


def check_account(tier: str) -> Finding:
    if tier != "PRODUCTION":
        means = "End User Messaging is in its SMS sandbox: only verified numbers get texts"
        mend = "console: AWS End User Messaging, SMS, Overview, Request production access"
        return problem(ACCOUNT, means, mend)
    return ok(ACCOUNT, "End User Messaging is out of its SMS sandbox")


def check_sns_spend(limit: int) -> Finding:
    if limit <= DEFAULT_LIMIT:
        means = f"texts stop when ${limit} is spent in a month"
        mend = "ask AWS for more (Service Quotas, Amazon SNS), then aws sns set-sms-attributes"
        return problem(SPEND, means, f"{mend} --attributes MonthlySpendLimit=DOLLARS")
    return ok(SPEND, f"${limit:,} a month")


def check_spend(limit: Limit) -> Finding:
    if limit.enforced > DEFAULT_LIMIT:
        return ok(SPEND, f"${limit.enforced:,} a month, at most ${limit.most:,} without asking AWS")
    means = f"texts stop when ${limit.enforced} is spent in a month"
    if limit.most > limit.enforced:
        raise_it = "aws pinpoint-sms-voice-v2 set-text-message-spend-limit-override"
        return problem(SPEND, means, f"{raise_it} --monthly-limit {limit.most}")
    mend = "ask AWS for more: console, Service Quotas, AWS End User Messaging SMS"
    return problem(SPEND, means, mend)


def check_sns_origination(sender_id: str, numbers: Sequence[str]) -> Finding:
    """`numbers`: those of the account that SNS may send from."""
    if numbers:
        return ok(ORIGINATION, f"SNS sends from {_few(numbers)}")
    if sender_id:
        means = (
            f"no number, only sender id {sender_id}: the US, Canada and others take no sender id"
        )
    else:
        means = "neither number nor sender id: countries that ask for one take no text"
    mend = "console: AWS End User Messaging, SMS, Phone numbers, Request originator"
    return warning(ORIGINATION, means, mend)


def check_origination(name: str, known: Sequence[Origination]) -> Finding:
    """`name` as it is set: empty, the service chooses among the account's."""
    live = [each for each in known if each.status == _ACTIVE]
    mend = "console: AWS End User Messaging, SMS, Phone numbers or Sender IDs"
    if not name:
        if not live:
            means = "the account has no number and no sender id: texts are refused or unreliable"
            return problem(ORIGINATION, means, f"{mend}, Request originator")
        return ok(ORIGINATION, f"AWS chooses among {_few([each.shown for each in live])}")
    found = next((each for each in known if name in each.names), None)
    if found is None:
        means = f"the account has no number, sender id or pool {name}: every text is refused"
        return problem(ORIGINATION, means, "set sms_origination in infra/settings.py to one it has")
    if found.status != _ACTIVE:
        means = f"{name} is {found.status.lower()}: texts from it are refused"
        return problem(ORIGINATION, means, f"{mend}: see what its registration waits for")
    return _judge_number(found, mend)


def _judge_number(found: Origination, mend: str) -> Finding:
    if found.kind == "SIMULATOR":
        means = f"{found.shown} is a simulator's number: it reaches simulators only"
        return problem(ORIGINATION, means, f"{mend}, Request originator")
    if found.a_second is None:
        return ok(ORIGINATION, f"{found.shown} is active")
    if found.a_second <= _SENDS_AT_FIRST:
        means = f"{found.shown} sends {found.a_second} a second; what does not fit waits"
        return warning(ORIGINATION, means, f"{mend}: a short code or a pool sends more")
    return ok(ORIGINATION, f"{found.shown} is active and sends {found.a_second} a second")


def check_replies(name: str, known: Sequence[Origination]) -> Finding:
    """Can a customer's STOP come back as an event?"""
    used = [each for each in known if not name or name in each.names]
    numbers = [each for each in used if each.two_way is not None]
    deaf = [each.shown for each in numbers if not each.two_way]
    if deaf:
        means = f"what is replied to {_few(deaf)} is not told: only AWS's own list takes a STOP"
        mend = "console: AWS End User Messaging, SMS, Phone numbers, Two-way SMS"
        return warning(REPLIES, means, mend)
    if not numbers:
        return ok(REPLIES, "nobody can reply: texts come from no number")
    return ok(REPLIES, f"replies to {_few([each.shown for each in numbers])} are told")


def check_receipts(name: str, *, exists: bool) -> Finding:
    if not name:
        means = "no configuration set: whether texts arrived is not told"
        mend = "make one, and name it in infra/settings.py, sms_configuration_set"
        return warning(RECEIPTS, means, mend)
    if not exists:
        means = f"there is no configuration set {name}: every text is refused"
        make = "aws pinpoint-sms-voice-v2 create-configuration-set --configuration-set-name"
        return problem(RECEIPTS, means, f"{make} {name}")
    return ok(RECEIPTS, f"texts go through configuration set {name}")


def check_room(limits: Mapping[str, Room]) -> Finding:
    """`limits` by what is counted: PHONE_NUMBERS, SENDER_IDS, …"""
    full = sorted(name for name, room in limits.items() if 0 < room.most <= room.used)
    if full:
        shown = _few([name.lower().replace("_", " ") for name in full])
        means = f"the account has as many as it may of: {shown}"
        return warning(ROOM, means, "console: Service Quotas, AWS End User Messaging SMS")
    return ok(ROOM, "more numbers and sender ids can be added")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
