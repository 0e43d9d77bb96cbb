"""The policies file: what ships, what is refused, and all problems at once."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from stepwell.customers.identity_rules import DEFAULT_LIMITS, Limit
from stepwell.messages.policies import Policies, PoliciesError, load_policies, policies_document
from stepwell.messages.policies_file import (
    CapModel,
    IdentitiesModel,
    LimitModel,
    LimitsModel,
    MachinesModel,
    PoliciesModel,
    PromotionHoldModel,
    PurposeModel,
    QuietHoursModel,
)
from stepwell.messages.policies_problems import KEYS
from tests.support.messages import SHIPPED, shipped_policies

MINIMAL = """
purposes:
  news: {consent: required, capped: true, after_unknown_outcome: drop}
"""


def problems(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(PoliciesError) as caught:
        policies_document(text)
    return [(each.line, each.path, each.message) for each in caught.value.problems]


def load(text: str) -> Policies:
    return load_policies(json.dumps(policies_document(text)))


def test_what_ships() -> None:
    policies = shipped_policies()
    assert {name: each.resends for name, each in policies.purposes.items()} == {
        "marketing": False,
        "service": False,
        "transactional": True,
    }
    caps = {cap.name: (cap.at_most, cap.seconds, cap.channels) for cap in policies.caps}
    assert caps["marketing_2_per_day"] == (2, 86_400, ())
    assert caps["marketing_5_per_week"] == (5, 604_800, ())
    assert caps["marketing_sms_1_per_day"] == (1, 86_400, ("sms",))
    assert policies.quiet("marketing", "sms")
    assert not policies.quiet("marketing", "email")
    assert not policies.quiet("transactional", "sms")
    assert policies.spread_seconds == 0
    assert policies.default_zone is None


def test_consent_differs_by_channel() -> None:
    service = shipped_policies().purposes["service"]
    assert (service.consent_default("email"), service.consent_default("sms")) == (
        "assumed",
        "required",
    )


def test_defaults_are_filled_in() -> None:
    policies = load(MINIMAL)
    assert (policies.caps, policies.quiet_hours, policies.max_asks) == ((), (), 12)
    assert policies.longest_window == 0


def test_the_same_text_gives_the_same_document() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert policies_document(text) == policies_document(text)


def test_all_problems_come_at_once_with_their_lines() -> None:
    text = """
purposes:
  marketing: {consent: maybe, capped: true, after_unknown_outcome: drop, colour: red}
  receipts: {consent: assumed, capped: false, after_unknown_outcome: resend}
caps:
  - {name: one, purposes: [receipts, newsletters], at_most: 0, per: 3x}
  - {name: one, purposes: [marketing], at_most: 1, per: 24h}
quiet_hours:
  - {purposes: [marketing], channels: [fax], from: "21:00", to: "25:00"}
  - {purposes: [marketing], channels: [sms], from: "21:00", to: "21:00"}
