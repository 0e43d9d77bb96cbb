"""`stepwell scale`: what millions of customers need of an AWS account; keeps docs/scale.md."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.projects import add_root, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands
    from stepwell.simulation.costs.scale import Measured

HELP = "Say what millions of customers need of an AWS account, and what they cost."
PAGE = Path("docs") / "scale.md"
_COSTS = Path("layers/stepwell/python/stepwell/simulation/costs")
BEGIN, END = "<!-- computed: stepwell scale --write -->\n", "<!-- end of what is computed -->\n"


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("scale", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help=f"write the tables into {PAGE}")
    what.add_argument("--check", action="store_true", help=f"fail when those of {PAGE} drifted")
    what.add_argument("--measure", action="store_true", help="measure usage anew, and keep it")


def run(arguments: Namespace) -> int:
    root = root_of(arguments.root)
    if arguments.measure:
        return _measure(root)
    if not (arguments.write or arguments.check):
        print(_tables(), end="")
        return 0
    page = root / PAGE
    text = page.read_text(encoding="utf-8")
    fresh = with_tables(text, _tables())
    if arguments.write:
        page.write_text(fresh, encoding="utf-8")
        return 0
    if fresh == text:
        return 0
    print(f"{PAGE} is not what is computed; `stepwell scale --write`", file=sys.stderr)
    return 1


def with_tables(page: str, tables: str) -> str:
    """The page with these tables between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def _tables() -> str:
    from stepwell.simulation.costs.prices import read_prices  # noqa: PLC0415 - quick --help
    from stepwell.simulation.costs.quotas import read_quotas  # noqa: PLC0415 - as above
    from stepwell.simulation.costs.scale import read_scale  # noqa: PLC0415 - as above
    from stepwell.simulation.costs.scale_page import tables  # noqa: PLC0415 - as above

    return tables(read_scale(), read_prices(), read_quotas())


def _measure(root: Path) -> int:
    from stepwell.simulation.costs.measuring import measure  # noqa: PLC0415 - quick --help

    path = root / _COSTS / "scale.yaml"
    assumed, _, _ = path.read_text(encoding="utf-8").partition("measured:")
    path.write_text(assumed + _written(measure(root)), encoding="utf-8")
    print(f"{path.relative_to(root)} written; `stepwell scale --write` brings it into {PAGE}")
    return 0


def _written(measured: Measured) -> str:
    document = measured.model_dump()
    lines = ["measured:"]
    for name, each in document.items():
        if not isinstance(each, dict):
            lines.append(f"  {name}: {each:g}")
            continue
        lines.append(f"  {name}:")
        for key, part in each.items():
            inner = part if not isinstance(part, dict) else _inline(part)
            lines.append(f"    {key}: {inner}")
    return "\n".join(lines) + "\n"


def _inline(part: dict[str, float]) -> str:
    return "{" + ", ".join(f"{name}: {each:g}" for name, each in part.items()) + "}"
