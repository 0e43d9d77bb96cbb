"""Which browser tests drive, and what becomes of tests without one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import browsers
from tests.support.browsers import NAMED, Browser, NoBrowserError, find, obtain


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a browser; its PATH."""
    for name in NAMED:
        monkeypatch.delenv(name, raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(browsers, "FOLDER", tmp_path / "browser")
    monkeypatch.setattr(browsers, "ON_MACOS", ())
    return programs


def program(path: Path, text: str = "echo Chromium 1") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_one_that_is_named_goes_first_then_the_locked_one_then_what_is_installed(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoBrowserError, match="install one"):
        find()
    installed = program(bare / "chromium")
    assert find() == Browser(installed)
    locked = program(tmp_path / "browser" / "chromium")
    assert find() == Browser(locked, tmp_path / "browser" / "lib")
    named = program(tmp_path / "mine")
    monkeypatch.setenv("CHROME_PATH", str(named))
    assert find() == obtain() == Browser(named)
    monkeypatch.setenv("CHROME_PATH", "gone")
    with pytest.raises(NoBrowserError, match="CHROME_PATH=gone is no program"):
        find()


def test_the_libraries_that_came_with_it_are_for_it_alone(tmp_path: Path) -> None:
    lists = program(tmp_path / "chromium", 'echo "$LD_LIBRARY_PATH"')
    assert Browser(lists, Path("/its/lib")).version() == "/its/lib"
    assert Browser(lists).environment() == {}


def test_one_that_does_not_start_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoBrowserError, match="does not start"):
        Browser(program(tmp_path / "chromium", "exit 127")).version()


def test_where_the_locked_one_does_not_run_an_installed_one_does(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    installed = program(bare / "google-chrome")
    assert obtain() == Browser(installed)
    assert "it is none for Darwin" in capsys.readouterr().err


def test_debians_is_installed_by_root_only(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    program(bare / "apt-get", f'[ "$1" = update ] || /bin/ln -s /bin/true {bare}/chromium')
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NoBrowserError, match="install one"):
        obtain()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert obtain() == Browser(bare / "chromium")


def test_a_failed_installation_says_why_and_leaves_nothing(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    program(bare / "npm", "echo no network >&2; exit 1")
    with pytest.raises(NoBrowserError, match="install one"):
        obtain()
    assert "npm ci failed: no network" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [bare]


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_without_one_tests_of_pages_are_skipped_aloud_and_where_all_has_to_pass_they_fail(
    ci: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("CHROME_PATH", "gone")
    monkeypatch.setenv("CI", ci)
    words = ["-n", "0", "-rs", "-k", "settings_are_kept", "tests/browser/test_pages.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], capture_output=True, text=True, check=False
    )
    assert outcome in done.stdout
    assert "CHROME_PATH=gone is no program" in done.stdout
    assert done.returncode == (1 if ci else 0)
