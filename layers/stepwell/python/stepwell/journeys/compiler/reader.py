"""Read `journey.yaml` into the neutral model, with every problem of reading it.

A step that cannot be read is reported and left out, so that the checks still see the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepwell.journeys.compiler import documents
from stepwell.journeys.compiler.entries import entry_match
from stepwell.journeys.compiler.matches import condition, event_match
from stepwell.journeys.compiler.model import Entry, EventMatch, Goal, Journey
from stepwell.journeys.compiler.problems import Problem, suggest
from stepwell.journeys.compiler.source import DataPath, read_yaml
from stepwell.journeys.compiler.steps import StepReader
from stepwell.journeys.compiler.validation import FileReading, known_keys
from stepwell.journeys.program import Reentry

_REENTRY = {each.value: each for each in Reentry if each is not Reentry.AFTER}
_AS_WRITTEN = "never, always, after_exit or {after: 7d}"


def read_journey(folder: Path, file: str) -> tuple[Journey | None, list[Problem]]:
    """`file` is the name of `journey.yaml` in problems."""
    source, problems = read_yaml(folder / "journey.yaml", file)
    if source is None:
        return None, problems
    return _Reading(source).journey(folder)


class _Reading(FileReading):
    def journey(self, folder: Path) -> tuple[Journey | None, list[Problem]]:
        document = self.validated((), self.source.data, documents.JourneyDocument)
        if document is None:
            return None, self._with_keys()
        steps = StepReader(self.source)
        journey = Journey(
            name=document.journey,
            folder=folder,
            place=self.source.place(("journey",)),
            purpose=document.purpose,
            draining=document.status == "draining",
            entry=self._entry(document.entry),
            exits=tuple(
                match
                for index, each in enumerate(document.exit)
                if (match := self._match(("exit", index), each))
            ),
            goal=self._goal(document.goal) if document.goal is not None else None,
            steps=steps.block(("steps",), document.steps),
            park_over=document.park_waits_over,
        )
        return journey, [*self.problems, *steps.problems]

    def _with_keys(self) -> list[Problem]:
        if self.source.data is None:
            keys = ", ".join(known_keys(documents.JourneyDocument))
            return [
                Problem(
                    self.source.place(()), "SW102", "the file is empty", f"A journey has {keys}."
                )
            ]
        return self.problems

    def _entry(self, data: Any) -> Entry | None:
        document = self.validated(("entry",), data, documents.EntryDocument)
        if document is None:
            return None
        reentry, seconds = self._reentry(document.reentry)
        match, problems = entry_match(self.source, document)
        self.problems.extend(problems)
        if match is None:
            return None
        key = condition(self.source, ("entry", "key"), document.key)
        return Entry(match, key, reentry, seconds, document.segment, document.trait)

    def _reentry(self, given: Any) -> tuple[Reentry, int]:
        path = ("entry", "reentry")
        if isinstance(given, dict):
            after = self.validated(path, given, documents.AfterDocument)
            return Reentry.AFTER, after.after if after else 1
        if not isinstance(given, str) or given not in _REENTRY:
            said = f"{given!r} is no way to enter again. {suggest(given, [*_REENTRY, 'after'])}"
            self.report(path, "SW103", said, f"Write {_AS_WRITTEN}.")
            return Reentry.NEVER, 0
        return _REENTRY[given], 0

    def _match(self, path: DataPath, data: Any) -> EventMatch | None:
        document = self.validated(path, data, documents.MatchDocument)
        return event_match(self.source, path, document) if document else None

    def _goal(self, data: Any) -> Goal | None:
        document = self.validated(("goal",), data, documents.GoalDocument)
        if document is None:
            return None
        match = event_match(self.source, ("goal",), document)
        return Goal(
            match, document.within, condition(self.source, ("goal", "value"), document.value)
        )
