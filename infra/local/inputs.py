"""The files that a run is given, read and checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.options import Options
from infra.local.replay import Call, ReplayError, read_replay


class InputError(Exception):
    """A file cannot be used; `problems` names each with its file and, where known, its line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Inputs:
    """`calls` to replay, may be none; `policies` as a JSON document, None for the deployed ones."""

    calls: tuple[Call, ...]
    policies: dict[str, Any] | None


def read_inputs(options: Options, root: Path) -> Inputs:
    """Read what the options name, for the project at `root`. Raises InputError with the problems
    of all files.
    """
    problems: list[str] = []
    calls: list[Call] = []
    policies = None
    if options.policies:
        try:
            policies = _read_policies(options.policies, root)
        except InputError as error:
            problems += error.problems
    if options.replay:
        try:
            calls = read_replay(options.replay)
        except ReplayError as error:
            problems.append(str(error))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{options.replay}: {error}")
    if problems:
        raise InputError(tuple(problems))
    return Inputs(tuple(calls), policies)


def _read_policies(path: Path, root: Path) -> dict[str, Any]:
    # Most runs have no policies of their own and start without the YAML reader.
    from stepwell.messages.policies import PoliciesError  # noqa: PLC0415
    from stepwell.messages.policies_file import read_policies  # noqa: PLC0415

    try:
        policies = read_policies(path.read_bytes())
    except PoliciesError as error:
        raise InputError(
            tuple(
                f"{path}:{max(each.line, 1)}: {f'{each.path}: ' if each.path else ''}{each.message}"
                for each in error.problems
            )
        ) from error
    except OSError as error:
        raise InputError((f"{path}: {error}",)) from error
    if problems := _misfits(path, root):
        raise InputError(problems)
    return policies


def _misfits(policies: Path, root: Path) -> tuple[str, ...]:
    """What the compiler says of the project with these policies. With its own it has no problem:
    its templates were made.
    """
    from stepwell.journeys.compiler.project import read_project  # noqa: PLC0415 - as above

    file = str(policies.absolute())
    problems = read_project(root, policies_file=file).problems
    return tuple(
        str(each).replace(file, str(policies), 1)
        if each.place.file == file
        else f"{policies} does not go with {each}"
        for each in problems
    )
