"""From a checked journey to what is deployed: its program and its state machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.cel.parser import parse
from stepwell.journeys.compiler.checks import Subject
from stepwell.journeys.compiler.checks.subject import uses
from stepwell.journeys.compiler.flow import flow_of
from stepwell.journeys.compiler.machine import build_machine
from stepwell.journeys.compiler.problems import CompileError, Problem
from stepwell.journeys.compiler.programs import build_program
from stepwell.journeys.compiler.project import Project, read_project
from stepwell.journeys.program import version_of

LARGEST_DEFINITION = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Compiled:
    """`program` and `machine` are JSON documents; a stage's names are placeholders in it."""

    journey: str
    version: str
    program: dict[str, Any]
    machine: dict[str, Any]

    def machine_text(self) -> str:
        """The state machine as it is committed."""
        return json.dumps(self.machine, indent=2, ensure_ascii=False) + "\n"


def compile_project(root: Path, only: frozenset[str] | None = None) -> list[Compiled]:
    """All journeys of the project, or those named. Raises CompileError with every problem found."""
    return compile_all(read_project(root, only))


def compile_all(project: Project) -> list[Compiled]:
    """Raises CompileError with every problem found."""
    if project.problems:
        raise CompileError(project.problems)
    compiled: list[Compiled] = []
    problems: list[Problem] = []
    for subject in project.subjects:
        try:
            compiled.append(compile_journey(subject))
        except CompileError as error:
            problems.extend(error.problems)
    if problems:
        raise CompileError(problems)
    return compiled


def compile_journey(subject: Subject) -> Compiled:
    """Compile a journey without problems. Raises CompileError when its definition is too large."""
    journey, flow = subject.journey, flow_of(subject.journey)
    trees = {use.condition.text: parse(use.condition.text) for use in uses(journey)}
    templates = {name: template.variants for name, template in subject.templates.items()}
    program = build_program(journey, flow, trees, templates)
    version = version_of(program)
    compiled = Compiled(journey.name, version, program, build_machine(journey, version, flow))
    size = len(compiled.machine_text().encode())
    if size > LARGEST_DEFINITION:
        said = f"the state machine has {size:,} bytes; AWS takes {LARGEST_DEFINITION:,}"
        raise CompileError([Problem(journey.place, "SW206", said, "Split the journey in two.")])
    return compiled
