"""The doctor's rules on texts, each from both sides."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from stepwell.readiness import sms
from stepwell.readiness.findings import Level
from stepwell.readiness.sms import Limit, Origination, Room
from tests.support.findings import Case, check_case

ARN = "arn:aws:sms-voice:eu-west-1:123456789012:phone-number/phone-1"
NUMBER = Origination(
    names=("+15550100", "phone-1", ARN), kind="TOLL_FREE", a_second=3, two_way=True
)
SENDER = Origination(names=("SHOP", "arn:sender"), kind="SENDER_ID", a_second=10)


def number(**changes: Any) -> Origination:
    return dataclasses.replace(NUMBER, **changes)


CASES = {
    "SNS out of the sandbox": Case(sms.check_sns_account(sandbox=False), Level.OK, "SNS"),
    "SNS in the sandbox": Case(
        sms.check_sns_account(sandbox=True), Level.PROBLEM, "Exit SMS sandbox"
    ),
    "account in production": Case(sms.check_account("PRODUCTION"), Level.OK, "sandbox"),
    "account in the sandbox": Case(
        sms.check_account("SANDBOX"), Level.PROBLEM, "Request production access"
    ),
    "account of a tier that is not told": Case(sms.check_account(""), Level.PROBLEM, "sandbox"),
    "SNS may spend a dollar": Case(
        sms.check_sns_spend(1), Level.PROBLEM, "aws sns set-sms-attributes"
    ),
    "SNS may spend two": Case(sms.check_sns_spend(2), Level.OK, "$2 a month"),
    "a dollar, and more may be set": Case(
        sms.check_spend(Limit(enforced=1, most=500)),
        Level.PROBLEM,
        "set-text-message-spend-limit-override --monthly-limit 500",
    ),
    "a dollar, and AWS must be asked": Case(
        sms.check_spend(Limit(enforced=1, most=1)), Level.PROBLEM, "Service Quotas"
    ),
    "enough to spend": Case(
        sms.check_spend(Limit(enforced=2_000, most=3_000)), Level.OK, "$2,000 a month"
    ),
    "SNS has a number": Case(sms.check_sns_origination("", ["+15550100"]), Level.OK, "+15550100"),
    "SNS has only a sender id": Case(
        sms.check_sns_origination("SHOP", []), Level.WARNING, "only sender id SHOP"
    ),
    "SNS has nothing to send from": Case(
        sms.check_sns_origination("", []), Level.WARNING, "neither number nor sender id"
    ),
    "origination by its number": Case(
        sms.check_origination("+15550100", [SENDER, NUMBER]), Level.OK, "3 a second"
    ),
    "origination by its ARN": Case(sms.check_origination(ARN, [NUMBER]), Level.OK, "+15550100"),
    "origination without a rate": Case(
        sms.check_origination("phone-1", [number(a_second=None)]), Level.OK, "active"
    ),
    "origination that is not there": Case(
        sms.check_origination("+15550199", [NUMBER]), Level.PROBLEM, "sms_origination"
    ),
    "origination that is pending": Case(
        sms.check_origination("phone-1", [number(status="PENDING")]), Level.PROBLEM, "is pending"
    ),
    "origination of a simulator": Case(
        sms.check_origination("phone-1", [number(kind="SIMULATOR")]), Level.PROBLEM, "simulator"
    ),
    "origination of one a second": Case(
        sms.check_origination("phone-1", [number(a_second=1)]), Level.WARNING, "sends 1 a second"
    ),
    "origination left to AWS": Case(
        sms.check_origination("", [NUMBER, SENDER]), Level.OK, "among +15550100, SHOP"
    ),
    "origination left to AWS, which has none": Case(
        sms.check_origination("", []), Level.PROBLEM, "Request originator"
    ),
    "origination left to AWS, which has none that works": Case(
        sms.check_origination("", [number(status="PENDING")]), Level.PROBLEM, "no number"
    ),
    "replies are told": Case(sms.check_replies("phone-1", [NUMBER]), Level.OK, "told"),
    "replies are not told": Case(
        sms.check_replies("phone-1", [number(two_way=False)]), Level.WARNING, "Two-way SMS"
    ),
    "replies to another number do not matter": Case(
        sms.check_replies("SHOP", [SENDER, number(two_way=False)]), Level.OK, "nobody can reply"
    ),
    "replies to any number that AWS may choose": Case(
        sms.check_replies("", [SENDER, number(two_way=False)]), Level.WARNING, "+15550100"
    ),
    "receipts through a set": Case(sms.check_receipts("main", exists=True), Level.OK, "main"),
    "receipts not set up": Case(
        sms.check_receipts("", exists=False), Level.WARNING, "sms_configuration_set"
    ),
    "receipts of a set that is not there": Case(
        sms.check_receipts("main", exists=False),
        Level.PROBLEM,
        "create-configuration-set --configuration-set-name main",
    ),
    "room for more": Case(sms.check_room({"PHONE_NUMBERS": Room(1, 5)}), Level.OK, "added"),
    "no room was ever given": Case(sms.check_room({"PHONE_NUMBERS": Room(0, 0)}), Level.OK, "more"),
    "SNS has three numbers": Case(sms.check_sns_origination("", ["1", "2", "3"]), Level.OK, "3 |"),
    "SNS has four numbers": Case(
        sms.check_sns_origination("", ["1", "2", "3", "4"]), Level.OK, "1, 2, 3 and 1 more"
    ),
    "no room for more": Case(
        sms.check_room({"PHONE_NUMBERS": Room(5, 5), "SENDER_IDS": Room(0, 5)}),
        Level.WARNING,
        "as it may of: phone numbers |",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_sms(case: Case) -> None:
    check_case(case)
