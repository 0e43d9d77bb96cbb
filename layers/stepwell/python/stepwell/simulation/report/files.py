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
    places: set[Path] = set()
    for file in files:
        if file.resolve() in places:
            raise PlaceError(f"{file} is given twice; give each file a name of its own")
        places.add(file.resolve())
        if file.is_dir():
            raise PlaceError(f"{file} is a folder; give the name of a file")
        if _is_stream(file):
            continue
        if not file.parent.is_dir():
            raise PlaceError(f"there is no folder {file.parent} to write {file.name} to")
        if not os.access(file.parent, os.W_OK):
            raise PlaceError(f"{file.parent} cannot be written to")


def _is_stream(file: Path) -> bool:
    """Whether it is a device or a pipe, in whose place no file may be put."""
    return file.exists() and not file.is_file()


def json_text(document: Mapping[str, Any]) -> str:
    """As it is written: the same text for the same report."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_files(files: Mapping[Path, str]) -> None:
    """Write all the files under other names first, then put them in their places.

    What a link leads to is replaced, not the link. Devices and pipes, such as /dev/null, are
    written to. Raises PlaceError; no file has changed then.
    """
    written: list[tuple[Path, Path]] = []
    streams: list[tuple[Path, str]] = []
    try:
        for file, text in files.items():
            if _is_stream(file):
                streams.append((file, text))
            else:
                place = file.resolve()
                written.append((_write_beside(place, text), place))
        for stream, text in streams:
            stream.write_text(text, encoding="utf-8")
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
