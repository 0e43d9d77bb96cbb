"""`stepwell openapi`: print the API's description, or keep the committed one up to date."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.projects import add_root, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands

HELP = "Print the API's OpenAPI description, or write and check the committed one."
COMMITTED = Path("docs") / "openapi.json"


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("openapi", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help=f"write {COMMITTED} anew")
    what.add_argument("--check", action="store_true", help=f"fail when {COMMITTED} has drifted")


def run(arguments: Namespace) -> int:
    from stepwell.cli.api_description import text  # noqa: PLC0415 - quick --help

    path = root_of(arguments.root) / COMMITTED
    if arguments.write:
        path.write_text(text(), encoding="utf-8")
        print(f"{COMMITTED} written")
        return 0
    if not arguments.check:
        print(text(), end="")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text():
        return 0
    said = f"{COMMITTED} is not what ingest takes and answers; `stepwell openapi --write`"
    print(said, file=sys.stderr)
    return 1
