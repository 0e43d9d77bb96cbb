"""Audiences as files: CSV for spreadsheets, JSON Lines for programs.

A value that a spreadsheet would take for a formula gets an apostrophe in CSV: traits are what
senders wrote. JSON Lines has every value as it is.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FORMATS = (".csv", ".jsonl")
IDS = ("customer", "user_id", "anonymous_id", "since")
_FORMULA = re.compile(r"[=@\t\r]|[+\-](?![\d .()-]*$)")


class Export:
    """`with Export(path, traits) as export`: rows are written beside it, and the file put in its
    place when all are there; readable by its owner only, as it is about people.
    """

    def __init__(self, path: Path, traits: Sequence[str]) -> None:
        self._path, self._traits = path, traits
        self._part = path.with_name(f".{path.name}.part")

    def __enter__(self) -> Self:
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file) if self._path.suffix == ".csv" else None
        if self._csv:
            self._csv.writerow([*IDS, *(f"traits.{each}" for each in self._traits)])
        return self

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            if self._csv is None:
                self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
                continue
            traits = row.get("traits", {})
            values = [*(row[each] for each in IDS), *(traits.get(each) for each in self._traits)]
            self._csv.writerow([cell(each) for each in values])

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)


def cell(value: Any) -> str:
    """A value as the text of a cell; nothing for what is not there."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if _FORMULA.match(text) else text
