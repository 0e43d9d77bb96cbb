"""What is simulated: compiled journeys, the machine that sends, and the policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from stepwell.customers.legs import legs_machine
from stepwell.handover.destinations import Destination, load_destinations
from stepwell.journeys.compiler.later_legs import legs_of
from stepwell.journeys.program import Program, load_program
from stepwell.messages.policies import Policies, load_policies
from stepwell.profile.rules import ProfileRules
from stepwell.simulation.machines.definition import Machine, compile_machine


@dataclass(frozen=True)
class Definitions:
    """Plain JSON documents, so that they go to worker processes as they are.

    `programs` are texts of compiled programs; `machines` are state machines by journey, with their
    placeholders; `policies` and `destinations` are the texts of these documents, `profile` what is
    declared of customers' profiles.
    """

    programs: tuple[str, ...]
    machines: Mapping[str, Mapping[str, Any]]
    send_message: Mapping[str, Any]
    policies: str
    profile: Mapping[str, Any] = field(default_factory=dict)
    destinations: str = "{}"

    @cached_property
    def loaded_programs(self) -> tuple[Program, ...]:
        return tuple(load_program(text) for text in self.programs)

    @cached_property
    def loaded_policies(self) -> Policies:
        return replace(load_policies(self.policies), profile=ProfileRules(self.profile))

    @cached_property
    def loaded_destinations(self) -> Mapping[str, Destination]:
        """Those of no stage in particular: where they go to is not simulated."""
        return load_destinations(self.destinations, stage="")

    @cached_property
    def loaded_machines(self) -> Mapping[str, Machine]:
        """By journey, and by the name of the machine for the later legs of those that park waits.

        Raises UnsupportedError for what the simulator does not execute.
        """
        machines = dict(self.machines)
        for program in self.loaded_programs:
            legs = legs_of(machines[program.journey])
            if legs is not None:
                machines[legs_machine(program.journey, program.version)] = legs
        return {name: compile_machine(name, each) for name, each in machines.items()}

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
