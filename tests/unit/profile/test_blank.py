"""Who of whom nothing is kept is in the same segments, whether looked at or known before."""

import pytest

from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile import blank
from stepwell.profile.rules import ProfileRules
from tests.support.world import World, event, identify

SEGMENTS = {
    "idle": "customer.computed.orders == 0.0",
    "lapsed": 'now - customer.computed.last > duration("1h")',
    "calm": "!has(customer.signals.urgency)",
    "both": "customer.segments.idle && customer.segments.calm",
    "pro": 'customer.traits.plan == "pro"',
    "later": 'customer.segments.idle && now > timestamp("2026-11-25T00:00:00Z")',
    "pro_and_idle": "customer.segments.pro && customer.segments.idle",
}
RULES = ProfileRules(
    {
        "computed": [
            {"name": "orders", "kind": "count", "event": "Order"},
            {"name": "last", "kind": "last", "event": "Order"},
        ],
        "segments": [{"name": name, "when": parse(when)} for name, when in SEGMENTS.items()],
    }
)


def test_what_is_the_same_for_all_is_what_asks_for_nothing_said_and_no_moment() -> None:
    assert blank.of_nobody(RULES) == {"idle": True, "lapsed": False, "calm": True, "both": True}


@pytest.mark.parametrize("first", [event("Order"), event("Else"), identify(plan="pro")])
def test_it_makes_no_difference(first: object, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = []
    for knows in (True, False):
        with monkeypatch.context() as patched:
            if not knows:
                patched.setattr("stepwell.profile.living.of_nobody", lambda _rules: {})
            world = World(profile=RULES)
            world.send(first)  # type: ignore[arg-type]
            worlds.append((world.ada().profile, sorted(each.id for each in world.told)))
    assert worlds[0] == worlds[1]
    assert worlds[0][0]


def test_a_customer_with_anything_kept_is_looked_at() -> None:
    assert blank.is_blank({"traits": "{}"}, None)
    for name in ("signals", "lists", "place"):
        assert not blank.is_blank({name: {"x": 1}}, None)
