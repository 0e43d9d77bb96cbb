"""What docs/identity.md says of limits and reasons is what the rules do."""

import re
from pathlib import Path

from stepwell.customers import resolving
from stepwell.customers.contacts import plain_phone
from stepwell.customers.identity_rules import DEFAULT_LIMITS
from stepwell.customers.resolving import MAX_FORMER, MAX_MERGED
from stepwell.events.nobody import names_nobody
from stepwell.journeys.entering import MAX_LISTENING

PAGE = Path("docs/identity.md").read_text(encoding="utf-8")


def test_every_reason_is_explained() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    reasons = {
        resolving.OTHER_USER,
        resolving.LIMIT,
        resolving.BLOCKED,
        resolving.TOO_MANY_CUSTOMERS,
        resolving.TOO_MANY_ENROLLMENTS,
        resolving.TOO_LARGE,
    }
    assert told == reasons


def test_the_limits_are_those_that_are_told() -> None:
    days = {kind: limit.seconds // 86_400 for kind, limit in DEFAULT_LIMITS.items()}
    told = (
        f"{DEFAULT_LIMITS['anonymous_id'].at_most} anonymous ids in {days['anonymous_id']} days, "
        f"{DEFAULT_LIMITS['email'].at_most} emails, {DEFAULT_LIMITS['phone'].at_most} phone "
        f"numbers, {DEFAULT_LIMITS['user_id'].at_most} user ids (by aliases) in a year"
    )
    assert told in PAGE
    assert days["email"] == days["phone"] == 30
    assert days["user_id"] == 365
    assert f"{MAX_MERGED} customers whose enrollments still run, or {MAX_FORMER} in all" in PAGE
    assert f"together more than {MAX_LISTENING} enrollments" in PAGE


def test_the_values_of_nobody_are_some() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `blocked` |"))
    for value in re.findall(r"`([^`]+)`", row.split("|")[2]):
        assert names_nobody(value) or (value.startswith("+") and plain_phone(value) is None)
