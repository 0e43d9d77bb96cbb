"""What the pages about costs and broken rules say is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from stepwell.journeys.compiler.source import parse_yaml
from stepwell.simulation.costs.prices import Price, read_prices
from stepwell.simulation.never import Rule

COSTS = Path("docs/costs.md").read_text(encoding="utf-8")
NEVER = Path("docs/never.md").read_text(encoding="utf-8")


def test_example_of_a_price_is_read() -> None:
    (example,) = re.findall(r"^```yaml price\n(.*?)^```", COSTS, re.MULTILINE | re.DOTALL)
    source, problems = parse_yaml(example, "costs.md")
    assert not problems
    assert source is not None
    assert Price.model_validate(source.data).of(1_000_000) == 0.5


def test_plans_are_those_of_the_table() -> None:
    for channel, each in read_prices().channels.by_name().items():
        (row,) = re.findall(rf"^\| {channel} \| (.*) \|$", COSTS, re.MULTILINE)
        told = re.findall(r"`(\w+)`", row)
        assert told == [each.default, *(plan for plan in each.plans if plan != each.default)]


def test_assumptions_are_those_of_the_table() -> None:
    each = read_prices().assumptions
    for text in (
        f"| {each.call_seconds * 1000:g} ms |",
        f"| {each.provider_seconds * 1000:g} ms;",
        f"written to S3 | {each.put_seconds * 1000:g} ms |",
        f"| {each.own_seconds * 1000:g} ms;",
        f"| {each.function_memory_gb * 1024:g} MB,",
        f"one request | {each.events_per_request} |",
        f"gets at once | {each.events_per_batch} |",
        f"at {each.express_memory_gb * 1024:g} MB",
    ):
        assert text in COSTS


def test_no_price_of_sms_is_confirmed() -> None:
    (plan,) = read_prices().channels.sms.plans.values()
    assert not any(each.confirmed for each in (*plan.countries.values(), plan.other))


def test_every_rule_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", NEVER, re.MULTILINE) == [str(each) for each in Rule]
