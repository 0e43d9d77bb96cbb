"""Cases of the doctor's rules as rows, and the AWS commands in what they advise."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

import botocore.session
from botocore import xform_name

from stepwell.readiness.findings import Finding, Level

_COMMAND = re.compile(r"aws [a-z0-9-]+ [a-z-]+(?: --?[\w-]+(?: [^\s,:;]+)?)*")


@dataclass(frozen=True)
class Case:
    """What a rule finds, its level, and words that it must say."""

    finding: Finding
    level: Level
    words: str


def check_case(case: Case) -> None:
    assert case.finding.level == case.level, case.finding
    assert case.words in f"{case.finding.means} | {case.finding.mend}"
    assert case.finding.means
    assert "\n" not in case.finding.means + case.finding.mend
    if case.level in {Level.WARNING, Level.PROBLEM}:
        assert case.finding.mend, "says how to mend it"
    else:
        assert not case.finding.mend
    for command in commands(case.finding):
        check_command(command)


def commands(finding: Finding) -> list[str]:
    return _COMMAND.findall(finding.mend)


def check_command(command: str) -> None:
    """The AWS command line has it, with these options."""
    _, service, operation, *rest = shlex.split(command)
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(each, "-"): each for each in model.operation_names}
    assert operation in names, command
    shape = model.operation_model(names[operation]).input_shape
    members = shape.members if shape else {}
    known = {xform_name(name, "-") for name in members}
    for option in (word.removeprefix("--") for word in rest if word.startswith("--")):
        assert option in known, f"{command}: there is no --{option}"
