"""Writes reports so that no reader ever sees half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class PlaceError(Exception):
    """A file cannot be written where it was asked for; the message says why."""


def check_places(files: Iterable[Path]) -> None:
    """Before a long run, that its files can be written. Raises PlaceError."""
    for file in files:
        if file.is_dir():
            raise PlaceError(f"{file} is a folder; give the name of a file")
        if not file.parent.is_dir():
            raise PlaceError(f"there is no folder {file.parent} to write {file.name} to")
        if not os.access(file.parent, os.W_OK):
            raise PlaceError(f"{file.parent} cannot be written to")


def json_text(document: Mapping[str, Any]) -> str:
    """As it is written: the same text for the same report."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_files(files: Mapping[Path, str]) -> None:
    """Write all the files under other names first, then put them in their places.

    Raises PlaceError; nothing has changed then.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for file, text in files.items():
            written.append((_write_beside(file, text), file))
        for temporary, file in written:
            temporary.replace(file)
    except OSError as error:
        raise PlaceError(f"{error.filename} cannot be written: {error.strerror}") from error
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)


def _write_beside(file: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
        temporary.chmod(0o666 & ~_umask())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
