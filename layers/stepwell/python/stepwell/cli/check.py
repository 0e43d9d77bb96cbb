"""`stepwell check`: every problem of every journey, or what is there when there is none."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.cli.projects import add_root, print_problems, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands
    from stepwell.journeys.compiler.compilation import Compiled

HELP = "Check all journeys, their templates and the policies."


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("check", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    parser.add_argument("--json", action="store_true", help="print the problems as a JSON list")


def run(arguments: Namespace) -> int:
    from stepwell.journeys.compiler.compilation import compile_project  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help

    try:
        compiled = compile_project(root_of(arguments.root))
    except CompileError as error:
        if arguments.json:
            print(
                json.dumps(
                    [problem.as_json() for problem in error.problems], indent=2, ensure_ascii=False
                )
            )
        else:
            print_problems(error.problems)
        return 1
    if arguments.json:
        print("[]")
        return 0
    for each in compiled:
        print(_summary(each))
    print(f"\n{len(compiled)} journey{'' if len(compiled) == 1 else 's'}, no problems.")
    return 0


def _summary(compiled: Compiled) -> str:
    steps = [step["kind"] for step in compiled.program["steps"]]
    messages = steps.count("message")
    states = len(compiled.machine["States"])
    return (
        f"{compiled.journey:<24} version {compiled.version[:12]}"
        f"  enters on {compiled.program['entry']['event']}, "
        f"{messages} message{'' if messages == 1 else 's'}, {states} states"
        + (", draining" if compiled.program["draining"] else "")
    )
