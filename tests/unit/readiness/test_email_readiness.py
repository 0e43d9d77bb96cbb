"""The doctor's rules on email, each from both sides."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from stepwell.readiness.email import (
    Account,
    ConfigurationSet,
    Destination,
    Identity,
    check_account,
    check_events,
    check_footer,
    check_sender,
    identities_of,
)
from stepwell.readiness.findings import Level
from tests.support.findings import Case, check_case, commands

SENDER = "news@shop.test"
BELOW = "news@a.mail.shop.test"
ALL = ("BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK")
HEALTHY = Account(
    production=True, sending=True, enforcement="HEALTHY", daily=50_000, a_second=14, sent=10
)


@pytest.mark.parametrize(
    ("sender", "names"),
    [
        (SENDER, ("shop.test", SENDER)),
        (BELOW, ("a.mail.shop.test", "mail.shop.test", "shop.test", BELOW)),
        ("", ()),
    ],
)
def test_a_sender_is_known_by_its_domain_those_above_and_its_address(
    sender: str, names: tuple[str, ...]
) -> None:
    assert identities_of(sender) == names


def account(**changes: Any) -> Account:
    return dataclasses.replace(HEALTHY, **changes)


def publishes(*kinds: str, enabled: bool = True, event_bridge: bool = True) -> ConfigurationSet:
    return ConfigurationSet(True, [Destination(enabled, event_bridge, kinds)])


CASES = {
    "sender verified and signed": Case(
        check_sender(SENDER, [Identity("shop.test", True, True)]), Level.OK, "DKIM"
    ),
    "sender signed by its domain, also known as an address": Case(
        check_sender(SENDER, [Identity("shop.test", True, True), Identity(SENDER, False, False)]),
        Level.OK,
        SENDER,
    ),
    "sender signed by its domain, its address verified apart": Case(
        check_sender(SENDER, [Identity("shop.test", True, True), Identity(SENDER, True, False)]),
        Level.OK,
        SENDER,
    ),
    "sender verified but not signed": Case(
        check_sender(SENDER, [Identity(SENDER, True, False)]), Level.WARNING, "not signed"
    ),
    "sender not verified yet": Case(
        check_sender(SENDER, [Identity("shop.test", False, False)]), Level.PROBLEM, "DNS"
    ),
    "sender unknown": Case(
        check_sender(SENDER, []),
        Level.PROBLEM,
        "aws sesv2 create-email-identity --email-identity shop.test",
    ),
    "sender not set": Case(check_sender("", []), Level.PROBLEM, "no sender"),
    "sender is the example": Case(
        check_sender("shop@example.com", [Identity("example.com", True, True)]),
        Level.PROBLEM,
        "infra/settings.py",
    ),
    "sender is like the example": Case(
        check_sender("a@notexample.com", [Identity("notexample.com", True, True)]), Level.OK, ""
    ),
    "account healthy": Case(check_account(HEALTHY), Level.OK, "50,000 a day, 14 a second"),
    "account without a limit": Case(
        check_account(account(daily=-1, sent=99_999)), Level.OK, "no daily limit"
    ),
    "account in the sandbox": Case(
        check_account(account(production=False, daily=200, a_second=1)),
        Level.PROBLEM,
        "aws sesv2 put-account-details",
    ),
    "account asked for production": Case(
        check_account(account(production=False, review="PENDING")), Level.PROBLEM, "waits for AWS"
    ),
    "account denied production": Case(
        check_account(account(production=False, review="DENIED")), Level.PROBLEM, "denied"
    ),
    "account paused": Case(check_account(account(sending=False)), Level.PROBLEM, "stopped"),
    "account shut down": Case(
        check_account(account(enforcement="SHUTDOWN")), Level.PROBLEM, "stopped"
    ),
    "account on probation": Case(
        check_account(account(enforcement="PROBATION")), Level.WARNING, "under review"
    ),
    "account a little before its quota": Case(
        check_account(account(sent=39_999)), Level.OK, "50,000"
    ),
    "account whose quota is not told": Case(
        check_account(account(daily=0, sent=0)), Level.OK, "0 a day"
    ),
    "account near its quota": Case(
        check_account(account(sent=40_000)), Level.WARNING, "40,000 of 50,000"
    ),
    "footer": Case(
        check_footer("Silk & Co, 2 High Street", "https://e.shop.test"), Level.OK, "e.shop.test"
    ),
    "footer whose links need no setting": Case(
        check_footer("Silk & Co, 2 High Street", None), Level.OK, "postal address"
    ),
    "footer of the example": Case(
        check_footer("Example Shop, 1 Example Street, London", None), Level.PROBLEM, "an example"
    ),
    "footer without an address": Case(check_footer("", "https://x"), Level.PROBLEM, "it is none"),
    "footer without a link": Case(
        check_footer("Silk & Co, 2 High Street", ""), Level.PROBLEM, "unsubscribe at"
    ),
    "events published": Case(check_events("main", publishes(*ALL)), Level.OK, "EventBridge"),
    "events not set up": Case(check_events("", None), Level.WARNING, "email_configuration_set"),
    "events of a set that is not there": Case(
        check_events("main", None), Level.PROBLEM, "aws sesv2 create-configuration-set"
    ),
    "events of a set that is off": Case(
        check_events("main", ConfigurationSet(False, publishes(*ALL).destinations)),
        Level.PROBLEM,
        "--sending-enabled",
    ),
    "events to a destination that is off": Case(
        check_events("main", publishes(*ALL, enabled=False)), Level.PROBLEM, "BOUNCE"
    ),
    "events to another place": Case(
        check_events("main", publishes(*ALL, event_bridge=False)), Level.PROBLEM, "BOUNCE"
    ),
    "events without complaints": Case(
        check_events("main", publishes("BOUNCE", "DELIVERY")),
        Level.PROBLEM,
        "not publish COMPLAINT ",
    ),
    "events without opens": Case(
        check_events("main", publishes("BOUNCE", "COMPLAINT", "DELIVERY", "CLICK")),
        Level.WARNING,
        "not publish OPEN:",
    ),
    "events of two destinations together": Case(
        check_events(
            "main",
            ConfigurationSet(
                True, [Destination(True, True, ALL[:2]), Destination(True, True, ALL[2:])]
            ),
        ),
        Level.OK,
        "main",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_email(case: Case) -> None:
    check_case(case)


def test_email_advice_has_commands_that_were_checked() -> None:
    found = {
        " ".join(each.split()[:3]) for case in CASES.values() for each in commands(case.finding)
    }
    assert found == {
        "aws sesv2 create-email-identity",
        "aws sesv2 get-email-identity",
        "aws sesv2 put-account-details",
        "aws sesv2 create-configuration-set",
        "aws sesv2 put-configuration-set-sending-options",
    }
