"""`stepwell simulate`: what journeys would do to a population, before anybody gets a message."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.cli.projects import add_root, known_journey, print_problems, root_of

if TYPE_CHECKING:
    from datetime import date

    from stepwell.cli.command import Commands
    from stepwell.simulation.definitions import Definitions
    from stepwell.simulation.population.sources import Source
    from stepwell.simulation.report.compare import Comparison
    from stepwell.simulation.report.report import Report
    from stepwell.simulation.simulating import Plan

HELP = "Simulate journeys on a population or on real events, and report what they would do."
EPILOG = """\
exit codes: 0: all well; 1: something happened that must never happen, such as a cap exceeded;
2: the input cannot be used. Nothing is written then.
"""
CUSTOMERS, SEED = 1000, 1


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "simulate",
        help=HELP,
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add_root(parser)
    parser.add_argument("journeys", nargs="*", help="names of journeys; all of them without any")
    _add_population(parser)
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="what is drawn follows from it (default: %(default)s)",
    )
    parser.add_argument("--policies", type=Path, metavar="FILE", help="other policies")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="PATH",
        help="set side by side with other policies, another version of a journey (its "
        "journey.yaml), or another project's folder",
    )
    parser.add_argument("--prices", type=Path, metavar="FILE", help="another table of prices")
    parser.add_argument(
        "--plan",
        action="append",
        default=[],
        metavar="CHANNEL=PLAN",
        help="a provider's plan in the table of prices; may be given for each channel",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as one page")
    parser.add_argument("--json", metavar="FILE", help="write it as JSON; - is standard output")
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="processes (default: as many as CPUs)"
    )


def _add_population(parser: ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--customers",
        type=_positive,
        metavar="N",
        help=f"how many customers of the population (default: {CUSTOMERS})",
    )
    who.add_argument(
        "--events", type=Path, metavar="FILE", help="replay real events, one call a line, instead"
    )
    parser.add_argument(
        "--population", type=Path, metavar="FILE", help="statemachines/population.yaml by default"
    )
    parser.add_argument(
        "--start", type=_first_day, metavar="DATE", help="when a population's time begins"
    )
    parser.add_argument(
        "--days", type=_days, metavar="D", help="for how long customers begin things"
    )
    parser.add_argument(
        "--cut", action="store_true", help="end all with the last day, instead of playing it out"
    )


def run(arguments: Namespace) -> int:
    from stepwell.journeys.compiler.problems import CompileError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.report.files import check_places  # noqa: PLC0415 - quick --help

    places = [each for each in (arguments.html, _json_file(arguments)) if each is not None]
    with _said_plainly():
        check_places(places)
        try:
            return _simulate(arguments)
        except CompileError as error:
            print_problems(error.problems)
            return 2


def _simulate(arguments: Namespace) -> int:
    from stepwell.simulation.comparing import read_with_policies  # noqa: PLC0415 - quick --help

    root = root_of(arguments.root)
    journeys, others = _journeys(root, arguments)
    definitions = read_with_policies(root, journeys, arguments.policies)
    other = _other(arguments, root, others)
    plan = _plan(arguments, root)
    label = str(arguments.policies or "as it is") if other else ""
    report = _played(plan, definitions, label)
    if other is None:
        _show(report, arguments)
        return 1 if report.broken_count else 0
    from stepwell.simulation.report.compare import compare  # noqa: PLC0415 - quick --help

    second = _played(plan, other, str(arguments.compare))
    _show(compare(report, second), arguments)
    return 1 if report.broken_count or second.broken_count else 0


# ---------------------------------------------------------------- what is asked for


def _journeys(root: Path, arguments: Namespace) -> tuple[frozenset[str], frozenset[str]]:
    """Those of the project, and those of what it is compared with."""
    from stepwell.journeys.compiler.project import journey_names  # noqa: PLC0415 - quick --help
    from stepwell.simulation.comparing import (  # noqa: PLC0415 - quick --help
        is_project,
        journeys_of_sides,
    )

    names, path = arguments.journeys, arguments.compare
    if path is None or not is_project(path):
        chosen = others = frozenset(
            known_journey(root, name) for name in names or journey_names(root)
        )
    else:
        chosen, others = journeys_of_sides(root, path, names)
        for name in names:
            if name not in others:
                known_journey(root, name)
    if not chosen | others:
        raise CommandError(
            "there are no journeys to simulate; add a folder to statemachines/journeys"
        )
    return chosen, others


def _other(arguments: Namespace, root: Path, journeys: frozenset[str]) -> Definitions | None:
    from stepwell.simulation.comparing import read_other  # noqa: PLC0415 - quick --help

    if arguments.compare is None:
        return None
    return read_other(arguments.compare, root, journeys, arguments.policies)


def _plan(arguments: Namespace, root: Path) -> Plan:
    from stepwell.simulation.costs.prices import read_prices  # noqa: PLC0415 - quick --help
    from stepwell.simulation.simulating import Plan  # noqa: PLC0415 - quick --help

    source, name = _source(arguments, root)
    prices, plans = read_prices(arguments.prices), dict(map(_chosen_plan, arguments.plan))
    prices.plans(plans)
    return Plan(source, name, arguments.seed, prices, plans, arguments.workers)


def _source(arguments: Namespace, root: Path) -> tuple[Source, str]:
    """The source, and what it is in words."""
    if arguments.events is None:
        return _population(arguments, root)
    from stepwell.simulation.population.sources import read_events  # noqa: PLC0415 - quick --help
    from stepwell.simulation.population.unknown_events import unknown_events  # noqa: PLC0415

    for name in ("population", "start"):
        if getattr(arguments, name) is not None:
            raise CommandError(f"--{name} is about made-up customers; leave it out with --events")
    source = read_events(arguments.events, arguments.days, cut=arguments.cut)
    for warning in unknown_events(source, root):
        print(f"warning: {warning}", file=sys.stderr)
    return source, _customers_of(source.customers, arguments.events)


def _population(arguments: Namespace, root: Path) -> tuple[Source, str]:
    from dataclasses import replace  # noqa: PLC0415 - quick --help

    from stepwell.simulation.population.reader import (  # noqa: PLC0415 - quick --help
        DEFAULT_FILE,
        read_population,
    )
    from stepwell.simulation.population.sources import PopulationSource  # noqa: PLC0415 - quick --help

    customers = arguments.customers or CUSTOMERS
    path = arguments.population or root / DEFAULT_FILE
    population = read_population(path, root)
    if arguments.start is not None:
        population = replace(population, start=arguments.start)
    source = PopulationSource(population, customers, arguments.days, arguments.cut)
    return source, _customers_of(customers, arguments.population or DEFAULT_FILE)


def _customers_of(customers: int, file: Path | str) -> str:
    return f"{customers:,} customer{'' if customers == 1 else 's'} of {file}"


def _chosen_plan(text: str) -> tuple[str, str]:
    channel, equals, plan = text.partition("=")
    if not equals:
        raise CommandError(f"--plan {text}: write channel=plan, such as email=a_la_carte")
    return channel, plan


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def _days(text: str) -> int:
    from stepwell.simulation.years import MOST_DAYS  # noqa: PLC0415 - quick --help

    days = _positive(text)
    if days > MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text} are too many; {MOST_DAYS:,} are the most")
    return days


def _first_day(text: str) -> date:
    from stepwell.simulation.years import first_day  # noqa: PLC0415 - quick --help

    try:
        return first_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


# ---------------------------------------------------------------- playing and showing


def _played(plan: Plan, definitions: Definitions, label: str) -> Report:
    from stepwell.simulation.report.progress import progress_on  # noqa: PLC0415 - quick --help
    from stepwell.simulation.simulating import simulate_report  # noqa: PLC0415 - quick --help

    what = f"Simulating {label or plan.source_name}"
    with progress_on(sys.stderr, what) as progress:
        return simulate_report(plan, definitions, progress, label)


def _show(result: Report | Comparison, arguments: Namespace) -> None:
    """Everything is made before anything is written."""
    from stepwell.simulation.report.files import json_text, write_files  # noqa: PLC0415 - quick --help
    from stepwell.simulation.report.html import page_of  # noqa: PLC0415 - quick --help
    from stepwell.simulation.report.report import Report  # noqa: PLC0415 - quick --help
    from stepwell.simulation.report.side_by_side import print_comparison  # noqa: PLC0415 - quick --help
    from stepwell.simulation.report.terminal import print_report  # noqa: PLC0415 - quick --help

    files: dict[Path, str] = {}
    if arguments.html is not None:
        files[arguments.html] = page_of(result)
    text = json_text(result.as_json()) if arguments.json else ""
    json_file = _json_file(arguments)
    if json_file is not None:
        files[json_file] = text
    write_files(files)
    if arguments.json == "-":
        print(text, end="")
    elif isinstance(result, Report):
        print_report(result, sys.stdout)
    else:
        print_comparison(result, sys.stdout)


def _json_file(arguments: Namespace) -> Path | None:
    return Path(arguments.json) if arguments.json and arguments.json != "-" else None


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What the user can put right is told as it is, without a traceback."""
    from stepwell.journeys.compiler.registry import RegistryError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.comparing import (  # noqa: PLC0415 - quick --help
        ComparisonError,
        PoliciesFileError,
    )
    from stepwell.simulation.costs.prices import PricesError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.machines.errors import UnsupportedError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.population.events_file import EventsFileError  # noqa: PLC0415 - quick
    from stepwell.simulation.report.files import PlaceError  # noqa: PLC0415 - quick --help
    from stepwell.simulation.runner import SimulationCrashError  # noqa: PLC0415 - quick --help

    try:
        yield
    except (
        ComparisonError,
        EventsFileError,
        PlaceError,
        PoliciesFileError,
        PricesError,
        RegistryError,
        SimulationCrashError,
        UnsupportedError,
    ) as error:
        raise CommandError(str(error)) from error
