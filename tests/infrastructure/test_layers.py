"""The dependencies' layer: kept by the lock's hash, pruned, and never half there."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import layers


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return tmp_path / "built"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("one==1\n")
    return path


class Installer:
    """Stands for uv: writes a few files, or fails after the first."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    def __call__(self, lock: Path, target: Path) -> None:
        self.calls += 1
        for name in ("one/__init__.py", "one/tests/test_one.py", "one/__pycache__/one.pyc"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text("1")
            if self.fails:
                raise layers.LayerError("no network")
        (target / "bin").mkdir()
        (target / "bin" / "one").write_text("")


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    installer = Installer()
    monkeypatch.setattr(layers, "_install", installer)
    return installer


def test_layer_is_built_once_for_a_lock(installer: Installer, lock: Path, built: Path) -> None:
    first = layers.build_dependencies(lock, built)
    assert layers.build_dependencies(lock, built) == first
    lock.write_text("one==2\n")
    assert layers.build_dependencies(lock, built) != first
    assert installer.calls == 2


def test_layer_holds_what_runs_and_nothing_else(
    installer: Installer, lock: Path, built: Path
) -> None:
    layer = layers.build_dependencies(lock, built)
    files = {str(path.relative_to(layer)) for path in layer.rglob("*") if path.is_file()}
    assert files == {"python/one/__init__.py"}


def test_layer_that_failed_leaves_nothing_behind(
    installer: Installer, lock: Path, built: Path
) -> None:
    installer.fails = True
    with pytest.raises(layers.LayerError, match="no network"):
        layers.build_dependencies(lock, built)
    assert list(built.iterdir()) == []


def test_layer_lock_that_cannot_be_installed_is_reported(tmp_path: Path, built: Path) -> None:
    """uv refuses a requirement without a hash before it asks anybody for it."""
    lock = tmp_path / "unhashed.txt"
    lock.write_text("pydantic==2.14.3\n")
    with pytest.raises(layers.LayerError, match=r"unhashed\.txt.*[Hh]ash"):
        layers.build_dependencies(lock, built)
