"""Looking at a customer at events and when they are due is as good as looking all the time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event, EventType
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.living import live
from stepwell.profile.rules import ProfileRules
from stepwell.profile.segments import holds
from stepwell.profile.view import customer_view
from stepwell.timestamps import from_text

START = datetime(2026, 11, 1, tzinfo=UTC)
COMPUTED = [
    {"name": "orders_3d", "kind": "count", "event": "Order", "within": 3 * 86_400},
    {"name": "last_order", "kind": "last", "event": "Order"},
    {"name": "days", "kind": "days_since", "event": "Order"},
    {"name": "idle", "kind": "days_since", "event": "Visit"},
    {"name": "visits", "kind": "count", "event": "Visit", "within": 86_400},
    {"name": "visits_2d", "kind": "count", "event": "Visit", "within": 2 * 86_400},
    {"name": "share", "kind": "ratio", "of": "visits", "to": "visits_2d"},
]
CONDITIONS = [
    "customer.computed.orders_3d >= 2.0",
    'now - customer.computed.last_order > duration("40h")',
    'customer.computed.last_order + duration("30h") <= now',
    "customer.computed.days == 1.0",
    "customer.computed.visits > 1.0 && customer.computed.orders_3d == 0.0",
    "customer.computed.share < 1.0",
    'has(customer.traits.renewal) && timestamp(customer.traits.renewal) - now < duration("100h")',
    'customer.segments.s0 && !(now - customer.computed.last_order > duration("10h"))',
    "customer.segments.s0 || customer.segments.s3",
    "customer.computed.idle >= 2.0",
    "1.5 < customer.computed.idle && customer.computed.idle != 4.0",
    "has(customer.computed.idle) && !(customer.computed.idle > 3.0)",
]
RULES = ProfileRules(
    {
        "computed": COMPUTED,
        "segments": [{"name": f"s{n}", "when": parse(text)} for n, text in enumerate(CONDITIONS)],
    }
)

names = st.sampled_from(["Order", "Visit", "identify"])
happenings = st.lists(st.tuples(st.integers(0, 5 * 24 * 4), names), min_size=1, max_size=12)


def happening(number: int, name: str, at: datetime) -> Event:
    is_identify = name == "identify"
    return Event(
        id=f"e{number}",
        source="web",
        type=EventType.IDENTIFY if is_identify else EventType.TRACK,
        name="" if is_identify else name,
        user_id="ada",
        anonymous_id=None,
        properties={},
        traits={},
        context={},
        timestamp=at,
        received_at=at,
    )


def inside_now(profile: dict[str, Any], now: datetime) -> list[str]:
    view = customer_view(Snapshot("c1", profile), ProfileRules(RULES.document), now)
    context = {"customer": view, "now": now}
    return [name for name, each in RULES.segments.items() if holds(each, context)]


def lived(
    event: Event, profile: dict[str, Any] | None, now: datetime, rules: ProfileRules = RULES
) -> dict[str, Any]:
    after = dict(profile or {})
    if event.type is EventType.IDENTIFY:
        after["traits"] = f'{{"renewal":"{(now + timedelta(hours=150)).isoformat()}"}}'
    before = Snapshot("c1", profile)
    return live(event, before, Snapshot("c1", after), rules, now, []).profile


@settings(max_examples=12)
@given(happenings)
def test_events_and_due_moments_are_all_there_is_to_look_at(given: list[tuple[int, str]]) -> None:
    todo = sorted((START + timedelta(minutes=15 * q), name) for q, name in given)
    profile: dict[str, Any] | None = None
    now, number = START, 0
    for minute in range(0, 12 * 24 * 60, 60):
        now = START + timedelta(minutes=minute)
        while todo and todo[0][0] <= now:
            at, name = todo.pop(0)
            profile = lived(happening(number, name, at), profile, at)
            number += 1
        if profile is None:
            continue
        if "due_at" in profile and from_text(profile["due_at"]) <= now:
            number += 1
            profile = lived(happening(number, "Time Passed", now), profile, now)
            assert "due" not in profile or from_text(profile["due"]) > now
        current = [name for name in RULES.segments if name in profile.get("segments", {})]
        if "due" in profile and from_text(profile["due"]) <= now:
            continue  # between being due and being swept
        shadow = {name: each for name, each in profile.items() if name != "segments_by"}
        assert current == inside_now(shadow, now), (minute, profile)
    assert not todo


@pytest.mark.parametrize(
    ("when", "looks"),
    [
        ("customer.computed.idle >= 2.0", [2, 3]),
        ("customer.computed.idle > 2.0", [2, 3]),
        ("customer.computed.idle == 1.0 || 2.5 < customer.computed.idle", [1, 2, 3]),
        ("customer.computed.idle < 0.0", [1]),
        ("has(customer.computed.idle)", []),
        ("customer.computed.idle * 1.0 >= 2.0", [1, 2, 3, 4, 5]),
        ("customer.computed.idle >= 2.0 && size(customer.computed) > 0", [1, 2, 3, 4, 5]),
    ],
)
def test_days_are_looked_at_where_they_make_a_difference(when: str, looks: list[int]) -> None:
    """The day of each look, in six; one that is of no number at all looks every day, for ever."""
    rules = ProfileRules({"computed": COMPUTED, "segments": [{"name": "s", "when": parse(when)}]})
    profile, found = lived(happening(0, "Visit", START), None, START, rules), []
    while "due" in profile and (now := from_text(profile["due"])) < START + timedelta(days=6):
        found.append((now - START).days)
        profile = lived(happening(len(found), "Time Passed", now), profile, now, rules)
    assert found == looks
