"""What is simulated: compiled journeys, the machine that sends, and the policies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.compilation import compile_all
from stepwell.journeys.compiler.problems import CompileError
from stepwell.journeys.compiler.project import Project, read_project
from stepwell.journeys.program import Program, canonical, load_program
from stepwell.messages.policies import Policies, load_policies, policies_document
from stepwell.simulation.machines.definition import Machine, compile_machine


@dataclass(frozen=True)
class Definitions:
    """Plain JSON documents, so that they go to worker processes as they are.

    `programs` are texts of compiled programs; `machines` are state machines by journey, with their
    placeholders; `policies` is the text of the policies' document.
    """

    programs: tuple[str, ...]
    machines: Mapping[str, Mapping[str, Any]]
    send_message: Mapping[str, Any]
    policies: str

    @cached_property
    def loaded_programs(self) -> tuple[Program, ...]:
        return tuple(load_program(text) for text in self.programs)

    @cached_property
    def loaded_policies(self) -> Policies:
        return load_policies(self.policies)

    @cached_property
    def loaded_machines(self) -> Mapping[str, Machine]:
        """By journey. Raises UnsupportedError for what the simulator does not execute."""
        return {name: compile_machine(name, each) for name, each in self.machines.items()}

    @cached_property
    def loaded_send_message(self) -> Machine:
        """Raises UnsupportedError."""
        return compile_machine("send_message", self.send_message)


class LoadedPrograms:
    """The programs that functions read from the bucket on AWS."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._live = programs
        self._versions = {program.version: program for program in programs}

    def live(self) -> Sequence[Program]:
        return self._live

    def version(self, version: str) -> Program:
        return self._versions[version]


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
    )
