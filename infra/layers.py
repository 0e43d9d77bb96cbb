"""The two layers: the engine itself, and what the functions need from PyPI, built without Docker.

uv installs the locked wheels for the functions' platform, whatever machine this runs on; hashes are
required and only wheels are taken, so nothing is executed. The result is kept under the hash of
everything it depends on. boto3 comes with the runtime. Byte code is left out: this machine's Python
is not the runtime's.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import uv

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "runtime.txt"
BUILT = ROOT / ".build" / "layers" / "dependencies"
STEPWELL = ROOT / "layers" / "stepwell"

PYTHON = "3.14"
"""The functions' Python; `infra.constructs.function.RUNTIME` is the same, and a test says so."""
PLATFORM = "aarch64-manylinux_2_28"

PRUNED = (
    "bin",
    "phonenumbers/geodata",  # place names, 19 MB: only zones and formats are used
    "phonenumbers/carrierdata",
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
)
DESIGN_TIME = (
    "**/__pycache__",
    "**/*.egg-info",
    "python/stepwell/cli",
    "python/stepwell/simulation",
    "python/stepwell/journeys/compiler",
)
"""What the deployed engine does without, as patterns below `layers/stepwell`."""


class LayerError(Exception):
    """The dependencies could not be installed; the message is uv's."""


@dataclass(frozen=True, slots=True)
class LayerSizes:
    """Unzipped sizes in bytes."""

    dependencies: int
    stepwell: int

    @property
    def total(self) -> int:
        return self.dependencies + self.stepwell


def build_dependencies(lock: Path = LOCK, built: Path = BUILT) -> Path:
    """The folder of the dependencies' layer (`python/` is in it), built if the lock has changed.

    Raises LayerError.
    """
    folder = built / _fingerprint(lock)
    if folder.is_dir():
        return folder
    built.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built) as scratch:
        target = Path(scratch) / "layer" / "python"
        _install(lock, target)
        _prune(target)
        _move(target.parent, folder)
    return folder


def layer_sizes() -> LayerSizes:
    """What both layers weigh in the function's file system."""
    left_out = {path for pattern in DESIGN_TIME for path in STEPWELL.glob(pattern)}
    engine = (path for path in _files(STEPWELL) if not left_out.intersection(path.parents))
    return LayerSizes(_weigh(_files(build_dependencies())), _weigh(engine))


def _fingerprint(lock: Path) -> str:
    parts = (lock.read_text(), PYTHON, PLATFORM, *PRUNED)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _install(lock: Path, target: Path) -> None:
    command = [
        *(
            uv.find_uv_bin(),
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--only-binary",
            ":all:",
        ),
        *("--python-version", PYTHON, "--python-platform", PLATFORM, "--link-mode", "copy"),
        *("--target", str(target), "--requirements", str(lock)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LayerError(f"cannot install {lock.name} for the functions: {done.stderr.strip()}")


def _prune(target: Path) -> None:
    for pattern in PRUNED:
        for path in list(target.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _move(source: Path, folder: Path) -> None:
    """Put the finished layer in place at once: nobody sees half of it, and another's is as good."""
    try:
        source.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _weigh(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files)
