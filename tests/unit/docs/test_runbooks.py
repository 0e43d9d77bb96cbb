"""The AWS commands in the runbooks are ones that there are, with options that they take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
OF_THE_CLI = {("logs", "tail"): {"since", "filter-pattern"}}
OF_EVERY_COMMAND = {"query", "output"}
"""What the command line adds to the services' own operations and parameters."""


def commands() -> list[tuple[str, list[str]]]:
    found = []
    for page in sorted(Path("docs/runbooks").glob("*.md")):
        for block in INDENTED.findall(page.read_text(encoding="utf-8")):
            text = block.replace("\\\n", " ")
            inner = re.findall(r"\$\((aws .*?)\)", text)
            outer = re.sub(r"\$\(aws .*?\)", "x", text).splitlines()
            found += [(page.name, shlex.split(line)) for line in (*outer, *inner) if line.strip()]
    return found


def test_there_are_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize(("page", "words"), commands())
def test_command_is_one_that_there_is(page: str, words: list[str]) -> None:
    program, service, operation, *rest = words
    assert program == "aws"
    options = {word.removeprefix("--") for word in rest if word.startswith("--")}
    added = OF_THE_CLI.get((service, operation))
    if added is not None:
        assert options <= added
        return
    model = Session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    taken = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-") for name in (taken.members if taken else ())}
    assert options - OF_EVERY_COMMAND <= members
    required = {xform_name(name, "-") for name in (taken.required_members if taken else ())}
    assert required <= options
