"""Measure Stepwell against its budgets: `make bench`, or `python -m tests.bench router --json`.

Each benchmark measures for real; nothing here is a test, so nothing fails on a slow machine. Every
run is kept as a line of .bench/history.jsonl.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import (
    calls,
    idle,
    imports,
    ingest,
    layers,
    living,
    load,
    router,
    scenarios,
    simulation,
    sweep,
    transitions,
)
from tests.bench.measurement import Measurement

HISTORY = Path(".bench/history.jsonl")

BENCHMARKS: dict[str, Callable[..., list[Measurement]]] = {
    "router": router.measure,
    "living": living.measure,
    "ingest": ingest.measure,
    "imports": imports.measure,
    "layers": layers.measure,
    "transitions": transitions.measure,
    "calls": calls.measure,
    "simulation": simulation.measure,
    "sweep": sweep.measure,
    "scenarios": scenarios.measure,
    "idle": idle.measure,
    "load": load.measure,
}
ON_DEMAND = {"load"}
"""Those that take an hour are measured only when they are named."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help=f"of {', '.join(BENCHMARKS)}; by default all but {', '.join(ON_DEMAND)}",
    )
    parser.add_argument("--customers", type=int, default=load.CUSTOMERS, help="of load")
    parser.add_argument("--json", action="store_true", help="print the measurements as JSON")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    measured: list[Measurement] = []
    for name in arguments.names or [name for name in BENCHMARKS if name not in ON_DEMAND]:
        print(f"· measuring {name}", file=sys.stderr)
        given = [arguments.customers] if name == "load" else []
        measured += BENCHMARKS[name](*given)
    run = _run(measured)
    _keep(run)
    if arguments.json:
        print(json.dumps(run, indent=1))
    else:
        Console(width=None if sys.stdout.isatty() else 130).print(_table(measured))
    return 0


def _run(measured: list[Measurement]) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "measurements": [asdict(each) | {"within": each.within} for each in measured],
    }


def _keep(run: dict[str, Any]) -> None:
    HISTORY.parent.mkdir(exist_ok=True)
    with HISTORY.open("a", encoding="utf-8") as history:
        history.write(json.dumps(run) + "\n")


def _table(measured: list[Measurement]) -> Table:
    table = Table(title=None, header_style="bold")
    for heading in ("", "what", "measured", "budget", "", "note"):
        justify = "right" if heading in ("measured", "budget") else "left"
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    group = ""
    for each in measured:
        if group and each.group != group:
            table.add_section()
        verdict = {True: "[green]within[/]", False: "[red]over[/]", None: ""}[each.within]
        table.add_row(
            each.group if each.group != group else "",
            each.name,
            f"{_number(each.value)} {each.unit}",
            _budget(each),
            verdict,
            each.note,
        )
        group = each.group
    return table


def _budget(each: Measurement) -> str:
    if each.budget is None:
        return ""
    return f"{'≥' if each.budget.at_least else '≤'} {_number(each.budget.limit)} {each.unit}"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 10 else f"{value:.2f}".removesuffix(".00")


if __name__ == "__main__":
    raise SystemExit(main())
