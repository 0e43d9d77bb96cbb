"""The browser that tests drive: one that is named, the locked one, or one that is installed.

`python -m tests.support.browsers` sees to it that there is one, if it can be had.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.local_stack import ROOT

FOLDER = ROOT / ".build" / "browser"
NAMED = ("CHROME_PATH", "CHROME")
"""Variables that name the program to use."""
ON_PATH = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "chrome",
    "microsoft-edge",
    "msedge",
)
ON_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
NONE = (
    "no Chrome, Chromium or Edge: install one, or name it in CHROME_PATH, and `make browser` again"
)


class NoBrowserError(Exception):
    """None can be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A program; `libraries` is where those lie that came with it."""

    program: Path
    libraries: Path | None = None

    def environment(self) -> dict[str, str]:
        """The variables that it needs besides."""
        return {"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {}

    def version(self) -> str:
        """What it says of itself. Raises NoBrowserError when it does not start."""
        try:
            done = subprocess.run(
                [self.program, "--version"],
                env={**os.environ, **self.environment()},
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NoBrowserError(f"{self.program} does not start: {error}") from error
        return done.stdout.strip()


def find() -> Browser:
    """Raises NoBrowserError."""
    for name in NAMED:
        if named := os.environ.get(name):
            program = shutil.which(named)
            if not program:
                raise NoBrowserError(f"{name}={named} is no program")
            return Browser(Path(program))
    locked = Browser(FOLDER / "chromium", FOLDER / "lib")
    if locked.program.exists():
        return locked
    for each in (*ON_PATH, *ON_MACOS):
        if program := shutil.which(each):
            return Browser(Path(program))
    raise NoBrowserError(NONE)


def obtain() -> Browser:
    """Install one where none is named. Raises NoBrowserError.

    The locked one goes first where it runs, though another may be installed: it is the same
    everywhere, no update changes it, and it needs no system library and no right to install.
    """
    if not any(os.environ.get(name) for name in NAMED):
        try:
            _unpack_locked()
        except NoBrowserError as error:
            print(f"the locked Chromium cannot be used: {error}", file=sys.stderr)  # noqa: T201
            _install_from_debian()
    return find()


def _unpack_locked() -> None:
    """Of the two hundred megabytes nothing is left behind unless it starts."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoBrowserError(f"it is none for {platform.system()} on {platform.machine()}")
    new = FOLDER.with_name("browser.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        _fill(new)
        Browser(new / "chromium", new / "lib").version()
        shutil.rmtree(FOLDER, ignore_errors=True)
        new.rename(FOLDER)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _fill(folder: Path) -> None:
    source = ROOT / "tests" / "browser" / "chromium"
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    _run("npm", "ci", *quiet, "--loglevel=error", folder=folder)
    packed = folder / "node_modules" / "@sparticuz" / "chromium" / "bin"
    _run("node", str(source / "unpack.mjs"), str(packed), ".", folder=folder)
    _run("tar", "-xf", "libraries.tar", folder=folder)
    (folder / "libraries.tar").unlink()
    shutil.rmtree(folder / "node_modules")


def _install_from_debian() -> None:
    """Where none is installed, and one may be."""
    try:
        find()
    except NoBrowserError:
        if not shutil.which("apt-get") or os.geteuid() != 0:
            raise
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium")


def _run(*words: str, folder: Path = ROOT) -> None:
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            words, cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise NoBrowserError(f"{words[0]}: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NoBrowserError(f"{' '.join(words[:2])} failed: {' '.join(said)}")


def main() -> int:
    """Never a failure: tests say that they lack it."""
    try:
        browser = obtain()
        print(f"  {browser.version()}: {os.path.relpath(browser.program, ROOT)}")  # noqa: T201
    except NoBrowserError as error:
        print(f"There is no browser for tests: {error}", file=sys.stderr)  # noqa: T201
        return 0
    if not any(os.environ.get(name) for name in NAMED):
        (FOLDER.parent / "browser.stamp").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
