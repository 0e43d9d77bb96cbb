"""`stepwell graph`: a journey as a Mermaid flowchart."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.cli.projects import add_root, known_journey, print_problems, root_of

if TYPE_CHECKING:
    from stepwell.cli.command import Commands

HELP = "Print a journey as a Mermaid flowchart."


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("graph", help=HELP, description=HELP)
    parser.set_defaults(run=run)
    add_root(parser)
    parser.add_argument("journey", help="name of the journey")


def run(arguments: Namespace) -> int:
    from stepwell.journeys.compiler.graph import mermaid  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.project import read_project  # noqa: PLC0415 - quick --help

    root = root_of(arguments.root)
    project = read_project(root, frozenset({known_journey(root, arguments.journey)}))
    if project.problems:
        print_problems(project.problems)
        return 1
    print(mermaid(project.subjects[0].journey), end="")
    return 0
