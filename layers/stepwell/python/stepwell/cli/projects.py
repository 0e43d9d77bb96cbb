"""What the journey commands share: where the project is, and which journey is meant."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError

if TYPE_CHECKING:
    from stepwell.journeys.compiler.problems import Problem


def add_root(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        type=Path,
        help="the project's folder; by default the nearest one above with statemachines/journeys",
    )


def root_of(given: Path | None) -> Path:
    """The project's folder. Raises CommandError."""
    from stepwell.journeys.compiler.project import NoProjectError, find_root  # noqa: PLC0415 - quick --help

    try:
        if given is not None and find_root(given.resolve()) != given.resolve():
            raise CommandError(f"{given} has no statemachines/journeys")
        return find_root((given or Path.cwd()).resolve())
    except NoProjectError as error:
        raise CommandError(str(error)) from error


def known_journey(root: Path, name: str) -> str:
    """The name, when there is such a journey. Raises CommandError with those there are."""
    from stepwell.journeys.compiler.problems import suggest  # noqa: PLC0415 - quick --help
    from stepwell.journeys.compiler.project import journey_names  # noqa: PLC0415 - quick --help

    known = journey_names(root)
    if name in known:
        return name
    hint = suggest(name, known)
    listed = "" if hint.startswith("There") else f" There are: {', '.join(known)}."
    raise CommandError(f"there is no journey {name!r}. {hint}{listed}")


def print_problems(problems: Sequence[Problem]) -> None:
    """To standard error, for reading; an empty line after each file's."""
    for problem in problems:
        print(problem, file=sys.stderr)
    count = len(problems)
    print(f"\n{count} problem{'' if count == 1 else 's'}.", file=sys.stderr)
