"""What a deployed stage costs a month while nothing happens, by the written templates."""

from __future__ import annotations

from pathlib import Path

from infra.idle_cost import FIREWALL, items, total
from infra.local.assembly import read_assembly
from stepwell.simulation.costs.prices import read_prices
from tests.bench.measurement import Measurement


def measure() -> list[Measurement]:
    found = items((each.template for each in read_assembly(Path("cdk.out"))), read_prices())
    without = total(item for item in found if item.name not in FIREWALL)
    return [
        Measurement("idle", "a stage in which nothing happens", total(found), "$/month"),
        Measurement("idle", "the same without its firewall", without, "$/month"),
    ]
