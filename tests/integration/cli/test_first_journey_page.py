"""docs/first-journey.md, followed from its first line to its last in a copy of the project."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from stepwell.cli import main

PAGE = Path("docs/first-journey.md").read_text(encoding="utf-8")
PART = re.compile(
    r"^`(?P<file>[\w/.]+)`$|^```(?P<kind>[\w ]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
FAILS = "# fails"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to write into, as the working directory."""
    shutil.copytree("statemachines", tmp_path / "statemachines")
    shutil.copytree("events/schemas", tmp_path / "events" / "schemas")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_can_be_followed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, printed, kinds = Path(), "", []
    for part in PART.finditer(PAGE):
        if part["file"]:
            file = project / part["file"]
            continue
        kinds.append(part["kind"])
        if part["kind"] == "bash":
            printed = "".join(_printed(line, capsys) for line in part["text"].splitlines())
        elif part["kind"] == "text":
            assert part["text"] in printed
        elif part["kind"].endswith(" file"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(part["text"], encoding="utf-8")
        else:
            _put_below(f"{part['kind'].removeprefix('yaml ')}:", part["text"], file)
    assert kinds.count("bash") == 4
    assert {"json file", "yaml file", "text", "yaml behaviours", "yaml responses"} <= {*kinds}
    assert main.main(["compile", "--check"]) == 0


def _printed(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints; it succeeds unless the page says that it fails."""
    words = shlex.split(line, comments=True)
    if words[0] == "sed":
        subprocess.run(line, shell=True, check=True)  # noqa: S602 - the page's own command
        return ""
    assert words[0] == ".venv/bin/stepwell"
    code = main.main(words[1:])
    output = capsys.readouterr()
    assert (code != 0) == line.endswith(FAILS), output.err
    if words[1] == "simulate":
        shown = (
            r"^Your style: sent by email +[1-9]" if "--compare" in words else r"^[1-9]\d* entries"
        )
        assert re.search(shown, output.out, re.MULTILINE)
    return output.out


def _put_below(line: str, text: str, file: Path) -> None:
    """Below the line that begins with these characters."""
    before = file.read_text(encoding="utf-8")
    after = re.sub(rf"^({line}.*\n)", lambda found: found[0] + text, before, flags=re.MULTILINE)
    assert after != before
    file.write_text(after, encoding="utf-8")
