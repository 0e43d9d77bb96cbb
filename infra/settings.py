"""Everything that differs between stages, in one place.

A stage is one whole Stepwell. `STAGE=prod npx cdk deploy --all` (or `-c stage=prod`) chooses it;
without a choice it is `local`, the stage of `make run`. Change the addresses below to your own
before deploying.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from aws_cdk.aws_logs import RetentionDays

from infra.settings_rules import problems_of
from infra.settings_slips import SLIPS, explain
from infra.settings_types import Problem
from stepwell.events.registry import UnknownEvents
from stepwell.messages.lanes import Lane
from stepwell.messages.services import Service
from stepwell.profile.sweeping import AT_MOST


class Stage(StrEnum):
    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"


class SettingsError(ValueError):
    """A stage's settings cannot be; the message names each field, its value and what it takes."""


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
    """The verified SES identity that `email_from` belongs to: its domain, one above it (the nearest
    that SES knows), or the address itself.
    """
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
    """What becomes of an event whose name the registry does not have: `UnknownEvents.ACCEPT`, or
    `UnknownEvents.QUARANTINE`.
    """
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
        if problems := problems_of(self):
            raise SettingsError(_told(self.stage, [str(each) for each in problems]))


def _told(stage: str, problems: Sequence[str]) -> str:
    intro = f"settings of stage {stage}:"
    return f"{intro} {problems[0]}" if len(problems) == 1 else "\n  ".join((intro, *problems))


def _local() -> Settings:
    return Settings(
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
    )


def _dev() -> Settings:
    return Settings(
        stage=Stage.DEV,
        keep_data=False,
        log_retention=RetentionDays.TWO_WEEKS,
        email_from="shop@example.com",
        email_identity="example.com",
        postal_address="Example Shop, 1 Example Street, London",
    )


def _prod() -> Settings:
    return Settings(
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
    )


class Stages(Mapping[Stage, Settings]):
    """Settings are made when they are asked for: what is wrong is told then, not by an import."""

    def __init__(self, makers: Mapping[Stage, Callable[[], Settings]]) -> None:
        self._makers = makers

    def __getitem__(self, stage: Stage) -> Settings:
        return _made(stage, self._makers[stage])

    def __iter__(self) -> Iterator[Stage]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@cache
def _made(stage: Stage, make: Callable[[], Settings]) -> Settings:
    try:
        settings = make()
    except SLIPS as error:
        raise SettingsError(_told(stage, [explain(error, (Settings, Throttle, Lane))])) from error
    if settings.stage is not stage:
        wrong = Problem("stage", settings.stage, f"Stage.{stage.name}")
        raise SettingsError(_told(stage, [str(wrong)]))
    return settings


STAGES = Stages({Stage.LOCAL: _local, Stage.DEV: _dev, Stage.PROD: _prod})


def settings_for(name: str) -> Settings:
    """The settings of a stage. Raises SettingsError, for no such stage naming those there are."""
    if name not in {*Stage}:
        raise SettingsError(f"no stage {name!r}; there are {', '.join(Stage)}")
    return STAGES[Stage(name)]
