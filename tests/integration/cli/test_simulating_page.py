"""The commands of docs/simulating.md do what the page shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from stepwell.cli import main
from stepwell.simulation.report.report import Report

PAGE = Path("docs/simulating.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|bash|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
LEFT_OUT = "…"


def _examples() -> list[tuple[str, str]]:
    """The commands, and what is shown of their output: the next block, if it is text."""
    following = [*BLOCKS[1:], ("", "")]
    return [
        (text, shown if language == "text" else "")
        for (kind, text), (language, shown) in zip(BLOCKS, following, strict=True)
        if kind != "text"
    ]


@pytest.fixture(autouse=True)
def _build_folder() -> None:
    Path(".build").mkdir(exist_ok=True)


@pytest.mark.parametrize(("commands", "shown"), _examples(), ids=range(len(_examples())))
def test_the_page_shows_what_is_printed(
    commands: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in commands.splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "sed":
            subprocess.run(line, shell=True, check=True)  # noqa: S602 - the page's own command
        else:
            assert words[0] == ".venv/bin/stepwell"
            assert main.main(words[1:]) == 0
    printed = capsys.readouterr().out
    parts = [part.strip("\n") for part in shown.split(f"{LEFT_OUT}\n")]
    assert printed
    for part in parts:
        assert part in printed


def test_the_page_shows_two_outputs() -> None:
    assert sum(bool(shown) for _, shown in _examples()) == 2


def test_every_option_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["simulate", "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help", "--root"}
    assert options <= set(re.findall(r"--[a-z]+", PAGE))


def test_every_field_of_the_data_is_on_the_page() -> None:
    data = PAGE.partition("## The data")[2].partition("\n## ")[0]
    named = {"format"} | {each.name for each in fields(Report)}
    assert named <= set(re.findall(r"`(\w+)`", data))
