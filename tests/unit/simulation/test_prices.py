from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from stepwell.simulation.costs.prices import PricesError, parse_prices, read_prices

SHIPPED = resources.files("stepwell.simulation.costs").joinpath("prices.yaml").read_text("utf-8")


def _problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PricesError) as caught:
        parse_prices(text, "mine.yaml")
    return caught.value.problems


def _line(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def test_shipped_table_is_dated_and_every_price_names_its_page() -> None:
    table = read_prices()
    assert (table.as_of.year, table.region) == (2026, "us-east-1")
    services = [table.service(name) for name in type(table.services).model_fields]
    assert all(each.page.startswith("aws.amazon.com/") for each in services)


def test_amounts_cost_what_the_pages_say() -> None:
    dollars = read_prices().dollars({"transition": 1_000.0, "write": 1e6, "http": 2e6})
    assert dollars == pytest.approx({"transition": 0.025, "write": 0.625, "http": 7.0})


def test_plans_default_and_can_be_chosen() -> None:
    table = read_prices()
    assert table.plans() == {"email": "essentials", "push": "sns", "sms": "aws"}
    assert table.plans({"email": "a_la_carte"})["email"] == "a_la_carte"
    emails = table.channels.email.plans
    assert emails["essentials"].of(1_000) == pytest.approx(0.16)
    assert emails["a_la_carte"].of(1_000) == pytest.approx(0.10)


def test_unknown_plans_are_refused_with_those_there_are() -> None:
    with pytest.raises(PricesError) as caught:
        read_prices().plans({"email": "premium", "fax": "any"})
    assert caught.value.problems == (
        "plan: email has no plan premium; there are: essentials, a_la_carte, pro, enterprise",
        "plan: there is no channel fax; there are: email, push, sms",
    )


def test_sms_price_is_of_the_country_and_includes_the_carriers_fee() -> None:
    plan = read_prices().channels.sms.plans["aws"]
    assert plan.price("US").dollars == pytest.approx(0.00581 + 0.0045)
    assert plan.price("AQ").dollars == plan.price("").dollars == plan.other.dollars


def test_another_file_replaces_the_table(tmp_path: Path) -> None:
    path = tmp_path / "eu.yaml"
    path.write_text(SHIPPED.replace("region: us-east-1", "region: eu-west-1"), encoding="utf-8")
    assert read_prices(path).region == "eu-west-1"


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PricesError, match=r"none\.yaml:1: cannot be read"):
        read_prices(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("dollars: 25.00", "dollars: -1", "dollars: -1", "greater than or equal to 0"),
        ("dollars: 25.00", "dollars: .inf", "dollars: .inf", "finite"),
        ("dollars: 25.00", "euros: 25.00", "euros: 25.00", "is not known here"),
        ("as_of: 2026-11-22", "as_of: soon", "as_of: soon", "date"),
        ("default: essentials", "default: gold", "email:", "there is no plan gold"),
        ("region: us-east-1\n", "", "# AWS list prices", "region: is missing"),
        (
            "    note: from calculations that others published in 2020\n",
            "",
            "backup:",
            "needs a `note`",
        ),
    ],
)
def test_problems_name_file_and_line(old: str, new: str, where: str, said: str) -> None:
    assert old in SHIPPED
    text = SHIPPED.replace(old, new, 1)
    line = _line(text, where)
    assert any(each.startswith(f"mine.yaml:{line}: ") and said in each for each in _problems(text))


def test_broken_yaml_names_file_and_line() -> None:
    assert _problems("as_of: [1,\n")[0].startswith("mine.yaml:")


def test_a_file_that_is_no_table_is_told_in_sentences() -> None:
    [told] = _problems("# Stepwell\n\nIt is: for: teams\n")
    assert told.startswith("mine.yaml:3: is no YAML that can be read: ")
    assert told.endswith(". Check indentation, colons and quotes around this line.")
    [told] = _problems("just words")
    assert told == (
        "mine.yaml:1: the file: has to be a mapping (key: value lines), as in the shipped table"
    )
