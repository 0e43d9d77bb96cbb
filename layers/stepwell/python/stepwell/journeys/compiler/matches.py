"""Events and conditions as the model has them, with their places."""

from __future__ import annotations

from stepwell.journeys.compiler.documents import MatchDocument
from stepwell.journeys.compiler.model import Condition, EventMatch
from stepwell.journeys.compiler.problems import Place
from stepwell.journeys.compiler.source import DataPath, Source, shown


def event_match(source: Source, path: DataPath, document: MatchDocument) -> EventMatch:
    where = condition(source, (*path, "where"), document.where)
    return EventMatch(document.event, where, source.place((*path, "event")))


def condition(source: Source, path: DataPath, text: str | None) -> Condition | None:
    """The condition; its place is where its text begins, below the key for a block of text."""
    if text is None:
        return None
    line = source.lines.get((*path, "|"), source.place(path).line)
    return Condition(text, Place(source.file, line, shown(path)))
