"""`stepwell openapi`: print the API's description, or keep the committed one up to date."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
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
    root = root_of(arguments.root)
    path, text = root / COMMITTED, _text(root)
    if arguments.write:
        path.write_text(text, encoding="utf-8")
        print(f"{COMMITTED} written")
        return 0
    if not arguments.check:
        print(text, end="")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    said = f"{COMMITTED} is not what ingest takes and answers; `stepwell openapi --write`"
    print(said, file=sys.stderr)
    return 1


def _text(root: Path) -> str:
    from stepwell.cli.api_description import text  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.project import read_registry  # noqa: PLC0415 - as above
    from stepwell.journeys.compiler.registry import RegistryError  # noqa: PLC0415 - as above

    try:
        return text(read_registry(root).versions)
    except RegistryError as error:
        raise CommandError(str(error)) from error
