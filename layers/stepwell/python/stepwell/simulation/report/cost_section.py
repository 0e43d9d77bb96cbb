"""The cost forecast's part of the page."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.simulation.costs.forecast import Forecast, PerMillion
from stepwell.simulation.report import words
from stepwell.simulation.report.svg import element, escape
from stepwell.simulation.report.tables import html_table


def cost_section(cost: Forecast) -> str:
    """The whole section."""
    plans = ", ".join(f"{channel}: {plan}" for channel, plan in sorted(cost.plans.items()))
    said = f"List prices of {cost.as_of}, {cost.region}, in {cost.currency}; plans: {plans}."
    rows: list[tuple[Sequence[str], str]] = [
        (
            (
                line.service,
                line.unit + ("" if line.confirmed else " *"),
                words.amount(line.amount),
                words.money(line.dollars),
                *_rates(line.per_million),
            ),
            "",
        )
        for line in cost.lines
    ]
    for total in cost.totals:
        cells = (words.TOTALS[total.group], "", "", words.money(total.dollars))
        rows.append(((*cells, *_rates(total.per_million)), "sum"))
    numbers = ["amount a month", "a month"]
    numbers += [f"per million {of}" for of in ("customers", "entries", "messages")]
    notes = "".join(
        element("details", element("summary", title) + element("ul", _items(each)), open="")
        for title, each in (
            ("* Not certain", cost.uncertain),
            ("Assumed", cost.assumed),
            ("Left out", cost.left_out),
        )
        if each
    )
    parts = [
        element("h2", "Cost forecast"),
        element("p", escape(said), class_="soft"),
        html_table("A month of this population", ["service", "unit"], numbers, rows),
        notes,
    ]
    return element("section", "".join(parts), id="cost")


def _rates(rates: PerMillion) -> tuple[str, str, str]:
    return (words.money(rates.customers), words.money(rates.entries), words.money(rates.messages))


def _items(texts: Sequence[str]) -> str:
    return "".join(element("li", escape(each)) for each in texts)
