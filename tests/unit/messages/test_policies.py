"""The policies file: what ships, what is refused, and all problems at once."""

from __future__ import annotations

import json

import pytest

from stepwell.messages.policies import Policies, PoliciesError, load_policies, policies_document
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
        (MINIMAL + "max_asks: 0", "greater than or equal to 1"),
        (MINIMAL + "max_asks: true", "valid integer"),
        ("purposes: {}", "at least 1 item"),
        ("", "valid dictionary"),
        ("- a", "valid dictionary"),
        ("purposes: [", "no readable YAML"),
        (MINIMAL + "purposes: {}", "no readable YAML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, message: str) -> None:
    assert any(message in each for _, _, each in problems(text))
