"""Why somebody is in a segment: part by part, with the values read and the events behind them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stepwell.cli.knowing import lines_of, reasons, told_from
from stepwell.cli.printing import local_time
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.evidence import evidence_of
from stepwell.profile.explaining import explain
from stepwell.profile.rules import ProfileRules
from tests.support.world import START, World, event, identify

DAY = 86_400
COMPUTED: list[dict[str, Any]] = [
    {"name": "orders_30d", "kind": "count", "event": "Order", "within": 30 * DAY},
    {
        "name": "spent",
        "kind": "sum",
        "event": "Order",
        "value": parse("event.properties.revenue"),
    },
    {"name": "orders", "kind": "count", "event": "Order"},
    {"name": "last_order", "kind": "last", "event": "Order"},
    {"name": "mean", "kind": "ratio", "of": "spent", "to": "orders"},
    {
        "name": "sizes",
        "kind": "distinct",
        "event": "Order",
        "value": parse("event.properties.size"),
    },
    {"name": "seen_since", "kind": "count", "event": "Seen", "since": "Order"},
    {"name": "hours", "kind": "histogram", "event": "Order"},
]


def rules(**segments: str) -> ProfileRules:
    found = [{"name": name, "when": parse(when)} for name, when in segments.items()]
    return ProfileRules({"computed": COMPUTED, "segments": found, "lists": ["beta"]})


def order(number: int, days: float = 0, **properties: Any) -> Any:
    given = {"revenue": 10.0 * number, "size": "M"} | properties
    moment = START + timedelta(days=days)
    return event("Order", number=str(number), properties=given, at=moment)


def explained(world: World, name: str, **later: Any) -> dict[str, Any]:
    return explain(world.ada(), world.profile, name, START + timedelta(**later))


def test_every_part_has_its_value_and_what_it_read() -> None:
    world = World(
        profile=rules(
            vip='customer.computed.orders_30d >= 2.0 && (customer.traits.plan == "pro" || '
            "has(customer.traits.note))"
        )
    )
    world.send(order(1), order(2, 1), identify("ada", plan="free"))
    found = explained(world, "vip", days=2)
    assert (found["inside"], found["since"]) == (False, None)
    assert list(lines_of(found["why"])) == [
        "false  all of",
        "  true   customer.computed.orders_30d >= 2.0  (computed.orders_30d = 2)",
        "  false  one of",
        '    false  customer.traits.plan == "pro"  (traits.plan = free)',
        '    false  has(customer.traits.note)  (traits = {"plan": "free"})',
    ]
    assert next(iter(reasons(found["why"]))).startswith('customer.traits.plan == "pro"')


def test_a_part_without_a_value_says_why() -> None:
    world = World(profile=rules(pros='customer.traits.plan == "pro" && customer.lists.beta'))
    world.send(order(1))
    found = explained(world, "pros")
    first, second = found["why"]["parts"]
    assert first["value"] is None
    assert first["error"] == "customer.traits.plan: no such key"
    assert first["reads"] == [{"name": "customer.traits.plan"}]
    assert second["value"] is False
    lines = list(lines_of(found["why"]))
    assert lines[1] == '  none   customer.traits.plan == "pro"  (no traits.plan)'


def test_when_time_alone_changes_it() -> None:
    world = World(profile=rules(active="customer.computed.orders_30d >= 1.0", plain="true"))
    world.send(order(1))
    found = explained(world, "active", days=2)
    assert (found["inside"], found["since"]) == (True, "2026-11-24T21:14:00.000Z")
    assert found["changes_at"] == "2026-12-24T21:14:00.000Z"
    assert explained(world, "plain")["changes_at"] is None
    after = explained(world, "active", days=31)
    assert after["inside"] is False
    assert after["since"] == "2026-11-24T21:14:00.000Z"


def test_the_time_of_a_segment_that_it_names_counts_too() -> None:
    world = World(
        profile=rules(
            active="customer.computed.orders_30d >= 1.0", calm="!customer.segments.active"
        )
    )
    world.send(order(1))
    found = explained(world, "calm", days=1)
    assert found["changes_at"] == "2026-12-24T21:14:00.000Z"
    assert list(lines_of(found["why"])) == [
        "false  not",
        "  true   customer.segments.active  (segments.active = true)",
    ]


def test_the_occurrences_behind_a_computed_trait_are_named() -> None:
    world = World(profile=rules(active="customer.computed.orders_30d >= 1.0"))
    first, second = order(1), order(2, 20)
    world.send(first, second)
    found = explained(world, "active", days=21)["computed"]
    assert list(found) == ["orders_30d"]
    assert found["orders_30d"] == {
        "kind": "count",
        "event": "Order",
        "within": 30 * DAY,
        "value": 2,
        "events": [
            {"at": "2026-11-24T21:14:00.000Z", "event": first.fingerprint[:8]},
            {"at": "2026-12-14T21:14:00.000Z", "event": second.fingerprint[:8]},
        ],
        "changes_at": "2026-12-24T21:14:00.000Z",
    }
    assert len(explained(world, "active", days=31)["computed"]["orders_30d"]["events"]) == 1


def test_a_ratio_is_told_from_both_of_its_traits() -> None:
    world = World(profile=rules(rich="customer.computed.mean > 10.0"))
    world.send(order(1), order(2))
    found = explained(world, "rich")["computed"]
    assert set(found) == {"mean", "spent", "orders"}
    assert found["mean"] == {"kind": "ratio", "value": 15, "of": "spent", "to": "orders"}
    assert (found["orders"]["value"], found["spent"]["value"]) == (2, 30)


@pytest.mark.parametrize(
    ("name", "events", "older"),
    [("orders_30d", 50, 10), ("hours", 50, 10), ("orders", 1, 59), ("last_order", 1, 0)],
)
def test_what_is_kept_by_the_day_only_is_counted(name: str, events: int, older: int) -> None:
    world = World(profile=rules())
    world.send(*(order(number, number / 10) for number in range(60)))
    profile = world.ada().profile
    found = evidence_of(name, profile, world.profile, START + timedelta(days=6))
    assert (len(found["events"]), found.get("older", 0)) == (events, older)
    assert found["events"][-1]["at"] == "2026-11-30T18:50:00.000Z"


def test_values_and_other_events_are_told() -> None:
    world = World(profile=rules())
    seen = [event("Seen", number=str(n), at=START + timedelta(hours=n)) for n in range(4)]
    world.send(*seen, order(1, 0.1, size="M"), order(2, 0.05, size="L"))
    profile = world.ada().profile
    sizes = evidence_of("sizes", profile, world.profile, START + timedelta(days=1))
    assert sizes["values"] == {
        '"M"': "2026-11-24T23:38:00.000Z",
        '"L"': "2026-11-24T22:26:00.000Z",
    }
    since = evidence_of("seen_since", profile, world.profile, START + timedelta(days=1))
    assert (since["value"], since["since_last"]) == (1, "Order")
    assert [each["event"] for each in since["events"]] == [seen[3].fingerprint[:8]]


def test_nothing_is_told_of_what_never_occurred() -> None:
    world = World(profile=rules())
    world.send(identify("ada"))
    found = evidence_of("last_order", world.ada().profile, world.profile, START)
    assert found == {"kind": "last", "event": "Order", "events": []}


REVENUE, SIZE = parse("event.properties.revenue"), parse("event.properties.size")
OF_VALUES = ProfileRules(
    {
        "computed": [
            {"name": name, "event": "Order", **parts}
            for name, parts in {
                "smallest": {"kind": "min", "value": REVENUE},
                "greatest": {"kind": "max", "value": REVENUE},
                "smallest_30d": {"kind": "min", "value": REVENUE, "within": 30 * DAY},
                "spent": {"kind": "sum", "value": REVENUE},
                "spent_30d": {"kind": "sum", "value": REVENUE, "within": 30 * DAY},
                "first_size": {"kind": "first", "value": SIZE},
                "last_size": {"kind": "last", "value": SIZE},
                "idle": {"kind": "days_since"},
                "sizes": {"kind": "distinct", "value": SIZE},
                "favourite": {"kind": "most_frequent", "value": SIZE},
                "favourite_30d": {"kind": "most_frequent", "value": SIZE, "within": 30 * DAY},
                "hours_30d": {"kind": "histogram", "within": 30 * DAY},
                "after_seen": {"kind": "count", "since": "Seen", "within": 30 * DAY},
            }.items()
        ]
    }
)
SHOPPER = [("M", 60.5), ("L", 160.1), ("M", 60.5), ("L", 160.1), ("L", 90.0)]


def told(orders: list[tuple[str, float]], name: str, days: float = 10) -> str:
    """Of orders an hour after each other; an event's fingerprint becomes its place in the list."""
    world = World(profile=OF_VALUES)
    events = [
        order(number, number / 24, size=size, revenue=revenue)
        for number, (size, revenue) in enumerate(orders)
    ]
    world.send(*events)
    now = START + timedelta(days=days)
    said = told_from(evidence_of(name, world.ada().profile, OF_VALUES, now), local)
    for number, each in enumerate(events):
        said = said.replace(f"({each.fingerprint[:8]})", f"({number})")
    return said


