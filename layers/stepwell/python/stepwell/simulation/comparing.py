"""The other definitions of `stepwell simulate --compare`: what is compared with the project.

A path may be a policies file, another version of a journey (a journey.yaml, with the templates from
the folder beside it where there is one), or the root of another project, such as a git worktree.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stepwell.journeys.compiler.problems import CompileError, Problem
from stepwell.journeys.compiler.project import journey_names
from stepwell.journeys.compiler.source import read_yaml
from stepwell.messages.policies import PoliciesError
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions


class ComparisonError(Exception):
    """The path is nothing that can be compared with; the message says why."""


class PoliciesFileError(Exception):
    """A policies file cannot be used; the message has every reason, with file and line."""


def read_with_policies(root: Path, journeys: frozenset[str], policies: Path | None) -> Definitions:
    """As `read_definitions`. Raises CompileError, PoliciesFileError."""
    try:
        return read_definitions(root, journeys, policies)
    except PoliciesError as error:
        said = (
            f"{policies}:{max(each.line, 1)}: {each.path}: {each.message}"
            for each in error.problems
        )
        raise PoliciesFileError("\n".join(said)) from error
    except UnicodeDecodeError as error:
        raise PoliciesFileError(f"{policies}:1: is no UTF-8 text") from error
    except OSError as error:
        raise PoliciesFileError(f"{error.filename}: cannot be read: {error.strerror}") from error


def is_project(path: Path) -> bool:
    return (path / "statemachines" / "journeys").is_dir()


def journeys_of_sides(
    root: Path, other: Path, names: Collection[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Which journeys the project and the other one play: of those named, else of all, each side
    plays those that it has.
    """
    ours, theirs = frozenset(journey_names(root)), frozenset(journey_names(other))
    return (ours & frozenset(names), theirs & frozenset(names)) if names else (ours, theirs)


def read_other(
    path: Path, root: Path, journeys: frozenset[str], policies: Path | None
) -> Definitions:
    """The definitions with what `path` has in the place of the project's own.

    `journeys` are those that are simulated on that side, `policies` the policies file that was
    chosen for the project's own.
    Raises ComparisonError, CompileError, PoliciesFileError.
    """
    if is_project(path):
        return read_with_policies(path, journeys, None)
    if path.is_dir():
        raise ComparisonError(f"{path} has no statemachines/journeys, so it is no project")
    top = _top_of(path)
    if "purposes" in top:
        return read_with_policies(root, journeys, path)
    if "journey" in top:
        return _other_version(path, str(top["journey"]), root, journeys, policies)
    raise ComparisonError(
        f"{path}:1: neither policies (with `purposes`) nor a journey (with `journey`)"
    )


def _top_of(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise ComparisonError(f"there is no {path}; give a policies file, a journey or a project")
    source, problems = read_yaml(path, str(path))
    if source is None:
        raise CompileError(problems)
    return source.data if isinstance(source.data, dict) else {}


def _other_version(
    path: Path, name: str, root: Path, journeys: frozenset[str], policies: Path | None
) -> Definitions:
    """Compiled in a copy of the project, so that all checks apply."""
    if name not in journeys:
        raise ComparisonError(
            f"{path} is a version of {name}, which is not simulated; "
            f"simulated are: {', '.join(sorted(journeys))}"
        )
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(root / "statemachines", copy / "statemachines")
        if (root / "events" / "schemas").is_dir():
            shutil.copytree(root / "events" / "schemas", copy / "events" / "schemas")
        inside = copy / "statemachines" / "journeys" / name
        shutil.copyfile(path, inside / "journey.yaml")
        templates = path.parent / "templates"
        if templates.is_dir():
            shutil.rmtree(inside / "templates", ignore_errors=True)
            shutil.copytree(templates, inside / "templates")
        try:
            return read_with_policies(copy, journeys, policies)
        except CompileError as error:
            prefix = inside.relative_to(copy).as_posix()
            raise CompileError(_placed(each, prefix, path) for each in error.problems) from error


def _placed(problem: Problem, prefix: str, path: Path) -> Problem:
    """The problem in the file that was given, not in its copy."""
    file = problem.place.file
    if file == f"{prefix}/journey.yaml":
        file = str(path)
    elif file.startswith(f"{prefix}/") and (path.parent / "templates").is_dir():
        file = str(path.parent / file.removeprefix(f"{prefix}/"))
    return replace(problem, place=replace(problem.place, file=file))
