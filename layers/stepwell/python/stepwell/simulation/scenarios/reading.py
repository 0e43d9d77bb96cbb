"""What all parts of the reader share: the file, the problems found so far, and the project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from stepwell.journeys.compiler.checks import Subject
from stepwell.journeys.compiler.problems import Place, suggest
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.journeys.compiler.source import DataPath
from stepwell.journeys.compiler.validation import FileReading
from stepwell.messages.policies import PoliciesError
from stepwell.messages.policies_file import PoliciesModel, read_policies
from stepwell.simulation.scenarios.times import TimeError, Week


@dataclass(frozen=True)
class Surroundings:
    """The project around the scenarios: `policies` is the file's plain data."""

    subjects: Mapping[str, Subject]
    registry: EventRegistry
    policies: Mapping[str, Any]
    destinations: frozenset[str] = frozenset()
    _changed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def policies_with(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The policies' document with these parts of the file replaced. Raises PoliciesError."""
        name = json.dumps(parts, sort_keys=True)
        if name not in self._changed:  # scenarios share theirs, and reading takes its time
            self._changed[name] = read_policies(json.dumps({**self.policies, **parts}))
        return self._changed[name]


@dataclass
class Reading(FileReading):
    """A file of scenarios being read."""

    journey: str
    around: Surroundings

    def place(self, path: DataPath) -> Place:
        return self.source.place(path)

    def known(self, path: DataPath, word: str, words: Iterable[str], code: str, what: str) -> bool:
        """Whether the word is one of the words; reported, with a suggestion, when it is not."""
        words = list(words)
        if word in words:
            return True
        self.report(path, code, f"there is no {what} {word!r}", suggest(word, words))
        return False

    def event(self, path: DataPath, name: str) -> bool:
        registry = self.around.registry
        if name in registry.names():
            return True
        remedy = f"{registry.suggestion(name)} Or add its schema to events/schemas/."
        self.report(path, "SW501", f"there is no event {name!r}", remedy)
        return False

    def moment(
        self, path: DataPath, text: object, week: Week, zone: ZoneInfo, before: datetime | None
    ) -> datetime | None:
        try:
            return week.read(text, zone, before)
        except TimeError as error:
            self.report(path, error.code, str(error), error.remedy)
            return None

    def policies(
        self, parts: Mapping[str, Any], where: Mapping[str, DataPath]
    ) -> dict[str, Any] | None:
        """The document; `where` is the path of each part in this file."""
        known = [
            self.known(path, name, PoliciesModel.model_fields, "SW406", "part of the policies")
            for name, path in where.items()
        ]
        if not all(known):
            return None
        try:
            return self.around.policies_with(parts)
        except PoliciesError as error:
            for each in error.problems:
                inside = _path(each.path)
                base = where.get(str(inside[0])) if inside else None
                path = (*base, *inside[1:]) if base else next(iter(where.values()), ())
                said = f"{each.path}: {each.message}" if not base else each.message
                self.report(path, "SW406", said, "Correct this part of the policies.")
            return None


def _path(shown: str) -> DataPath:
    """`caps[1].per` as ("caps", 1, "per")."""
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", shown)
    return tuple(int(part[1:-1]) if part[0] == "[" else part for part in parts)