default_zone: Europe/Nowhere
typo: 1
"""
    found = [(line, path) for line, path, _ in problems(text)]
    assert found == [
        (3, "purposes.marketing.colour"),
        (3, "purposes.marketing.consent"),
        (6, "caps[0].at_most"),
        (6, "caps[0].per"),
        (6, "caps[0].purposes[0]"),
        (6, "caps[0].purposes[1]"),
        (7, "caps[1].name"),
        (9, "quiet_hours[0].channels[0]"),
        (9, "quiet_hours[0].to"),
        (10, "quiet_hours[1]"),
        (11, "default_zone"),
        (12, "typo"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "spread: 10", "a duration such as 15m, 24h or 7d is expected"),
        (MINIMAL + "max_asks: 0", "0 is given; a whole number from 1 to 100 is expected"),
        (MINIMAL + "max_asks: true", "True is given; a whole number from 1 to 100"),
        ("purposes: {}", "at least one is needed"),
        ("", "a mapping (key: value lines) is expected"),
        ("- a", "a mapping (key: value lines) is expected"),
        ("purposes: [", "no readable YAML"),
        (MINIMAL + "purposes: {}", "no readable YAML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, message: str) -> None:
    assert any(message in each for _, _, each in problems(text))


CAP = "caps: [{name: one, purposes: [news], at_most: 2, per: 24h}]"


LIMIT = "identities: {limits: {email: {at_most: 2, per: 9d}}}"


def test_identities_are_read_with_what_is_left_out_as_by_default() -> None:
    part = LIMIT[:-1] + ", shared: [phone], blocked: [' Kiosk-7 ']}"
    document = policies_document(MINIMAL + part)
    rules = load_policies(json.dumps(document)).identities
    assert rules.limits == {**DEFAULT_LIMITS, "email": Limit(2, 9 * 86_400)}
    assert rules.shared == {"phone"}
    assert rules.blocks("kiosk-7 ")
    assert not rules.blocks("kiosk-8")


@pytest.mark.parametrize(
    ("part", "path", "message"),
    [
        ("spred: 5m", "spred", "unknown key; did you mean spread?"),
        ("colour: red", "colour", "unknown key; write one of purposes, caps, quiet_hours, spread"),
        (CAP.replace("at_most", "atmost"), "caps[0].atmost", "unknown key; did you mean at_most?"),
        (CAP.replace("at_most", "atmost"), "caps[0].at_most", "is missing; add it"),
        (
            CAP.replace("2", "two", 1),
            "caps[0].at_most",
            "'two' is given; a whole number, 1 or more",
        ),
        (CAP.replace("2", "0", 1), "caps[0].at_most", "0 is given; a whole number, 1 or more"),
        (CAP.replace("2", "1.5", 1), "caps[0].at_most", "1.5 is given; a whole number, 1 or more"),
        (CAP.replace("24h", "400d"), "caps[0].per", "a duration from 1s to 366d is expected"),
        (CAP.replace("one", "One!"), "caps[0].name", "a name such as marketing_2_per_day"),
        (CAP.replace("[news]", "news"), "caps[0].purposes", "a list is expected"),
        (CAP.replace("2, ", "2, channels: [smss], "), "caps[0].channels[0]", "did you mean sms?"),
        ("quiet_hours: [{form: 1}]", "quiet_hours[0].form", "unknown key; did you mean from?"),
        ("keep_records: 5h", "keep_records", "a duration of at least 1d is expected"),
        ("identities: {limit: {}}", "identities.limit", "unknown key; did you mean limits?"),
        ("identities: {shared: [mail]}", "identities.shared[0]", "did you mean email?"),
        ("identities: {blocked: [0]}", "identities.blocked[0]", 'a text such as "shared-tablet"'),
        (LIMIT.replace("email", "mail"), "identities.limits.mail", "did you mean email?"),
        (LIMIT.replace("per", "pro"), "identities.limits.email.pro", "did you mean per?"),
        (
            LIMIT.replace("2", "0"),
            "identities.limits.email.at_most",
            "0 is given; a whole number from 1 to 100",
        ),
        (LIMIT.replace("9d", "1m"), "identities.limits.email.per", "a duration from 1h to 366d"),
    ],
)
def test_problems_are_told_in_plain_words(part: str, path: str, message: str) -> None:
    told = [text for _, at, text in problems(MINIMAL + part) if at == path]
    assert len(told) == 1
    assert message in told[0]
    assert "Input should" not in told[0]


def test_what_is_wrong_with_a_purpose_is_told_in_plain_words() -> None:
    told = {
        path: text
        for _, path, text in problems(MINIMAL.replace("required, capped", "requird, caped"))
    }
    assert told["purposes.news.consent"] == "'requird' is not known; did you mean required?"
    assert told["purposes.news.caped"] == "unknown key; did you mean capped?"


def test_the_keys_that_are_suggested_are_those_of_the_models() -> None:
    models: dict[str, type[BaseModel]] = {
        "": PoliciesModel,
        "purposes": PurposeModel,
        "caps": CapModel,
        "quiet_hours": QuietHoursModel,
        "identities": IdentitiesModel,
        "machines": MachinesModel,
        "promotion_hold": PromotionHoldModel,
        "limits": LimitsModel,
        "limit": LimitModel,
    }
    assert {
        part: tuple(field.alias or name for name, field in model.model_fields.items())
        for part, model in models.items()
    } == KEYS


@pytest.mark.parametrize(
    ("second", "is_refused"),
    [
        ('{purposes: [news], channels: [sms, push], from: "08:00", to: "21:00"}', True),
        ('{purposes: [news], channels: [sms], from: "07:00", to: "23:00"}', True),
        ('{purposes: [news], channels: [push], from: "08:00", to: "21:00"}', False),
        ('{purposes: [news], channels: [sms], from: "08:01", to: "21:00"}', False),
        ('{purposes: [more], channels: [sms], from: "08:00", to: "21:00"}', False),
    ],
)
def test_quiet_hours_that_cover_the_day_together(second: str, is_refused: bool) -> None:
    """Nothing would ever go, and the decision would say that nobody knows the zone."""
    purpose = "{consent: assumed, capped: false, after_unknown_outcome: drop}"
    first = '{purposes: [news, care], channels: [sms], from: "21:00", to: "08:00"}'
    purposes = "".join(f"  {name}: {purpose}\n" for name in ("news", "care", "more"))
    text = f"purposes:\n{purposes}quiet_hours:\n  - {first}\n  - {second}\n"
    second_ends_it = [
        (7, "quiet_hours[1]", "with those above it would always be quiet for news on sms")
    ]
    if is_refused:
        assert problems(text) == second_ends_it
    else:
        assert len(load(text).quiet_hours) == 2
