"""What the sections of the files are read with: the file, the events, and all problems so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.conditions.tree import Tree
from stepwell.journeys.compiler.cel.kinds import Environment, Type
from stepwell.journeys.compiler.cel.parser import ConditionSyntaxError, parse
from stepwell.journeys.compiler.cel.types import (
    TypeProblem,
    by_version,
    check_condition,
    check_types,
)
from stepwell.journeys.compiler.problems import Place, Problem
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.journeys.compiler.source import DataPath
from stepwell.journeys.compiler.validation import D, FileReading


@dataclass
class Declared(FileReading):
    """`registry` is None when it cannot be read, a problem of its own."""

    registry: EventRegistry | None

    def at(self, path: DataPath) -> Any:
        """What the file has at this path, as it is written."""
        data: Any = self.source.data
        for part in path:
            data = data[part]
        return data

    def section(self, path: DataPath, model: type[D]) -> D | None:
        """What the file has at this path, if it is that."""
        return self.validated(path, self.at(path), model)

    def parsed(self, path: DataPath, text: str | None) -> Tree | None:
        """The condition's tree; None without one, or for one that cannot be read."""
        if text is None:
            return None
        place = self.source.place(path)
        first = self.source.lines.get((*path, "|"), place.line)
        try:
            return parse(text)
        except ConditionSyntaxError as error:
            at = Place(place.file, first + error.line - 1, place.path)
            said = f"is no condition: {error}"
            self.problems.append(Problem(at, "SW502", said, "Correct the CEL expression."))
            return None

    def checked(
        self, path: DataPath, tree: Tree | None, names: Mapping[str, Environment], *, decides: bool
    ) -> list[Type]:
        """The tree's type in each of the environments, which are named by what is special about
        them; none of a tree that cannot be read.
        """
        if tree is None:
            return []
        kinds: list[Type] = []
        found: dict[str, list[TypeProblem]] = {}
        for version, each in names.items():
            kind, wrong = check_types(tree, each)
            kinds.append(kind)
            found[version] = check_condition(tree, each) if decides else wrong
        for fault in by_version(found):
            self.report(path, fault.code, fault.message, fault.remedy)
        return kinds
