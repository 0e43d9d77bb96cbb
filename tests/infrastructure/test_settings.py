"""What a stage's settings may be, and what is said of those that cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk.aws_logs import RetentionDays

from infra import settings as module
from infra.app import main
from infra.layers import ROOT
from infra.reaching_out import providers
from infra.settings import (
    STAGES,
    Settings,
    SettingsError,
    Stage,
    Stages,
    Throttle,
    settings_for,
)
from stepwell.events.registry import UnknownEvents
from stepwell.messages.channels import CHANNELS
from stepwell.messages.lanes import Lane
from stepwell.messages.services import Service

PUNYCODE = "xn--e1afmkfd.xn--p1ai"


def with_(**changes: Any) -> Settings:
    return replace(settings_for("dev"), **changes)


def refused(**changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        with_(**changes)
    return str(caught.value)


def test_every_stage_is_found_by_name_and_right() -> None:
    assert [settings_for(name).stage for name in ("local", "dev", "prod")] == list(STAGES)
    assert settings_for("prod").keep_data


def test_unknown_stage_is_answered_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="no stage 'production'; there are local, dev, prod"):
        settings_for("production")


# ------------------------------------------------------------------------------------ types


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("unknown_events", "refuse", "UnknownEvents.ACCEPT or UnknownEvents.QUARANTINE"),
        ("unknown_events", "quarantine", "UnknownEvents.ACCEPT or UnknownEvents.QUARANTINE"),
        ("sms_provider", "Twilio", "Service.END_USER_MESSAGING or Service.SNS"),
        ("push_provider", UnknownEvents.ACCEPT, "Service.END_USER_MESSAGING or Service.SNS"),
        ("log_retention", 14, "one of RetentionDays, such as RetentionDays.ONE_DAY"),
        ("parking", "no", "True or False"),
        ("firewall", 0, "True or False"),
        ("memory_mb", "512", "a whole number"),
        ("memory_mb", 512.0, "a whole number"),
        ("quarantine_alarm_days", True, "a whole number"),
        ("archive_days", "400", "a whole number, or None"),
        ("delivery_concurrency", True, "a whole number, or None"),
        ("email_from", None, "a text"),
        ("comprehend_languages", "en", 'a tuple, such as ("one",) or ("one", "two")'),
        ("lanes", [], "a dict, of a text to a Lane each"),
        ("without_header", (100, 200), "a Throttle"),
    ],
)
def test_a_wrong_type_is_told_with_the_right_one(field: str, value: Any, expected: str) -> None:
    assert refused(**{field: value}).endswith(f": {expected}")
    assert refused(**{field: value}).startswith(f"settings of stage dev: {field} is ")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("comprehend_languages", ("en", 1), "comprehend_languages[1] is 1: a text"),
        ("lanes", {"sms": 1}, "lanes['sms'] is 1: a Lane"),
        ("lanes", {1: Lane("sms", 1)}, "a key of lanes is 1: a text"),
        ("lanes", {"sms": Lane("sms", True)}, "lanes['sms'].per_second is True: a number"),
        ("tiers", {"standard": Throttle(1.5, 2)}, "tiers['standard'].rate is 1.5: a whole number"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_type_within_is_told_where_it_lies(field: str, value: Any, told: str) -> None:
    assert refused(**{field: value}) == f"settings of stage dev: {told}"


# ------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        (
            "email_from",
            "shop@example",
            "is 'shop@example': an address of the domain email_identity, such as shop@example.com",
        ),
        ("email_identity", "example.org", "email_identity is 'example.org': the domain of"),
        ("email_identity", "com", "email_identity is 'com': the domain of"),
        ("email_identity", "ample.com", "email_identity is 'ample.com': the domain of"),
        ("email_identity", "mail.example.com", "email_identity is 'mail.example.com': the"),
        ("public_url", "https://events.example.com/", "without a slash at its end"),
        ("delivery_concurrency", 0, "delivery_concurrency is 0: from 1 to 100000, or None"),
        ("alarm_email", "nonsense", "alarm_email is 'nonsense': an address, such as"),
        ("quarantine_days", 10**7, "quarantine_days is 10000000: from 2 to 36500"),
        ("quarantine_alarm_days", 90, "is 90: from 1 to below quarantine_days, 90"),
        ("burst", 1, "burst is 1: from requests_per_second, 500, to 1000000"),
        ("calls_per_address", 1000, "from 120000, what the highest tier allows, to"),
        ("lanes", {"smoke": Lane("smoke", 1)}, "a key of lanes is 'smoke': a channel: sms, push"),
        ("lanes", {"sms": Lane("email", 1)}, "lanes['sms'].name is 'email': 'sms', the channel"),
        ("lanes", {"sms": Lane("sms", 0)}, "lanes['sms'].per_second is 0: from 0.001 to 100000"),
        ("lanes", {"sms": Lane("sms", float("nan"))}, "lanes['sms'].per_second is nan: from"),
        ("lanes", {"sms": Lane("sms", float("inf"))}, "lanes['sms'].per_second is inf: from"),
        ("lanes", {"sms": Lane("sms", 1, 1)}, "lanes['sms'].kept is 1: a share, from 0 to below"),
        ("tiers", {}, "tiers is {}: one of the tiers has to be 'standard'"),
        (
            "tiers",
            {"standard": Throttle(100, 50)},
            "tiers['standard'].burst is 50: from its rate, 100, to 1000000",
        ),
        (
            "tiers",
            {"standard": Throttle(9_000, 9_000)},
            "tiers['standard'].rate is 9000: from 1 to requests_per_second, 500",
        ),
        (
            "tiers",
            {"standard": Throttle(1, 1), "The High": Throttle(1, 1)},
            "a key of tiers is 'The High': a small letter, then",
        ),
        ("without_header", Throttle(0, 1), "without_header.rate is 0: from 1 to"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_what_can(field: str, value: Any, told: str) -> None:
    assert told in refused(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email_from", "Shop <shop@example.com>"),
        ("email_from", "a@..com"),
        ("email_from", "a..b@example.com"),
        ("email_from", "shop@-example.com"),
        ("email_from", "shop@example.com\n"),
        ("email_configuration_set", "no such set!"),
        ("postal_address", ""),
        ("postal_address", " " * 9),
        ("postal_address", "Silk & Co\x1b[31m, 2 High Street"),
        ("public_url", "http://events.example.com"),
        ("public_url", "https://..."),
        ("public_url", "https://events"),
        ("push_application_arn", "stepwell"),
        ("push_application_arn", "arn:aws:sns:eu-west-1:١٢٣٤٥٦٧٨٩٠١٢:app/GCM/shop"),
        ("sms_sender_id", "A name that is too long"),
        ("alarm_email", "operators@example.com, others@example.com"),
        ("memory_mb", 64),
        ("requests_per_second", 0),
        ("burst", 10**9),
        ("archive_days", 7),
        ("archive_days", 10**7),
        ("delivery_concurrency", -1),
        ("quarantine_days", 0),
        ("calls_per_address", 3 * 10**9),
        ("commands_concurrency", 1),
        ("router_concurrency", 1001),
    ],
)
def test_a_wrong_value_is_refused_with_field_and_value(field: str, value: Any) -> None:
    assert refused(**{field: value}).startswith(f"settings of stage dev: {field} is {value!r}: ")


@pytest.mark.parametrize(
    ("sender", "identity"),
    [
        ("shop@mail.example.com", "example.com"),
        ("shop@mail.example.com", "mail.example.com"),
        ("shop@mail.example.com", "shop@mail.example.com"),
        ("Shop@Example.COM", "example.com"),
        ("shop@example.com", "Example.com"),
        (f"shop@{PUNYCODE}", PUNYCODE),
        (f"o'hara+shop@{PUNYCODE}", PUNYCODE),
    ],
)
def test_a_sender_may_be_of_a_domain_below_its_identity(sender: str, identity: str) -> None:
    assert with_(email_from=sender, email_identity=identity).email_from == sender


def test_a_sender_with_capitals_may_send_however_ses_spells_it() -> None:
    settings = with_(email_from="Shop@Example.COM", email_identity="Example.com")
    email = next(each for each in providers(settings) if each.actions == ("ses:SendEmail",))
    assert {each.rpartition("identity/")[2] for each in email.resources} == {
        *("Example.com", "example.com", "Shop@Example.COM", "shop@example.com")
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown_events": UnknownEvents.QUARANTINE},
        {"sms_provider": Service.SNS, "push_provider": Service.SNS},
        {"log_retention": RetentionDays.INFINITE},
        {"lanes": {"sms": Lane("sms", 2.5, kept=0), "whatsapp": Lane("whatsapp", 80)}},
        {"delivery_concurrency": 1, "archive_days": 30},
        {"public_url": "https://events.example.com/shop"},
        {"public_url": f"https://Events.{PUNYCODE}"},
        {"alarm_email": "Ops@mail.example.co.uk", "email_configuration_set": "shop_1-a"},
        {"postal_address": "Silk & Co\n2 High Street\nLondon"},
    ],
)
def test_what_can_be_is_taken(changes: dict[str, Any]) -> None:
    settings = with_(**changes)
    assert {name: getattr(settings, name) for name in changes} == changes


def test_all_that_is_wrong_is_told_at_once_and_nothing_that_follows_from_it() -> None:
    told = refused(
        email_from="shop@example",  # so that email_identity cannot be held to it
        requests_per_second="500",  # so that no throttle can
        tiers={"standard": Throttle(0, 0)},
        lanes={"sms": Lane("sms", 0), "email": Lane("email", 0)},
        parking="no",
    )
    intro, *lines = told.splitlines()
    assert intro == "settings of stage dev:"
    assert [line.split(" is ")[0] for line in lines] == [
        "  requests_per_second",
        "  parking",
        "  email_from",
        "  lanes['sms'].per_second",
        "  lanes['email'].per_second",
    ]


def test_a_long_value_is_cut() -> None:
    assert len(refused(postal_address="x" * 5000)) < 250


# ------------------------------------------------------------------------------------ stages


def dev(**changes: Any) -> Settings:
    stands = {name: getattr(STAGES[Stage.DEV], name) for name in Settings.__dataclass_fields__}
    return Settings(**{**stands, **changes})


def incomplete() -> Settings:
    return Settings(stage=Stage.DEV, keep_data=False)  # type: ignore[call-arg]


SLIPS: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: dev(email_form="a"),
        "Settings has no field 'email_form'. Did you mean \"email_from\"?",
    ),
    (lambda: Throttle(rate=1, brust=2), "Throttle has no field 'brust'. Did you mean \"burst\"?"),  # type: ignore[call-arg]
    (lambda: Lane("sms", 1, x=2), "Lane has no field 'x'. There are: kept, name, per_second."),  # type: ignore[call-arg]
    (incomplete, "Settings has to have 'log_retention', 'email_from', 'email_identity', and "),
    (lambda: Throttle(1), "Throttle has to have 'burst' too"),  # type: ignore[call-arg]
    (lambda: UnknownEvents.REFUSE, "UnknownEvents has no REFUSE. There are: ACCEPT, QUARANTINE."),  # type: ignore[attr-defined]
    (lambda: RetentionDays.TWO_WEEK, 'RetentionDays has no TWO_WEEK. Did you mean "TWO_WEEKS"?'),  # type: ignore[attr-defined]
    (lambda: Retention.TWO_WEEKS, "name 'Retention' is not defined"),  # type: ignore[name-defined] # noqa: F821
    (lambda: settings_for("prod"), "stage is Stage.PROD: Stage.DEV"),
]


@pytest.mark.parametrize(("make", "told"), SLIPS)
def test_a_slip_is_told_when_the_stage_is_asked_for(make: Callable[[], Any], told: str) -> None:
    stages = Stages({Stage.DEV: make})
    with pytest.raises(SettingsError, match="^settings of stage dev: " + re.escape(told)):
        stages[Stage.DEV]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: dev(parking="no"), "settings of stage dev: parking is 'no': True or False"),
        (
            lambda: dev(parkin=True),
            "settings of stage dev: Settings has no field 'parkin'. Did you mean \"parking\"?",
        ),
    ],
)
def test_the_app_ends_with_the_message_alone(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any], told: str
) -> None:
    monkeypatch.setenv("STAGE", "dev")
    monkeypatch.setattr(module, "STAGES", Stages({Stage.DEV: make}))
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == told  # Python writes it to stderr, and ends with 1


# -------------------------------------------------------------------------------------- page


def test_the_page_shows_what_is_told_and_what_can_be_chosen() -> None:
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    told = refused(alarm_email="operators", lanes={"sms": Lane("sms", 0)})
    assert {line.strip() for line in told.splitlines()[1:]} <= set(map(str.strip, page.split("\n")))
    chosen = [f"{type(each).__name__}.{each.name}" for each in (*UnknownEvents, *Service)]
    assert all(f"`{each}`" in page for each in (*chosen, *CHANNELS))
