"""What docs/identity.md says of limits and reasons is what the rules do."""

import re
from pathlib import Path

from stepwell.customers import resolving
from stepwell.customers.contacts import plain_phone
from stepwell.customers.identity_rules import DEFAULT_LIMITS
from stepwell.customers.resolving import MAX_MERGED
from stepwell.events.nobody import names_nobody
from stepwell.journeys.entering import MAX_LISTENING

PAGE = Path("docs/identity.md").read_text(encoding="utf-8")


def test_every_reason_is_explained() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    reasons = {
        resolving.OTHER_USER,
        resolving.UNPROVEN,
        resolving.LIMIT,
        resolving.BLOCKED,
        resolving.TOO_MANY_CUSTOMERS,
        resolving.TOO_MANY_ENROLLMENTS,
        resolving.TOO_LARGE,
    }
    assert told == reasons


def test_the_limits_are_those_that_are_told() -> None:
    days = {kind: limit.seconds // 86_400 for kind, limit in DEFAULT_LIMITS.items()}
    most = {kind: limit.at_most for kind, limit in DEFAULT_LIMITS.items()}
    told = (
        f"{most['anonymous_id']} anonymous ids in {days['anonymous_id']} days, {most['email']} "
        f"emails and {most['phone']} phone numbers in a year, {most['user_id']} user ids (by "
        "aliases) in a year"
    )
    assert told in PAGE
    assert days["email"] == days["phone"] == days["user_id"] == 365
    assert f"{MAX_MERGED} customers whose enrollments still run are one already" in PAGE
    assert f"together more than {MAX_LISTENING} enrollments" in PAGE


def test_the_values_of_nobody_are_some() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `blocked` |"))
    for value in re.findall(r"`([^`]+)`", row.split("|")[2]):
        assert names_nobody(value) or (value.startswith("+") and plain_phone(value) is None)
