"""Files of lists: CSV or JSON Lines, a customer a line, read as they come from people.

    customer, user_id, email, phone   who it is: the first of them that is not empty
    traits.<name>                     a trait; in CSV a text, with traits.<name>:number and :boolean
                                      others. JSON Lines have {"traits": {…}}
    any other column, or member       is not used, and noted by its name

What is wrong with the file as a whole raises ListFileError before anything is read; what is wrong
with a line is told of that line, without its values.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stepwell.customers.contacts import plain_email, plain_phone
from stepwell.events.nobody import names_nobody

KINDS = ("customer", "user_id", "email", "phone")
_ALSO = {"userid": "user_id"}
_MEMBERS = (*KINDS, "userId", "traits")
_MOST_UNUSED = 100
_TRAIT = "traits."
_SEPARATORS = ",;\t"
_CHUNK = 1 << 20
_LONGEST_ID = 256
_LONGEST_LINE = 32_768
"""An event's limit: what is longer could not be sent."""
_NEEDED = f"its first line must have one of {', '.join(KINDS)}"


class ListFileError(Exception):
    """The file cannot be read as a list; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that does not count, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """Who is named by a line, in the form in which identities are compared."""

    number: int
    kind: str
    name: str
    traits: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ListFile:
    """`digest` is of the file's bytes; `lines` counts them, the head and empty ones as well.

    `unused` names what is not used: columns of CSV, and members of JSON Lines, the first hundred,
    which are known when the file was read.
    """

    path: Path
    digest: str
    lines: int
    unused: Sequence[str]
    read: Callable[[], Iterator[Line | Rejected]]


def open_list(path: Path) -> ListFile:
    """Raises ListFileError."""
    readers = {".csv": _csv_reader, ".jsonl": _jsonl_reader}
    if path.suffix.lower() not in readers:
        raise ListFileError(f"{path}: a list is a file that ends with .csv or .jsonl")
    try:
        digest, lines = _inspected(path)
        unused, read = readers[path.suffix.lower()](path)
    except OSError as error:
        raise ListFileError(f"{path} cannot be read: {error.strerror}") from error
    return ListFile(path, digest, lines, unused, read)


def _inspected(path: Path) -> tuple[str, int]:
    """The hash, and how many lines there are, of a file that is UTF-8 all through."""
    found, lines = hashlib.sha256(), 1
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        for chunk in [*iter(partial(file.read, _CHUNK), b""), b""]:
            found.update(chunk)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                place = lines + error.object[: error.start].count(b"\n")
                raise ListFileError(
                    f"{path}:{place} is not UTF-8: save the file as UTF-8 (in a spreadsheet: "
                    "“CSV UTF-8”)"
                ) from None
            lines += chunk.count(b"\n")
    return found.hexdigest(), lines


# ---------------------------------------------------------------- CSV


@dataclass(frozen=True, slots=True)
class _Columns:
    """`names` by kind, `traits` by name: the column, and what reads its cells."""

    count: int
    names: Mapping[str, int]
    traits: Mapping[str, tuple[int, Callable[[str], Any]]]
    unused: tuple[str, ...]


def _csv_reader(path: Path) -> tuple[Sequence[str], Callable[[], Iterator[Line | Rejected]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline(_CHUNK)
        if not head.strip() and not any(map(str.strip, file)):
            raise ListFileError(f"{path} is empty: {_NEEDED}")
    separator = max(_SEPARATORS, key=head.count)
    try:
        cells = next(csv.reader([head], delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise ListFileError(f"{path}:1 is no line of CSV: {error}") from None
    columns = _columns(path, [each.strip() for each in cells])
    return columns.unused, partial(_read_csv, path, separator, columns)


def _columns(path: Path, head: Sequence[str]) -> _Columns:
    names: dict[str, int] = {}
    traits: dict[str, tuple[int, Callable[[str], Any]]] = {}
    unused: list[str] = []
    for place, column in enumerate(head):
        plain = column.lower()
        kind = _ALSO.get(plain, plain)
        trait, _, type_ = column.removeprefix(_TRAIT).partition(":")
        if kind in names or trait in traits:
            raise ListFileError(f"{path}:1 names the column {column!r} twice")
        if kind in KINDS:
            names[kind] = place
        elif column.startswith(_TRAIT) and trait:
            if type_ not in _CELLS:
                known = ", ".join(filter(None, _CELLS))
                raise ListFileError(f"{path}:1: {column!r}: a type is one of {known}")
            traits[trait] = place, _CELLS[type_]
        else:
            unused.append(column)
    if not names:
        raise ListFileError(f"{path}:1 names no column by which customers are known: {_NEEDED}")
    return _Columns(len(head), names, traits, tuple(unused))


def _read_csv(path: Path, separator: str, columns: _Columns) -> Iterator[Line | Rejected]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        next(reader)
        while True:
            number = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                last = reader.line_num
                to = f", up to line {last}" if last > number else ""
                yield Rejected(number, f"it is no CSV{to}: {error}")
                continue
            if row is None:
                return
            if any(map(str.strip, row)):
                yield _csv_line(number, row, columns)


def _csv_line(number: int, row: Sequence[str], columns: _Columns) -> Line | Rejected:
    if len(row) != columns.count:
        return Rejected(number, f"it has {len(row)} cells, and the first line {columns.count}")
    given = {kind: row[place] for kind, place in columns.names.items()}
    traits: dict[str, Any] = {}
    for name, (place, read) in columns.traits.items():
        text = row[place].strip()
        if not text:
            continue
        try:
            traits[name] = read(text)
        except (ValueError, KeyError):
            return Rejected(number, f"traits.{name} is not of the type that the first line says")
    return _line(number, given, traits)


def _text(cell: str) -> str:
    """Without the apostrophe that an export puts before what looks like a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=@+-") else cell


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