def local(text: Any) -> str:
    return local_time(text, zone=ZoneInfo("UTC"))[11:]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("smallest", "an earlier one, which is not kept any more"),
        ("greatest", "an earlier one, which is not kept any more"),
        ("smallest_30d", "23:14 (2) = 60.5, 21:14 (0) = 60.5, out of 5"),
        ("spent", "01:14 (4) = 90, and earlier ones, which are not kept one by one"),
        ("spent_30d", "01:14 (4) = 90, 00:14 (3) = 160.1, 23:14 (2) = 60.5, and 2 more"),
        ("first_size", "21:14 (0) = M"),
        ("last_size", "01:14 (4) = L"),
        ("idle", "01:14 (4)"),
        ("sizes", "01:14 = L, 23:14 = M"),
        ("favourite", "01:14 (4) = L, 00:14 (3) = L, 22:14 (1) = L, out of 5"),
        ("hours_30d", "01:14 (4), 00:14 (3), 23:14 (2), and 2 more"),
    ],
)
def test_only_events_that_are_behind_a_value_are_told(name: str, said: str) -> None:
    assert told(SHOPPER, name) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("smallest", "22:14 (1) = 5"),
        ("greatest", "an earlier one, which is not kept any more"),
        ("smallest_30d", "22:14 (1) = 5, out of 2"),
        ("sizes", "22:14 = S, 21:14 = M"),
    ],
)
def test_the_last_event_is_told_where_it_had_the_value(name: str, said: str) -> None:
    assert told([("M", 60.5), ("S", 5.0)], name) == said


