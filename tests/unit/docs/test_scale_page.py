"""docs/scale.md has what is computed from quotas, prices and usage, and the sums are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import STAGES, Stage
from stepwell.cli.main import main
from stepwell.cli.scale import with_tables
from stepwell.simulation.costs.forecast import forecast
from stepwell.simulation.costs.prices import read_prices
from stepwell.simulation.costs.quotas import read_quotas
from stepwell.simulation.costs.scale import Assumed, Month, Scale, read_scale

PAGE = Path("docs/scale.md").read_text(encoding="utf-8")


def test_the_page_has_what_is_computed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale"]) == 0
    assert with_tables(PAGE, capsys.readouterr().out) == PAGE


def test_a_page_that_has_drifted_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "statemachines" / "journeys").mkdir(parents=True)
    page = tmp_path / "docs" / "scale.md"
    page.parent.mkdir()
    page.write_text(PAGE.replace("| 1 million |", "| one million |"), encoding="utf-8")
    assert main(["scale", "--check", "--root", str(tmp_path)]) == 1
    assert "stepwell scale --write" in capsys.readouterr().err
    assert main(["scale", "--write", "--root", str(tmp_path)]) == 0
    assert page.read_text(encoding="utf-8") == PAGE
    assert main(["scale", "--check", "--root", str(tmp_path)]) == 0


def test_quotas_of_the_stage_are_those_of_prod() -> None:
    settings = STAGES[Stage.PROD]
    found = {each.setting: each.default for each in read_quotas().quotas.values() if each.setting}
    assert found
    assert found == {name: getattr(settings, name) for name in found}


def test_needs_by_hand() -> None:
    month = _month(customers=1_000_000)
    needs = month.needs(read_prices().assumptions)
    assert month.peak(month.events) == pytest.approx(2 * 1e6 * 3 / 86_400)
    assert needs["queued"] == pytest.approx(2 * 34.72, rel=1e-3)
    # One enrollment a month that is open for 16.062 days.
    assert needs["open_executions"] == pytest.approx(1e6 / 30.4 * month.scale.measured.open_days)
    # 924,000 messages a month, of which a half waits, half of them in one zone, for ten minutes.
    a_day = 1e6 * month.scale.measured.messages / 30.4
    assert month.due_at_once() == pytest.approx(a_day / 4 / 600)
    assert needs["sms"] == pytest.approx(a_day / 4 / 600 / 10)
    parked = month.parked_needs()
    measured = month.scale.measured
    spared = needs["open_executions"] - parked["open_executions"]
    assert spared == pytest.approx(1e6 / 30.4 * measured.long_days)
    assert parked["schedules"] >= spared  # alarms of those who left ring too


def test_without_deferrals_the_mean_and_its_peak_count() -> None:
    month = _month(customers=1_000_000, deferred=0.0)
    assert month.due_at_once() == 0
    mean = 1e6 * month.scale.measured.messages / (30.4 * 86_400)
    assert month.messages_a_second() == pytest.approx(2 * mean)


def test_parking_costs_what_the_page_about_it_says() -> None:
    prices, month = read_prices(), _month(customers=1_000_000)
    native, parked = (
        next(each.dollars for each in forecast(usage, prices).totals if each.group == "aws")
        for usage in (month.usage(), month.parked_usage())
    )
    a_million_waits = (parked - native) / month.scale.measured.long_waits
    assert round(a_million_waits, -1) == 80
    assert "about $80 per million waits" in Path("docs/parking.md").read_text(encoding="utf-8")


def test_a_month_costs_what_its_parts_cost() -> None:
    prices, month = read_prices(), _month(customers=1_000_000)
    cost = forecast(month.usage(), prices)
    lines = {(each.service, each.unit): each.dollars for each in cost.lines}
    transitions = month.scale.measured.calls["transition"]
    assert lines["Step Functions", "state transitions"] == pytest.approx(25 * transitions, rel=1e-3)
    requests = 1e6 * 3 * 30.4 / prices.assumptions.events_per_request
    http = lines["API Gateway", "REST API requests"]
    assert http == pytest.approx(requests / 1e6 * 3.5, rel=1e-3)
    tables, calls = month.scale.measured.tables, month.calls()
    writes = calls["event"] * tables["event"].writes + 1e6 * tables["entry"].writes
    writes += sum(
        calls[basis] * tables[name].writes
        for name, basis in {
            "plan": "plan",
            "consent": "consent",
            "frequency_cap": "frequency_cap",
            "delivery": "delivery",
            "state_machine": "transition",
        }.items()
    )
    assert lines["DynamoDB", "write request units"] == pytest.approx(writes / 1e6 * 0.625, rel=1e-3)


def _month(*, customers: int, deferred: float = 0.5) -> Month:
    assumed = Assumed(
        events_a_day=3,
        enrollments_a_month=1,
        peak=2,
        deferred=deferred,
        largest_zone=0.5,
        spread_minutes=10,
        email=0.7,
        sms=0.1,
    )
    return Month(customers, Scale(assumed=assumed, measured=read_scale().measured))