_CELLS: Mapping[str, Callable[[str], Any]] = {
    "": _text,
    "number": _number,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}


# ---------------------------------------------------------------- JSON Lines


def _jsonl_reader(path: Path) -> tuple[Sequence[str], Callable[[], Iterator[Line | Rejected]]]:
    unused: list[str] = []
    return unused, partial(_read_jsonl, path, unused)


def _read_jsonl(path: Path, unused: list[str]) -> Iterator[Line | Rejected]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        number = 0
        while text := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(text) > _LONGEST_LINE and not text.endswith("\n"):
                yield Rejected(number, f"it is longer than {_LONGEST_LINE} characters")
                while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith("\n"):
                    pass
            elif text.strip():
                yield _json_line(number, text, unused)


def _json_line(number: int, text: str, unused: list[str]) -> Line | Rejected:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Rejected(number, "it is not valid JSON")
    if not isinstance(document, dict):
        return Rejected(number, "it is no JSON object")
    _note_unused(document, unused)
    given: dict[str, str] = {}
    for kind in (*KINDS, "userId"):
        value = document.get(kind)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            return Rejected(number, f"{kind} must be a text")
        known_as = _ALSO.get(kind.lower(), kind)
        given[known_as] = value or given.get(known_as, "")
    traits = document.get("traits") or {}
    if not isinstance(traits, dict):
        return Rejected(number, "traits must be an object")
    return _line(number, given, traits)


def _note_unused(document: Mapping[str, Any], unused: list[str]) -> None:
    """A misspelt member would be lost unseen. Not all: members of some files are data."""
    for name in document:
        if name not in _MEMBERS and name not in unused and len(unused) < _MOST_UNUSED:
            unused.append(name)


# ---------------------------------------------------------------- both


def _line(number: int, given: Mapping[str, str], traits: dict[str, Any]) -> Line | Rejected:
    kind = next((each for each in KINDS if given.get(each, "").strip()), None)
    if kind is None:
        return Rejected(number, f"it names nobody: {', '.join(given)} are empty")
    name = _PLAIN[kind](given[kind].strip())
    if not name:
        return Rejected(number, _WRONG[kind])
    try:
        size = len(json.dumps(traits, ensure_ascii=False, allow_nan=False).encode())
        name.encode()
    except (ValueError, RecursionError):
        return Rejected(number, "it has a value that is no JSON, or no text")
    if size > _LONGEST_LINE:
        return Rejected(number, f"its traits are longer than {_LONGEST_LINE} bytes")
    return Line(number, kind, name, traits)


def _plain_id(text: str) -> str | None:
    return None if names_nobody(text) or len(text) > _LONGEST_ID else text


_PLAIN: Mapping[str, Callable[[str], str | None]] = {
    "customer": _plain_id,
    "user_id": _plain_id,
    "email": lambda text: None if names_nobody(text) else plain_email(text),
    "phone": plain_phone,
}
_WRONG = {
    "customer": "its customer is no id",
    "user_id": f"its user_id names nobody, or is longer than {_LONGEST_ID} characters",
    "email": "its email is no address, or nobody's",
    "phone": "its phone is no number with its country's code, such as +447700900123",
}
