"""What an idle stage costs: computed from the templates, complete, and told as computed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.idle_cost import PAGE, Item, fill_in, items, render, total
from infra.idle_prices import FREE, POLLS, PRICED, IdleCostError
from stepwell.simulation.costs.prices import read_prices
from tests.infrastructure.synthesized import Synthesized

PRICES = read_prices()


@pytest.fixture(scope="module")
def found(synthesized: Synthesized) -> list[Item]:
    return items(synthesized.templates.values(), PRICES)


def number(found: list[Item], name: str) -> float:
    return sum(item.number for item in found if item.name == name)


def test_idle_page_says_what_is_computed(found: list[Item]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert fill_in(page, render(found)) == page, (
        "run `make synth && .venv/bin/python -m infra.idle_cost --write`"
    )


def test_idle_counts_what_the_templates_have(found: list[Item], synthesized: Synthesized) -> None:
    alarms = synthesized.properties("AWS::CloudWatch::Alarm")
    looked_at = sum(
        sum("MetricStat" in each for each in alarm.get("Metrics", ())) or 1 for alarm in alarms
    )
    assert number(found, "alarm") == looked_at
    [acl] = synthesized.properties("AWS::WAFv2::WebACL")
    assert number(found, "firewall_rule") == len(acl["Rules"])
    assert number(found, "key") == number(found, "firewall") == 1
    assert number(found, "secret") == 3
    polled = len(synthesized.properties("AWS::Lambda::EventSourceMapping"))
    assert number(found, "fifo") + number(found, "queue") == polled * POLLS == polled * 657_000


def test_idle_sum_is_that_of_the_items(found: list[Item]) -> None:
    assert total(found) == pytest.approx(sum(item.number * item.price.of(1) for item in found))
    dollars = re.findall(r"\*\*(\d+\.\d\d)\*\*", render(found))
    assert float(dollars[0]) == pytest.approx(total(found), abs=0.005)
    assert float(dollars[0]) - float(dollars[1]) == pytest.approx(8.0)


def test_idle_without_a_firewall_costs_so_much_less(
    without_firewall: Synthesized, found: list[Item]
) -> None:
    without = items(without_firewall.templates.values(), PRICES)
    assert total(found) - total(without) == pytest.approx(8.0)


def test_idle_every_type_is_either_priced_or_free_for_a_reason() -> None:
    assert not PRICED.keys() & FREE.keys()
    assert all(reason.strip() for reason in FREE.values())


def test_idle_type_that_nobody_has_thought_about_is_refused() -> None:
    template = {"Resources": {"Box": {"Type": "AWS::EC2::NatGateway", "Properties": {}}}}
    with pytest.raises(IdleCostError, match=r"Box is a AWS::EC2::NatGateway.*idle_prices"):
        items([template], PRICES)


def schedule(rate: str, name: str = "stepwell-local-quarantine-watch") -> dict[str, Any]:
    target = {"Arn": {"Fn::GetAtt": ["Watch", "Arn"]}}
    rule = {"Name": name, "ScheduleExpression": rate, "Targets": [target]}
    return {
        "Resources": {
            "Watch": {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 1024}},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
        }
    }


@pytest.mark.parametrize(
    ("rate", "runs"),
    [
        ("rate(1 hour)", 730),
        ("rate(5 minutes)", 8_760),
        ("rate(2 days)", 15.2083),
        ("cron(0/5 * * * ? *)", 8_760),
    ],
)
def test_idle_schedule_runs_its_function_all_the_time(rate: str, runs: float) -> None:
    found = items([schedule(rate)], PRICES)
    assert number(found, "invocation") == pytest.approx(runs, abs=0.001)
    assert number(found, "function_time") == pytest.approx(runs, abs=0.001)


def test_idle_sweep_asks_every_shard_of_the_index() -> None:
    found = items([schedule("cron(0/5 * * * ? *)", "stepwell-local-sweep")], PRICES)
    assert number(found, "read") == 8_760 * 16 / 2


@pytest.mark.parametrize(
    ("rate", "name"),
    [("cron(0 8 * * ? *)", "stepwell-local-quarantine-watch"), ("rate(1 hour)", "mine")],
)
def test_idle_schedule_that_nobody_has_thought_about_is_refused(rate: str, name: str) -> None:
    with pytest.raises(IdleCostError, match=r"infra/idle_prices\.py"):
        items([schedule(rate, name)], PRICES)
