"""What a deployed stack costs in a month in which nothing happens, item by item.

Computed from the written templates: every type of resource in them has a price here or a reason why
it has none, so that a new one cannot come in unseen. `python -m infra.idle_cost` prints the items
of `cdk.out`; `--write` puts them into docs/idle-cost.md, and a test holds the page to them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.idle_prices import FREE, PRICED, IdleCostError, Use
from infra.layers import ROOT
from infra.local.assembly import read_assembly
from stepwell.simulation.costs.prices import PriceTable, ServicePrice, read_prices

PAGE = ROOT / "docs" / "idle-cost.md"
_TABLE = re.compile(r"(<!-- computed -->\n).*?(<!-- end -->)", re.DOTALL)
FIREWALL = ("firewall", "firewall_rule")

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One line: `number` of a price's unit, and why they are there."""

    name: str
    price: ServicePrice
    number: float
    why: str

    @property
    def dollars(self) -> float:
        return self.price.of(self.number)


def items(templates: Iterable[Template], prices: PriceTable) -> list[Item]:
    """The dearest first. Raises IdleCostError."""
    numbers: dict[tuple[str, str], float] = {}
    for template in templates:
        for use in _uses(template):
            at = (use.price, use.why)
            numbers[at] = numbers.get(at, 0) + use.number
    found = [
        Item(name, _price(prices, name), number, why) for (name, why), number in numbers.items()
    ]
    return sorted(found, key=lambda item: (-item.dollars, item.name, item.why))


def _uses(template: Template) -> Iterator[Use]:
    for logical_id, resource in template["Resources"].items():
        kind = resource["Type"]
        if kind in PRICED:
            yield from PRICED[kind](resource["Properties"], template)
        elif kind not in FREE:
            raise IdleCostError(
                f"{logical_id} is a {kind}, and nobody has said what it costs while nothing "
                "happens: add it to PRICED or FREE in infra/idle_prices.py."
            )


def _price(prices: PriceTable, name: str) -> ServicePrice:
    group = prices.monthly if name in type(prices.monthly).model_fields else prices.services
    price: ServicePrice = getattr(group, name)
    return price


def render(found: Iterable[Item]) -> str:
    """The items as a table in Markdown, with their sum, and what is not certain."""
    found = list(found)
    lines = [
        "| what | number | $ a month | why it is there |",
        "|---|---:|---:|---|",
        *(
            f"| {item.price.service}: {item.price.unit} | {item.number:,.0f} "
            f"| {_dollars(item.dollars)} | {item.why} |"
            for item in found
        ),
        f"| **sum** | | **{_dollars(total(found))}** | |",
    ]
    without = total(item for item in found if item.name not in FIREWALL)
    lines.append(f"| **sum without the firewall** | | **{_dollars(without)}** | |")
    unsure = sorted({item.price.service for item in found if not item.price.confirmed})
    if unsure:
        lines += ["", f"Not read on AWS's own pages: some prices of {', '.join(unsure)}."]
    return "\n".join(lines) + "\n"


def total(found: Iterable[Item]) -> float:
    return sum(item.dollars for item in found)


def _dollars(amount: float) -> str:
    return "under 0.01" if amount < 0.005 else f"{amount:.2f}"


def fill_in(page: str, table: str) -> str:
    """The page with the table in place of the one that it has."""
    return _TABLE.sub(lambda found: found[1] + table + found[2], page)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.idle_cost", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the items into docs/idle-cost.md")
    write = parser.parse_args().write
    templates = [stack.template for stack in read_assembly(ROOT / "cdk.out")]
    table = render(items(templates, read_prices()))
    if write:
        PAGE.write_text(fill_in(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")
    sys.stdout.write(table)


if __name__ == "__main__":
    main()
