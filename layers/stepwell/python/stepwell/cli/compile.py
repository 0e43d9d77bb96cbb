"""`stepwell compile`: print a journey's state machine, or keep the committed ones up to date."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.cli.projects import add_root, known_journey, print_problems, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands
    from stepwell.journeys.compiler.compilation import Compiled

HELP = "Print a journey's state machine, or write and check the committed ones."


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("compile", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    parser.add_argument("journey", nargs="?", help="name of the journey")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--program", action="store_true", help="print the program that functions read"
    )
    what.add_argument("--write", action="store_true", help="write each journey.asl.json anew")
    what.add_argument(
        "--check", action="store_true", help="fail when a committed journey.asl.json has drifted"
    )


def run(arguments: Namespace) -> int:
    from stepwell.journeys.compiler.compilation import compile_project  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help

    root = root_of(arguments.root)
    if not arguments.journey and not (arguments.write or arguments.check):
        raise CommandError("name a journey, or say --write or --check for all of them")
    only = frozenset({known_journey(root, arguments.journey)}) if arguments.journey else None
    try:
        compiled = compile_project(root, only)
    except CompileError as error:
        print_problems(error.problems)
        return 1
    if arguments.write:
        return _write(root, compiled)
    if arguments.check:
        return _check(root, compiled)
    shown = compiled[0]
    program = json.dumps(shown.program, indent=2, ensure_ascii=False) + "\n"
    print(program if arguments.program else shown.machine_text(), end="")
    return 0


def _committed(root: Path, compiled: Compiled) -> Path:
    return root / "statemachines" / "journeys" / compiled.journey / "journey.asl.json"


def _drifted(root: Path, compiled: Compiled) -> bool:
    path = _committed(root, compiled)
    return not path.is_file() or path.read_text(encoding="utf-8") != compiled.machine_text()


def _write(root: Path, compiled: list[Compiled]) -> int:
    for each in compiled:
        changed = _drifted(root, each)
        if changed:
            _committed(root, each).write_text(each.machine_text(), encoding="utf-8")
        done = "written" if changed else "unchanged"
        print(f"{each.journey:<24} version {each.version[:12]}  {done}")
    return 0


def _check(root: Path, compiled: list[Compiled]) -> int:
    drifted = [each.journey for each in compiled if _drifted(root, each)]
    for name in drifted:
        print(f"{name}: journey.asl.json is not what journey.yaml compiles to", file=sys.stderr)
    if drifted:
        print("Run `stepwell compile --write` and commit what it changes.", file=sys.stderr)
        return 1
    print(f"{len(compiled)} state machine{'' if len(compiled) == 1 else 's'} up to date.")
    return 0
