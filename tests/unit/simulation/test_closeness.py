"""How close messages came to caps and quiet hours, from when they were sent."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stepwell.simulation.report.closeness import Contact, count_caps, count_quiet
from stepwell.simulation.report.counts import Tally
from tests.support.simulations import shipped

POLICIES = shipped().loaded_policies
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")


def contact(hours: float, channel: str = "sms", *, surely: bool = True, **more: object) -> Contact:
    given = {"purpose": "marketing", "zones": (LONDON,)} | more
    at = NOON + timedelta(hours=hours)
    return Contact(at=at, channel=channel, surely=surely, **given)  # type: ignore[arg-type]


def reached(*contacts: Contact) -> dict[str, Counter[int]]:
    tally = Tally()
    count_caps(contacts, POLICIES, tally)
    return {name: cap.reached.counts for name, cap in tally.caps.items()}


def test_a_window_holds_what_lies_less_than_its_length_apart() -> None:
    day = "marketing_2_per_day"
    assert reached(contact(0), contact(23.99))[day] == Counter([2])
    assert reached(contact(0), contact(24))[day] == Counter([1])


def test_the_fullest_of_all_windows_counts() -> None:
    hours = [0, 40, 41, 42, 90, 170]
    found = reached(*(contact(each, "email") for each in hours))
    assert found["marketing_2_per_day"] == Counter([3])
    assert found["marketing_5_per_week"] == Counter([5])


def test_a_cap_counts_its_channels_and_purposes_only() -> None:
    found = reached(contact(0, "email"), contact(1), contact(2, purpose="service"))
    assert found["marketing_sms_1_per_day"] == Counter([1])
    assert found["marketing_2_per_day"] == Counter([2])
    assert "marketing_push_1_per_day" not in found


def test_what_may_have_been_sent_fills_a_cap() -> None:
    assert reached(contact(0, surely=False))["marketing_2_per_day"] == Counter([1])


@pytest.mark.parametrize(
    ("local", "before", "after"), [("20:49", 11, 769), ("08:00", 780, 0), ("12:30", 510, 270)]
)
def test_distance_to_quiet_hours_is_on_the_customers_clock(
    local: str, before: int, after: int
) -> None:
    hour, minute = map(int, local.split(":"))
    at = datetime(2026, 11, 23, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)
    tally = Tally()
    sent = Contact(at, "marketing", "push", (NEW_YORK,), surely=True)
    count_quiet([sent], POLICIES, tally)
    (rule,) = tally.quiet.values()
    assert rule.before.counts == Counter([before])
    assert rule.after.counts == Counter([after])


def test_with_several_zones_the_nearest_counts() -> None:
    tally = Tally()
    count_quiet([contact(8.5, zones=(NEW_YORK, LONDON))], POLICIES, tally)  # 15:30 and 20:30
    assert tally.quiet[0].before.counts == Counter([30])
    assert tally.quiet[0].after.counts == Counter([450])


def test_what_no_rule_covers_comes_near_none() -> None:
    tally = Tally()
    email, unknown = contact(8.9, "email"), contact(8.9, surely=False)
    count_quiet([email, unknown, contact(8.9, zones=())], POLICIES, tally)
    assert tally.quiet == {}
