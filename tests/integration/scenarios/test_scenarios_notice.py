"""The shipped scenarios hold the journeys to what they do: every change of a journey is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.cli.main import main
from tests.support.scenario_projects import copy_shipped

CHANGES = [
    ("cart_abandonment", "for: 45m", "for: 46m"),
    ("cart_abandonment", "[sms, push, email]", "[push, sms, email]"),
    ("cart_abandonment", "[push, email]", "[email, push]"),
    ("cart_abandonment", '"09:00 local"', '"09:01 local"'),
    ("cart_abandonment", "cart_value >= 50.0", "cart_value > 50.0"),
    ("cart_abandonment", "cart_value >= 50.0", "cart_value >= 49.0"),
    ("cart_abandonment", "reentry: {after: 7d}", "reentry: {after: 8d}"),
    ("cart_abandonment", "reentry: {after: 7d}", "reentry: {after: 6d}"),
    ("cart_abandonment", "reentry: {after: 7d}", "reentry: always"),
    ("cart_abandonment", "within: 3d", "within: 2d"),
    ("cart_abandonment", "within: 3d", "within: 4d"),
    ("cart_abandonment", "properties.revenue", "properties.total"),
    ("cart_abandonment", "then: restart", "then: exit"),
    ("cart_abandonment", "      for: 45m", "      for: 45m\n      max_restarts: 19"),
    ("cart_abandonment", "      for: 45m", "      for: 45m\n      max_restarts: 21"),
    ("cart_abandonment", "on_quiet_hours: wait", "on_quiet_hours: skip"),
    ("cart_abandonment", "on_quiet_hours: wait", "on_quiet_hours: next_channel"),
    ("cart_abandonment", "on_cap: skip", "on_cap: next_channel"),
    ("cart_abandonment", "on_cap: skip", "on_cap: wait"),
    ("cart_abandonment", "worthless_after: 12h", "worthless_after: 13h"),
    ("cart_abandonment", "worthless_after: 12h", "worthless_after: 10h"),
    ("cart_abandonment", "key: event.properties.cart_id", "key: event.name"),
    ("cart_abandonment", "purpose: marketing", "purpose: service"),
    (
        "cart_abandonment",
        "exit:\n  - event: Order Completed                 # at once, in any step\n",
        "",
    ),
    ("onboarding", "for: 3d", "for: 4d"),
    ("onboarding", "[push, email]", "[email, push]"),
    ("onboarding", "purpose: service", "purpose: marketing"),
    ("onboarding", "reentry: never", "reentry: always"),
    ("onboarding", "within: 14d", "within: 13d"),
    ("onboarding", "within: 14d", "within: 15d"),
    ("onboarding", "exit:\n  - event: First Action ", "exit:\n  - event: Order Completed "),
    ("post_purchase", "for: 3d", "for: 2d"),
    ("post_purchase", "> 200.0", ">= 200.0"),
    ("post_purchase", "> 200.0", "> 201.0"),
    ("post_purchase", "[email, sms]", "[sms, email]"),
    ("post_purchase", "[email, push]", "[push, email]"),
    ("post_purchase", "                purpose: marketing\n", ""),
    ("post_purchase", "reentry: never", "reentry: {after: 300d}"),
    ("post_purchase", "within: 30d", "within: 40d"),
    ("post_purchase", "event.properties.order_id ==", "event.properties.order_id !="),
]


@pytest.mark.parametrize(
    ("journey", "before", "after"), CHANGES, ids=[f"{name}: {after}" for name, _, after in CHANGES]
)
def test_a_changed_journey_turns_its_scenarios_red(
    journey: str, before: str, after: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_shipped(tmp_path, *{journey, "post_purchase"})
    path = tmp_path / "statemachines" / "journeys" / journey / "journey.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    code = main(["test", journey, "--root", str(tmp_path)])
    said = capsys.readouterr()
    assert code == 1, said.err
    assert "\nFAIL  " in f"\n{said.out}"


@pytest.mark.parametrize(
    ("journey", "before", "after"),
    [
        ("cart_abandonment", 'from: "21:00"', 'from: "21:01"'),
        ("cart_abandonment", 'to: "08:00"', 'to: "08:01"'),
        ("cart_abandonment", "channels: [sms], at_most: 1", "channels: [sms], at_most: 2"),
        ("cart_abandonment", "after_unknown_outcome: drop", "after_unknown_outcome: resend"),
        ("onboarding", 'from: "22:00", to: "07:00"', 'from: "22:00", to: "07:30"'),
        ("onboarding", "consent_on: {email: assumed}", "consent_on: {}"),
        ("post_purchase", "at_most: 2, per: 24h", "at_most: 3, per: 24h"),
    ],
)
def test_changed_policies_turn_scenarios_red(
    journey: str, before: str, after: str, tmp_path: Path
) -> None:
    copy_shipped(tmp_path, *{journey, "post_purchase"})
    path = tmp_path / "statemachines" / "policies.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert main(["test", journey, "--root", str(tmp_path)]) == 1


def test_the_shipped_journeys_are_green() -> None:
    assert main(["test"]) == 0
