"""From a project on disk to what is simulated: its journeys compiled, its policies read.

Apart from `definitions`, so that worker processes do without the compiler.
"""

from __future__ import annotations

import json
from pathlib import Path

from stepwell.journeys.compiler.compilation import compile_all
from stepwell.journeys.compiler.problems import CompileError
from stepwell.journeys.compiler.project import Project, read_project
from stepwell.journeys.program import canonical
from stepwell.messages.policies import policies_document
from stepwell.simulation.definitions import Definitions


def read_definitions(
    root: Path, only: frozenset[str] | None = None, policies: Path | None = None
) -> Definitions:
    """Compile the project's journeys, or those named; `policies` is another policies file.

    Raises CompileError with every problem found, PoliciesError for the other policies file.
    """
    project = read_project(root, only)
    return define(project, root, policies)


def define(project: Project, root: Path, policies: Path | None = None) -> Definitions:
    """As `read_definitions`, of a project that has been read."""
    if project.problems:
        raise CompileError(project.problems)
    compiled = compile_all(project)
    document = (
        project.policies
        if policies is None
        else policies_document(policies.read_text(encoding="utf-8"))
    )
    send_message = (root / "statemachines" / "send_message.asl.json").read_text(encoding="utf-8")
    return Definitions(
        programs=tuple(canonical(each.program) for each in compiled),
        machines={each.journey: each.machine for each in compiled},
        send_message=json.loads(send_message),
        policies=json.dumps(document, sort_keys=True),
        destinations=canonical(project.destinations),
        profile=project.profile,
    )