@pytest.mark.parametrize("name", ["smallest", "greatest", "smallest_30d", "spent", "spent_30d"])
def test_a_single_event_is_all_there_is(name: str) -> None:
    assert told([("M", 60.5)], name) == "21:14 (0) = 60.5"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("smallest_30d", "an earlier one, which is not kept any more, out of 60"),
        ("spent_30d", "08:14 (59) = 10, 07:14 (58) = 10, 06:14 (57) = 10, and 57 more"),
        ("favourite_30d", "08:14 (59) = L, 07:14 (58) = L, 06:14 (57) = L, and 47 more"),
        ("hours_30d", "08:14 (59), 07:14 (58), 06:14 (57), and 47 more"),
    ],
)
def test_of_many_events_no_more_are_told_than_the_value_is_made_of(name: str, said: str) -> None:
    """The first ten, which are kept by the day, have the least value and another size."""
    orders = [("S", 1.0)] * 10 + [("L", 10.0)] * 50
    assert told(orders, name) == said


def test_since_another_event_no_more_are_told_than_are_counted() -> None:
    world = World(profile=OF_VALUES)
    world.send(event("Seen", at=START - timedelta(hours=1)))
    world.send(*(order(number, number / 24) for number in range(60)))
    now = START + timedelta(days=4)
    found = evidence_of("after_seen", world.ada().profile, OF_VALUES, now)
    assert (found["value"], len(found["events"]), found.get("older")) == (50, 50, None)


def test_outside_of_the_window_nothing_is_told() -> None:
    assert told(SHOPPER, "smallest_30d", days=40) == "no Order"
    assert told(SHOPPER, "favourite_30d", days=40) == "no Order"
