"""YAML 1.2 with line numbers: plain data, and where each part of it stands.

In YAML 1.2 `on`, `off`, `yes`, `no` are words and 09:00 is text. A path is a tuple of keys and
indexes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import FoldedScalarString, LiteralScalarString

from stepwell.journeys.compiler.problems import Place, Problem

DataPath = tuple[str | int, ...]


def shown(path: DataPath) -> str:
    """`steps[0].hold.for`"""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name as people know it, its data, and the line of every path."""

    file: str
    data: Any
    lines: Mapping[DataPath, int] = field(default_factory=dict)

    def place(self, path: DataPath) -> Place:
        """Where a path stands; for what is missing, where it should be."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return Place(self.file, self.lines.get(known, 1), shown(path))


class _Constructor(RoundTripConstructor):
    """Leaves dates as they are written: YAML 1.2 has none, and `2026-02-30` is a matter of who
    reads it.
    """


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_yaml_str)


def read_yaml(path: Path, file: str) -> tuple[Source | None, list[Problem]]:
    """The file's data. `file` is the name used in problems, usually relative to the project."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        remedy = "Save it as a UTF-8 text file."
        return None, [Problem(Place(file, 1), "SW100", "is no UTF-8 text", remedy)]
    except OSError as error:
        said, remedy = f"cannot be read: {error.strerror}", "Check that it is there and a file."
        return None, [Problem(Place(file, 1), "SW100", said, remedy)]
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> tuple[Source | None, list[Problem]]:
    try:
        yaml = YAML(typ="rt", pure=True)
        yaml.Constructor = _Constructor
        tree = yaml.load(text)
        lines: dict[DataPath, int] = {(): 1}
        return Source(file, _plain(tree, (), lines), lines), []
    except DuplicateKeyError as error:
        return None, [_unreadable(error, file, "Keep one of the two.")]
    except MarkedYAMLError as error:
        return None, [
            _unreadable(error, file, "Check indentation, colons and quotes around this line.")
        ]
    except RecursionError:
        said = "is no YAML that can be read: it is nested too deeply"
        return None, [Problem(Place(file, 1), "SW100", said, "Correct the file.")]
    except (YAMLError, AttributeError, TypeError, ValueError):
        # The parser stumbles over tags, merge keys and aliases of themselves.
        said = "is no YAML that can be read: a tag (!), an alias (*) or a merge (<<) leads nowhere"
        return None, [Problem(Place(file, 1), "SW100", said, "Write what is meant without it.")]


def _unreadable(error: MarkedYAMLError, file: str, remedy: str) -> Problem:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    said = str(error.problem or error.context or "is no YAML").splitlines()[0]
    return Problem(Place(file, line), "SW100", f"is no YAML that can be read: {said}", remedy)


def _plain(node: Any, path: DataPath, lines: dict[DataPath, int]) -> Any:
    if isinstance(node, CommentedMap):
        for key in node:
            lines[(*path, str(key))] = node.lc.key(key)[0] + 1
        return {str(key): _plain(value, (*path, str(key)), lines) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        for index in range(len(node)):
            lines[(*path, index)] = node.lc.item(index)[0] + 1
        return [_plain(value, (*path, index), lines) for index, value in enumerate(node)]
    if isinstance(node, LiteralScalarString | FoldedScalarString):
        lines[(*path, "|")] = lines.get(path, 1) + 1  # the text begins on the line below its key
        return str(node)
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node if node is None else str(node)
