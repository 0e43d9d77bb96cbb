"""Everything that differs between stages, in one place.

A stage is one whole Stepwell. `STAGE=prod npx cdk deploy --all` (or `-c stage=prod`) chooses it;
without a choice it is `local`, the stage of `make run`. Change the addresses below to your own
before deploying.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aws_cdk.aws_logs import RetentionDays

from stepwell.events.registry import UnknownEvents
from stepwell.messages.lanes import Lane
from stepwell.messages.services import Service
from stepwell.profile.sentiment import LANGUAGES
from stepwell.profile.sweeping import AT_MOST


class Stage(StrEnum):
    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"


class SettingsError(ValueError):
    """A stage's settings contradict themselves; the message names the field."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """Calls a second, and how many more may come at once after a pause (a token bucket)."""

    rate: int
    burst: int


def _tiers() -> Mapping[str, Throttle]:
    return {"standard": Throttle(100, 200), "high": Throttle(400, 800)}


def _lanes() -> Mapping[str, Lane]:
    """A new account's quotas: texts begin at one a second, email at 14 once out of the sandbox."""
    return {"sms": Lane("sms", 1), "email": Lane("email", 14)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One stage's settings."""

    stage: Stage
    keep_data: bool
    """Tables, bucket and key outlive the stack, and the tables refuse to be deleted."""
    log_retention: RetentionDays
    email_from: str
    email_identity: str
    """The verified SES identity that `email_from` belongs to: its domain, or the address itself."""
    postal_address: str
    """What emails carry at their end, as the law of most countries asks of advertising; lines are
    kept.
    """
    email_configuration_set: str = ""
    sms_provider: Service = Service.END_USER_MESSAGING
    sms_origination: str = ""
    """ARN of the pool, phone number or sender ID that texts come from; empty: AWS chooses one of
    the account's.
    """
    sms_configuration_set: str = ""
    """Of End User Messaging; without it nobody hears what became of a text."""
    sms_sender_id: str = ""
    """With SNS as the provider."""
    push_provider: Service = Service.END_USER_MESSAGING
    push_application_id: str = ""
    """Of the End User Messaging Push (formerly Pinpoint) application."""
    push_application_arn: str = ""
    """With SNS as the provider: `arn:aws:sns:<region>:<account>:app/<platform>/<name>`."""
    whatsapp_number_id: str = ""
    """`phone-number-id-…` of End User Messaging Social; empty: WhatsApp is not used."""
    lanes: Mapping[str, Lane] = field(default_factory=_lanes)
    """What is sent a second on a channel, by the provider's quota; without one there is no limit.
    """
    public_url: str = ""
    """Of a domain of one's own that leads to the API, such as https://events.example.com, for links
    in messages; empty: the API's own address.
    """
    alarm_email: str = ""
    """Who is told of alarms (docs/runbooks); empty: nobody, they are only shown."""
    memory_mb: int = 512
    requests_per_second: int = 500
    burst: int = 1000
    """These two are for all callers together, and those below for each."""
    tiers: Mapping[str, Throttle] = field(default_factory=_tiers)
    """What a source may send, by the tier that `stepwell write-keys add --tier` gives it. One that
    sources are in must not go: CloudFormation would take its plan from under them.
    """
    without_header: Throttle = Throttle(100, 200)
    """For all calls together that have their write key in the body, which the gateway cannot read;
    and for sources that were added before there were tiers.
    """
    firewall: bool = True
    """A web application firewall before the API. It has a price each month (docs/idle-cost.md)."""
    calls_per_address: int = 300_000
    """What one address may send in five minutes; more is answered 429. A server sends all of its
    source's events from one address, so this must not be less than the highest tier allows.
    """
    router_concurrency: int = 50
    feedback_concurrency: int = 10
    commands_concurrency: int = 5
    """Step Functions throttles starts, wakes and stops per account: few workers are enough."""
    archive_days: int | None = None
    """How long archived events are kept; None: for good, as rebuilding all profiles needs."""
    quarantine_days: int = 90
    """How long refused calls are kept for somebody to correct and replay them."""
    quarantine_alarm_days: int = 3
    """How old a refused call may get before an alarm says that nobody has looked at it."""
    sweep_at_most: int = AT_MOST
    """Customers whom one run of the sweep, every five minutes, lets the router look at; fewer while
    the events queue holds others. It is how long the events of apps may have to wait behind them.
    """
    unknown_events: UnknownEvents = UnknownEvents.ACCEPT
    """What becomes of an event whose name the registry does not have."""
    parking: bool = False
    """Long waits of journeys with `park_waits_over` are parked outside of Step Functions. Once on,
    it stays on until no enrollment is parked any more: docs/parking.md.
    """
    comprehend: bool = False
    """Ask Amazon Comprehend how customers' messages sound, each at its price: docs/signals.md."""
    comprehend_languages: tuple[str, ...] = ("en",)
    """Those that customers write in, of those that Comprehend knows; the first where a message's
    locale says nothing.
    """
    delivery_concurrency: int | None = None
    """Reserved for delivery, and its limit: a provider's rate. A new account has nothing to reserve
    from, and its deployment would fail, so that this is set when the quota has been raised.
    """

    def __post_init__(self) -> None:
        _check(self)


def _check(settings: Settings) -> None:
    domain = settings.email_from.partition("@")[2]
    problems = {
        "email_from": bool(re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[a-z]+", settings.email_from)),
        "email_identity": settings.email_identity in {domain, settings.email_from},
        "push_application_arn": not settings.push_application_arn
        or bool(
            re.fullmatch(
                r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/\w+/[\w.-]+",
                settings.push_application_arn,
            )
        ),
        "sms_origination": not settings.sms_origination
        or bool(
            re.fullmatch(
                r"arn:aws[a-z-]*:sms-voice:[a-z0-9-]+:\d{12}:(pool|phone-number|sender-id)/[\w/-]+",
                settings.sms_origination,
            )
        ),
        "sms_configuration_set": not settings.sms_configuration_set
        or bool(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", settings.sms_configuration_set)),
        "push_application_id": not settings.push_application_id
        or bool(re.fullmatch(r"[0-9a-f]{32}", settings.push_application_id)),
        "whatsapp_number_id": not settings.whatsapp_number_id
        or bool(re.fullmatch(r"phone-number-id-[0-9a-zA-Z]+", settings.whatsapp_number_id)),
        "lanes": all(
            each.per_second > 0 and 0 <= each.kept < 1 for each in settings.lanes.values()
        ),
        "sms_sender_id": not settings.sms_sender_id
        or bool(re.fullmatch(r"[A-Za-z0-9-]{1,11}", settings.sms_sender_id)),
        "postal_address": 5 <= len(settings.postal_address) <= 400
        and settings.postal_address.replace("\n", "").isprintable(),
        "public_url": not settings.public_url
        or bool(re.fullmatch(r"https://[a-z0-9.-]+(/[\w.-]+)*", settings.public_url)),
        "memory_mb": 128 <= settings.memory_mb <= 10240,
        "router_concurrency": 2 <= settings.router_concurrency <= 1000,
        "feedback_concurrency": 2 <= settings.feedback_concurrency <= 1000,
        "commands_concurrency": 2 <= settings.commands_concurrency <= 1000,
        "sweep_at_most": 1 <= settings.sweep_at_most <= 100_000,  # 150 of 240 s at 15 ms for ten
        "comprehend_languages": bool(settings.comprehend_languages)
        and set(settings.comprehend_languages) <= set(LANGUAGES),
        "archive_days": settings.archive_days is None or settings.archive_days >= 30,
        "quarantine_days": settings.quarantine_days >= 1,
        "quarantine_alarm_days": 1 <= settings.quarantine_alarm_days < settings.quarantine_days,
        "burst": 1 <= settings.requests_per_second <= settings.burst,
        "tiers": "standard" in settings.tiers
        and all(
            re.fullmatch(r"[a-z][a-z0-9_]{0,19}", name) and _fits(each, settings)
            for name, each in settings.tiers.items()
        ),
        "without_header": _fits(settings.without_header, settings),
        "calls_per_address": settings.calls_per_address
        >= 300 * max((each.rate for each in settings.tiers.values()), default=0),
    }
    wrong = [name for name, right in problems.items() if not right]
    if wrong:
        raise SettingsError(
            f"settings of stage {settings.stage}: {', '.join(wrong)} not acceptable"
        )


def _fits(throttle: Throttle, settings: Settings) -> bool:
    """One caller's share of what the stage takes from all."""
    return 1 <= throttle.rate <= min(throttle.burst, settings.requests_per_second)


STAGES: Mapping[Stage, Settings] = {
    each.stage: each
    for each in (
        Settings(
            stage=Stage.LOCAL,
            keep_data=False,
            log_retention=RetentionDays.ONE_DAY,
            email_from="shop@example.com",
            email_identity="example.com",
            postal_address="Example Shop, 1 Example Street, London",
            sms_sender_id="Stepwell",
            push_application_id="0123456789abcdef0123456789abcdef",
            whatsapp_number_id="phone-number-id-0123456789abcdef0123456789abcdef",
            lanes={},  # moto takes all at once, and a replay shows what is decided, not a quota
            tiers={"standard": Throttle(500, 1000), "high": Throttle(500, 1000)},
            without_header=Throttle(500, 1000),
            push_application_arn="arn:aws:sns:us-east-1:123456789012:app/GCM/stepwell-local",
        ),
        Settings(
            stage=Stage.DEV,
            keep_data=False,
            log_retention=RetentionDays.TWO_WEEKS,
            email_from="shop@example.com",
            email_identity="example.com",
            postal_address="Example Shop, 1 Example Street, London",
        ),
        Settings(
            stage=Stage.PROD,
            keep_data=True,
            log_retention=RetentionDays.THREE_MONTHS,
            email_from="shop@example.com",
            email_identity="example.com",
            postal_address="Example Shop, 1 Example Street, London",
            memory_mb=1024,
            requests_per_second=2000,
            burst=4000,
            tiers={"standard": Throttle(200, 400), "high": Throttle(1000, 2000)},
            without_header=Throttle(500, 1000),
            calls_per_address=600_000,
            router_concurrency=200,
        ),
    )
}


def settings_for(name: str) -> Settings:
    """The settings of a stage. Raises SettingsError naming the stages that there are."""
    try:
        return STAGES[Stage(name)]
    except ValueError as error:
        raise SettingsError(f"no stage {name!r}; there are {', '.join(Stage)}") from error
