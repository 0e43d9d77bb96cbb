"""`stepwell check`: every problem of every journey, or what is there when there is none."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.projects import add_root, print_problems, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands
    from stepwell.journeys.compiler.compilation import Compiled
    from stepwell.journeys.compiler.problems import Problem

HELP = "Check all journeys, their templates and scenarios, the policies, and the stacks' sizes."
WRITTEN = "cdk.out"


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("check", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    parser.add_argument("--json", action="store_true", help="print the problems as a JSON list")


def run(arguments: Namespace) -> int:
    """1 when there is a problem; a warning alone is none."""
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.scenarios.reader import without_scenarios  # noqa: PLC0415 - as above

    root = root_of(arguments.root)
    compiled: list[Compiled] = []
    problems: list[Problem] = []
    try:
        compiled = _checked(root)
    except CompileError as error:
        problems = error.problems
    draining = {each.journey for each in compiled if each.program["draining"]}
    warnings = without_scenarios(root, besides=draining)  # nobody enters those any more
    past, near = _stacks(root, compiled)
    problems, warnings = [*problems, *past], [*warnings, *near]
    if arguments.json:
        _print_json(problems, warnings)
    elif problems:
        print_problems(problems)
    else:
        _sum_up(compiled, warnings)
    return 1 if problems else 0


def _checked(root: Path) -> list[Compiled]:
    """All journeys, compiled. Raises CompileError with their problems, or their scenarios'."""
    from stepwell.journeys.compiler.compilation import compile_all  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - as above
    from stepwell.journeys.compiler.project import journey_names, read_project  # noqa: PLC0415
    from stepwell.simulation.scenarios.reader import read_scenarios, surroundings  # noqa: PLC0415

    project = read_project(root)
    compiled = compile_all(project)
    _, problems = read_scenarios(root, journey_names(root), surroundings(project, root))
    if problems:
        raise CompileError(problems)
    return compiled


def _stacks(root: Path, compiled: list[Compiled]) -> tuple[list[Problem], list[Problem]]:
    """Problems and warnings of the stacks' sizes.

    What was written may be older than what is there now, so it only warns: `make synth` fails.
    """
    from stepwell.journeys.compiler import stack_limits  # noqa: PLC0415 - quick --help

    now = stack_limits.of_definitions(each.machine for each in compiled)
    found = list(stack_limits.problems_of(now))
    past = [each for each in found if each.code == stack_limits.PAST_CODE]
    near = [each for each in found if each.code != stack_limits.PAST_CODE]
    for stack in stack_limits.written(root / WRITTEN):
        near += stack_limits.problems_of(stack)
    return past, near


def _print_json(problems: list[Problem], warnings: list[Problem]) -> None:
    """One list of both; `severity` tells them apart."""
    found = [problem.as_json() | {"severity": "error"} for problem in problems]
    found += [warning.as_json() | {"severity": "warning"} for warning in warnings]
    print(json.dumps(found, indent=2, ensure_ascii=False))


def _sum_up(compiled: list[Compiled], warnings: list[Problem]) -> None:
    for each in compiled:
        print(_summary(each))
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    count = len(warnings)
    warned = f", {count} warning{'' if count == 1 else 's'}" if warnings else ""
    journeys = f"{len(compiled)} journey{'' if len(compiled) == 1 else 's'}"
    print(f"\n{journeys}, no problems{warned}.")


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
