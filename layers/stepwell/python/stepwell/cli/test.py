"""`stepwell test`: run the scenarios of journeys, and show where one goes another way."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.cli.projects import add_root, known_journey, print_problems, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands
    from stepwell.journeys.compiler.project import Project
    from stepwell.simulation.scenarios.model import Scenario
    from stepwell.simulation.scenarios.suite import Result

HELP = "Run the scenarios of the journeys."


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("test", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    parser.add_argument("journeys", nargs="*", metavar="journey", help="by default all of them")
    parser.add_argument("-k", dest="text", help="only scenarios whose name contains this text")
    parser.add_argument("--timeline", action="store_true", help="show it for passing ones as well")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report as well")


def run(arguments: Namespace) -> int:
    """0: all as expected; 1: some are not; 2: something cannot be read, and nothing was run."""
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.report.files import PlaceError, check_places  # noqa: PLC0415 - as above

    root = root_of(arguments.root)
    named = [known_journey(root, each) for each in arguments.journeys]
    try:
        check_places([arguments.junit] if arguments.junit else [])
        return _test(root, named, arguments)
    except PlaceError as error:
        raise CommandError(str(error)) from error
    except CompileError as error:
        print_problems(error.problems)
        return 2


def _test(root: Path, named: list[str], arguments: Namespace) -> int:
    from stepwell.journeys.compiler.project import journey_names  # noqa: PLC0415 - quick --help
    from stepwell.simulation.defining import define  # noqa: PLC0415 - quick --help
    from stepwell.simulation.machines.errors import UnsupportedError  # noqa: PLC0415 - as above
    from stepwell.simulation.scenarios.suite import run_scenarios  # noqa: PLC0415 - as above

    began = time.perf_counter()
    journeys = list(dict.fromkeys(named)) or journey_names(root)
    project = _project(root, journeys if named else None)
    scenarios = _scenarios(project, root, journeys, named=bool(named))
    chosen = [each for each in scenarios if _is_chosen(each, arguments.text)]
    if not chosen:
        raise CommandError(f"no scenario's name contains {arguments.text!r}")
    try:
        definitions = define(project, root)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    results = []
    try:
        for result in run_scenarios(definitions, chosen):
            results.append(result)
            if not arguments.json:
                _show(result, story=arguments.timeline)
    except UnsupportedError as error:
        raise CommandError(str(error)) from error
    if arguments.junit:
        _write_junit(arguments.junit, results)
    _sum_up(results, time.perf_counter() - began, as_json=arguments.json)
    return 0 if all(each.passed for each in results) else 1


def _project(root: Path, named: list[str] | None) -> Project:
    """With the journeys that are named and those that their scenarios ask for; all without names.

    Raises CompileError.
    """
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.project import journey_names, read_project  # noqa: PLC0415
    from stepwell.simulation.scenarios.reader import other_journeys, scenarios_file  # noqa: PLC0415

    only = None
    if named is not None:
        others = (other_journeys(scenarios_file(root, each)) for each in named)
        wanted = frozenset(named).union(*others)
        if wanted <= frozenset(journey_names(root)):  # else all, to suggest one of
            only = wanted
    project = read_project(root, only)
    if project.problems:
        raise CompileError(project.problems)
    return project


def _scenarios(project: Project, root: Path, journeys: list[str], *, named: bool) -> list[Scenario]:
    """Raises CompileError with every problem of the files, CommandError when there are none."""
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.scenarios.reader import (  # noqa: PLC0415 - quick --help
        read_scenarios,
        surroundings,
        without_scenarios,
    )

    without = [
        each for each in without_scenarios(root) if Path(each.place.file).parent.name in journeys
    ]
    if named and without:
        raise CompileError(without)
    if len(without) == len(journeys):
        raise CommandError("no journey has scenarios; docs/scenarios.md shows how to write them")
    scenarios, problems = read_scenarios(root, journeys, surroundings(project, root))
    if problems:
        raise CompileError(problems)
    return scenarios


def _is_chosen(scenario: Scenario, text: str | None) -> bool:
    return text is None or text.casefold() in scenario.name.casefold()


def _show(result: Result, *, story: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - quick --help

    from stepwell.simulation.scenarios.terminal import show_result  # noqa: PLC0415

    show_result(Console(highlight=False), result, story=story)


def _sum_up(results: list[Result], seconds: float, *, as_json: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - quick --help

    from stepwell.simulation.scenarios.terminal import show_sum  # noqa: PLC0415

    if not as_json:
        show_sum(Console(highlight=False), results, seconds)
        return
    passed = sum(each.passed for each in results)
    document = {
        "passed": passed,
        "failed": len(results) - passed,
        "scenarios": [each.as_json() for each in results],
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _write_junit(path: Path, results: list[Result]) -> None:
    """Raises PlaceError; what was there is still there then."""
    from stepwell.simulation.report.files import write_files  # noqa: PLC0415 - quick --help
    from stepwell.simulation.scenarios.junit import junit_text  # noqa: PLC0415 - quick --help

    write_files({path: junit_text(results)})
